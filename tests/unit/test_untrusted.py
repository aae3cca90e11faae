"""Messages that an honest worker does not send."""

import struct

import pyarrow
import pytest

from commonthread.broker.lake.untrusted import Untrusted, read_batch, read_schema

PLAIN = pyarrow.record_batch({"word": ["a", None, "bb"], "number": [1, 2, 3]})


def test_a_plain_batch_arrives_as_it_was() -> None:
    schema = read_schema(PLAIN.schema.serialize().to_pybytes())
    assert read_batch(PLAIN.serialize().to_pybytes(), schema).equals(PLAIN)


def test_a_compressed_batch_is_refused() -> None:
    bomb = pyarrow.record_batch({"word": ["a" * 10_000_000]})
    options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, bomb.schema, options=options) as writer:
        writer.write_batch(bomb)
    messages = pyarrow.ipc.MessageReader.open_stream(sink.getvalue())
    messages.read_next_message()
    message = messages.read_next_message().serialize().to_pybytes()
    assert len(message) < 10_000
    with pytest.raises(Untrusted):
        read_batch(message, bomb.schema)


@pytest.mark.parametrize(
    "kind",
    [
        pyarrow.dictionary(pyarrow.int8(), pyarrow.string()),
        pyarrow.string_view(),
        pyarrow.list_view(pyarrow.int8()),
        pyarrow.run_end_encoded(pyarrow.int32(), pyarrow.string()),
        pyarrow.dense_union([pyarrow.field("a", pyarrow.int8())]),
        pyarrow.struct([pyarrow.field("a", pyarrow.string_view())]),
        pyarrow.list_(pyarrow.string_view()),
    ],
    ids=str,
)
def test_a_type_that_can_outgrow_its_bytes_is_refused(kind: pyarrow.DataType) -> None:
    schema = pyarrow.schema([pyarrow.field("a", kind)])
    with pytest.raises(Untrusted):
        read_schema(schema.serialize().to_pybytes())


@pytest.mark.parametrize(
    "kind",
    [
        pyarrow.decimal128(38, 0),
        pyarrow.date32(),
        pyarrow.timestamp("us", tz="UTC"),
        pyarrow.bool_(),
        pyarrow.list_(pyarrow.string()),
        pyarrow.map_(pyarrow.string(), pyarrow.int64()),
        pyarrow.struct([pyarrow.field("a", pyarrow.list_(pyarrow.int8()))]),
        pyarrow.null(),
        pyarrow.month_day_nano_interval(),
    ],
    ids=str,
)
def test_a_type_of_ordinary_answers_is_taken(kind: pyarrow.DataType) -> None:
    schema = pyarrow.schema([pyarrow.field("a", kind)])
    assert read_schema(schema.serialize().to_pybytes()) == schema


def test_offsets_that_lie_outside_are_refused() -> None:
    batch = pyarrow.record_batch({"word": ["short"]})
    honest = batch.serialize().to_pybytes()
    lying = honest.replace(struct.pack("<2i", 0, 5), struct.pack("<2i", 0, 1_000_000))
    assert lying != honest
    with pytest.raises(Untrusted):
        read_batch(lying, batch.schema)


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 64, b"\xff\xff\xff\xff\x10\0\0\0" + b"\x7f" * 16]
)
def test_noise_is_refused(content: bytes) -> None:
    with pytest.raises(Untrusted):
        read_batch(content, PLAIN.schema)


@pytest.mark.parametrize("at", range(0, 200, 7))
def test_a_changed_byte_is_refused_or_harmless(at: int) -> None:
    content = bytearray(PLAIN.serialize().to_pybytes())
    content[at] ^= 0x5A
    try:
        batch = read_batch(bytes(content), PLAIN.schema)
    except Untrusted:
        return
    batch.validate(full=True)
    assert batch.nbytes <= len(content)


def test_a_batch_of_another_kind_of_message_is_refused() -> None:
    with pytest.raises(Untrusted):
        read_batch(PLAIN.schema.serialize().to_pybytes(), PLAIN.schema)


def test_a_batch_in_place_of_the_schema_is_refused() -> None:
    with pytest.raises(Untrusted):
        read_schema(PLAIN.serialize().to_pybytes())
