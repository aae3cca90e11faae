"""Arrow messages from a process that is not trusted, read without being led into trouble.

What a worker sends is bounded in size before it comes here. Here it is held to types whose values
take the room they were sent in, to bodies that are not compressed, and to offsets that lie inside:
so an answer of so many bytes cannot become a larger one in the process that reads it.
"""

from __future__ import annotations

import struct

import pyarrow

__all__ = ["Untrusted", "read_batch", "read_schema"]


class Untrusted(Exception):
    """Bytes that an honest worker does not send. No text: nothing of them may travel further."""


def read_schema(content: bytes) -> pyarrow.Schema:
    """The schema of an answer; Untrusted if it has a type that could outgrow its bytes."""
    try:
        schema = pyarrow.ipc.read_schema(pyarrow.py_buffer(content))
    except (pyarrow.ArrowException, OSError, EOFError) as error:
        raise Untrusted from error
    if not all(_is_plain(field.type) for field in schema):
        raise Untrusted
    return schema


def _is_plain(kind: pyarrow.DataType) -> bool:
    """Types whose values take the room they were sent in: no views, runs, unions, dictionaries."""
    types = pyarrow.types
    simple = (
        types.is_primitive,
        types.is_decimal,
        types.is_string,
        types.is_large_string,
        types.is_binary,
        types.is_large_binary,
        types.is_interval,
        types.is_null,
    )
    if any(test(kind) for test in simple):
        return True
    nested = types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind)
    if nested or types.is_struct(kind):
        return all(_is_plain(kind.field(at).type) for at in range(kind.num_fields))
    return False


def read_batch(content: bytes, schema: pyarrow.Schema) -> pyarrow.RecordBatch:
    """One record batch of this schema; Untrusted if it is anything else."""
    try:
        message = pyarrow.ipc.read_message(pyarrow.py_buffer(content))
        if message.type != "record batch" or _is_compressed(message.metadata.to_pybytes()):
            raise Untrusted
        batch = pyarrow.ipc.read_record_batch(message, schema)
        batch.validate(full=True)
    except (pyarrow.ArrowException, OSError, EOFError, struct.error) as error:
        raise Untrusted from error
    return batch


def _is_compressed(message: bytes) -> bool:
    """Whether a record batch says that it grows when read; a few bytes could ask for gigabytes.

    Reads the flatbuffer by hand (Message.header is field 2, RecordBatch.compression field 3 of
    Arrow's Message.fbs), since pyarrow tells only by unpacking it.
    """

    def field(table: int, number: int) -> int:
        fields = table - struct.unpack_from("<i", message, table)[0]
        if 4 + 2 * number >= struct.unpack_from("<H", message, fields)[0]:
            return 0
        offset = struct.unpack_from("<H", message, fields + 4 + 2 * number)[0]
        return table + offset if offset else 0

    def follow(position: int) -> int:
        return position + int(struct.unpack_from("<I", message, position)[0])

    header = field(follow(0), 2)
    return not header or field(follow(header), 3) != 0
