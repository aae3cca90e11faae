"""What comes out of the door, what the ledger then says, and what does not come out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.homes import (
    ANALYST,
    DATASET,
    ENGINEER,
    OTHER_SIGNATORY,
    OWNER,
    PURPOSE,
    READER,
    REFERENCE,
    SECRET,
    SIGNATORY,
    agreement,
    documents,
    small_home,
    write_calls,
)

from commonthread.broker.access import (
    BadInput,
    Broker,
    LeaseEnded,
    Lookup,
    OwnData,
    Refused,
    Request,
    Sql,
    leases,
)
from commonthread.broker.access.acts import act
from commonthread.broker.access.documents import written
from commonthread.broker.access.exports import records, safe, write
from commonthread.broker.records import close_ledgers
from commonthread.catalogue.deposits import receive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = small_home(tmp_path)
    yield made
    made.close()
    close_ledgers()


def ask(sql: str, member: str = ANALYST, purpose: str = PURPOSE) -> Request:
    return Request(member, Sql(sql), REFERENCE, purpose)


def rows(broker: Broker, sql: str) -> list[dict[str, object]]:
    with broker.read(ask(sql)) as answer:
        return list(records(answer))


def kinds(broker: Broker) -> list[str]:
    return [entry.kind for entry in broker.ledger.entries(0, 10_000)]


def test_only_granted_rows_and_columns_come_out(broker: Broker) -> None:
    found = rows(broker, "select * from calls")
    assert len(found) == 300
    assert set(found[0]) == {"ref", "district", "minutes"}
    assert {row["district"] for row in found} == {"North", "South", "East"}


def test_a_column_that_no_grant_opens_is_refused(broker: Broker) -> None:
    with pytest.raises(Refused) as refusal:
        broker.read(ask("select note from calls"))
    assert SECRET not in str(refusal.value)


def test_statistics_are_rounded_and_small_cells_absent(broker: Broker) -> None:
    found = rows(broker, "select district, count(*) n from counted group by district")
    assert {row["district"]: row["n"] for row in found} == {"North": 100, "South": 100, "East": 100}
    assert rows(
        broker, "select minutes, count(*) n from counted where minutes = 1 group by minutes"
    )
    alone = "select district, count(*) n from counted where minutes in (61) group by district"
    assert rows(broker, alone) == []


def test_an_answer_stands_between_its_opening_and_its_closing_entry(broker: Broker) -> None:
    with broker.read(ask("select * from calls limit 7")) as answer:
        assert kinds(broker)[-1] == "lease.opened"
        list(answer.batches())
    closed = broker.ledger.entries(0, 10_000)[-1]
    assert closed.kind == "lease.closed"
    assert closed.public == {"lease": answer.entry, "rows": 7, "how": "complete"}


def test_a_refusal_is_recorded(broker: Broker) -> None:
    with pytest.raises(Refused):
        broker.read(ask("select * from calls", member=SIGNATORY))
    last = broker.ledger.entries(0, 10_000)[-1]
    assert last.kind == "request.refused"
    assert "recipient" in last.public["codes"]


def test_a_query_that_cannot_be_parsed_is_bad_input_and_recorded(broker: Broker) -> None:
    with pytest.raises((BadInput, Refused)):
        broker.read(ask("select from where"))
    assert kinds(broker)[-1] == "request.refused"


def test_no_text_of_a_query_and_no_name_stands_open_in_the_ledger(broker: Broker) -> None:
    rows(broker, "select count(*) from calls where district = 'Zanzibar'")
    text = b"".join(entry.text for entry in broker.ledger.entries(0, 10_000))
    for secret in (b"Zanzibar", ANALYST.encode(), SECRET.encode()):
        assert secret not in text


def test_an_error_inside_says_nothing(broker: Broker) -> None:
    with (
        pytest.raises(Refused) as refusal,
        broker.read(ask("select cast(district as integer) from calls")) as answer,
    ):
        list(answer.batches())
    assert [reason.code for reason in refusal.value.reasons] == ["run-failed"]
    assert "North" not in str(refusal.value)


def test_a_withdrawal_ends_a_running_answer(broker: Broker) -> None:
    with broker.read(ask("select * from calls")) as answer:
        batches = answer.batches()
        broker.act(REFERENCE, "withdraw", SIGNATORY, "review")
        with pytest.raises(LeaseEnded) as ended:
            list(batches)
    assert [reason.code for reason in ended.value.reasons] == ["withdrawn"]
    assert broker.ledger.entries(0, 10_000)[-1].public["how"] == "ended"


def test_a_withdrawal_destroys_the_extract_and_tells_each_party(broker: Broker) -> None:
    rows(broker, "select count(*) from calls")
    home = broker.ledger._ledger._keyring.home
    assert list((home / "extracts").glob("*.parquet"))
    broker.act(REFERENCE, "withdraw", SIGNATORY, "review")
    assert not list((home / "extracts").glob("*.parquet*"))
    assert list((home / "members").glob("*.parquet"))
    told = {notice.party for notice in broker.ledger.notices() if notice.reference == REFERENCE}
    assert {"wychshire", "saltbridge"} <= told


def test_suspended_means_refused_and_resumed_means_permitted(broker: Broker) -> None:
    broker.act(REFERENCE, "suspend", OTHER_SIGNATORY, "incident")
    with pytest.raises(Refused):
        broker.read(ask("select count(*) from calls"))
    with pytest.raises(BadInput):
        broker.act(REFERENCE, "resume", SIGNATORY, "not mine to resume")
    broker.act(REFERENCE, "resume", OTHER_SIGNATORY, "closed")
    assert rows(broker, "select count(*) n from calls") == [{"n": 300}]


def test_who_has_withdrawn_is_said(broker: Broker) -> None:
    assert broker.status(REFERENCE).withdrawn == ()
    broker.act(REFERENCE, "withdraw", OTHER_SIGNATORY, "review")
    assert broker.status(REFERENCE).withdrawn == ("saltbridge",)


def test_a_new_version_governs_at_its_last_signature(broker: Broker) -> None:
    broker.apply([agreement(version=2)])
    broker.act(REFERENCE, "sign", SIGNATORY)
    now = broker.status(REFERENCE)
    assert (now.version, now.in_force, now.unsigned) == (1, True, ())
    assert now.draft is not None
    assert (now.draft.version, now.draft.in_force, now.draft.unsigned) == (2, False, (READER,))
    broker.act(REFERENCE, "sign", OTHER_SIGNATORY)
    now = broker.status(REFERENCE)
    assert (now.version, now.draft) == (2, None)
    assert rows(broker, "select count(*) n from calls") == [{"n": 300}]


def test_the_same_documents_change_nothing(broker: Broker) -> None:
    before = broker.ledger.size
    assert {change.what for change in broker.apply(documents())} == {"unchanged"}
    assert broker.ledger.size == before


def test_every_problem_of_every_document_is_named_and_nothing_written(broker: Broker) -> None:
    before = broker.ledger.size
    faulty = agreement(version=2)
    table = dict(faulty.table["agreement"])
    table["grant"] = [{**table["grant"][0], "mode": "whatever", "recipients": []}]
    with pytest.raises(BadInput) as refusal:
        broker.apply(
            [type(faulty)("a.toml", {"agreement": table}), type(faulty)("b.toml", {"x": 1})]
        )
    said = "\n".join(map(str, refusal.value.problems))
    assert "mode" in said
    assert "recipients" in said
    assert "b.toml" in said
    assert broker.ledger.size == before


def look_up(broker: Broker, value: str, reason: str = "complaint") -> list[dict[str, object]]:
    request = Request(ANALYST, Lookup("one-call", value, reason), REFERENCE, PURPOSE)
    with broker.read(request) as answer:
        return list(records(answer))


def test_a_look_up_shows_one_key_for_a_reason_three_times_a_day(broker: Broker) -> None:
    assert look_up(broker, "C0000001") == [{"ref": "C0000001", "district": "South", "minutes": 1}]
    assert look_up(broker, "C0000003") == []  # West: hidden, and like what is not there
    with pytest.raises(Refused) as refusal:
        look_up(broker, "C0000001", reason=" ")
    assert [reason.code for reason in refusal.value.reasons] == ["reason"]
    assert look_up(broker, "nobody") == []
    with pytest.raises(Refused) as refusal:
        look_up(broker, "C0000001")
    assert "rate" in {reason.code for reason in refusal.value.reasons}


PLANNING = f"{REFERENCE}/{PURPOSE}"


def test_an_objection_hides_the_record_until_it_is_lifted(broker: Broker) -> None:
    broker.object(DATASET, ["C0000001"], [PLANNING], by=SIGNATORY)
    assert rows(broker, "select count(*) n from calls") == [{"n": 299}]
    broker.object(DATASET, ["C0000001"], [PLANNING], by=SIGNATORY, lifted=True)
    assert rows(broker, "select count(*) n from calls") == [{"n": 300}]


@pytest.mark.parametrize(
    ("dataset", "values", "purpose", "lifted", "said"),
    [
        (f"{OWNER}/visits", ["C0000001"], PLANNING, False, "No dataset of this name"),
        (DATASET, ["C0000001", "North"], PLANNING, False, "has 1 columns"),
        (DATASET, ["C9999999"], PLANNING, False, "No record of the dataset has this key"),
        (DATASET, ["C0000001"], f"{REFERENCE}/plannin", False, f"{REFERENCE}/plannin"),
        (DATASET, ["C0000001"], "nonsense", False, "nonsense"),
        (DATASET, ["C0000001"], PLANNING, True, "none can be lifted"),
    ],
)
def test_an_objection_that_would_hide_nothing_is_not_taken(
    broker: Broker, dataset: str, values: list[str], purpose: str, lifted: bool, said: str
) -> None:
    before = broker.ledger.size
    with pytest.raises(BadInput, match=said):
        broker.object(dataset, values, [purpose], by=SIGNATORY, lifted=lifted)
    assert broker.ledger.size == before


def test_own_data_is_the_owners_engineers(broker: Broker) -> None:
    deposits = broker.own(Request(ENGINEER, OwnData(DATASET)))
    assert [deposit.rows for deposit in deposits] == [400]
    for stranger in (ANALYST, SIGNATORY, OTHER_SIGNATORY):
        with pytest.raises(Refused):
            broker.own(Request(stranger, OwnData(DATASET)))
    with pytest.raises(Refused, match="No such thing"):
        broker.own(Request(ENGINEER, OwnData(DATASET, "everything")))


def test_what_is_deposited_later_is_added_and_repeated_keys_are_quarantined(
    broker: Broker, tmp_path: Path
) -> None:
    again = receive(broker, DATASET, write_calls(tmp_path / "b.csv", 100, start=390), ENGINEER)
    assert (again.rows, again.quarantined) == (90, 10)
    assert rows(broker, "select count(*) n from calls") == [{"n": 368}]
    held = broker.own(Request(ENGINEER, OwnData(DATASET, "quarantine")))
    assert held.num_rows == 10
    same = receive(broker, DATASET, tmp_path / "b.csv", ENGINEER)
    assert not same.new


def test_export_false_refuses_files(broker: Broker, tmp_path: Path) -> None:
    with broker.read(ask("select * from calls")) as answer, pytest.raises(Refused):
        write(answer, tmp_path / "x.csv", demo=True)
    assert not (tmp_path / "x.csv").exists()


def test_an_export_says_where_it_comes_from(broker: Broker, tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    with broker.read(
        ask("select district, count(*) n from counted group by 1 order by 1")
    ) as answer:
        assert write(answer, out, demo=True) == 3
    assert out.read_text().splitlines() == ["district,n", "East,100", "North,100", "South,100"]
    about = (tmp_path / "x.csv-metadata.json").read_text()
    assert REFERENCE in about
    assert "demo home" in about


@pytest.mark.parametrize("text", ["=1", "+1+1", "-1-1", "-A1", "@x", "\tx", "\rx"])
def test_no_cell_is_taken_for_a_formula(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-4", "+44", "-0.5", "1-1", "a"])
def test_what_is_no_formula_is_written_as_it_stands(text: str) -> None:
    assert safe(text) == text


def test_what_the_machine_cannot_fence_stands_in_the_ledger_once(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = {"network": "not permitted"}
    monkeypatch.setattr("commonthread.broker.access.reading.survey", lambda: missing)
    rows(broker, "select count(*) from calls")
    rows(broker, "select count(*) from calls")
    noted = [e.public for e in broker.ledger.entries(0, 10_000) if e.kind == "fence.weaker"]
    assert noted == [{"missing": ["network"]}]


def test_the_ledger_of_all_this_verifies(broker: Broker) -> None:
    rows(broker, "select count(*) from calls")
    report = broker.ledger.verify()
    assert report.verified
    assert report.entries == broker.ledger.size


def test_an_extract_made_while_its_ground_went_away_is_destroyed(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure = broker._extracts.ensure

    def late(view: Any) -> Any:
        made = ensure(view)
        if broker.status(REFERENCE).in_force:
            broker.act(REFERENCE, "withdraw", SIGNATORY, "review")
        # The watch has swept, and only now the extract is there.
        return ensure(view) if not made.path.exists() else made

    monkeypatch.setattr(broker._extracts, "ensure", late)
    with pytest.raises(LeaseEnded):
        broker.read(ask("select count(*) from calls"))
    home = broker.ledger._ledger._keyring.home
    assert not list((home / "extracts").glob("*.parquet*"))


def test_a_worker_that_fails_because_another_process_heard_first_is_said_to_be_ended(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "PERIOD_SECONDS", 60.0)
    monkeypatch.setattr(leases, "SILENT_SECONDS", 60.0)
    with broker.read(ask("select * from calls")) as answer:
        # As another process would: the fact, and the extract destroyed; this watch has not looked.
        keyring = broker.ledger._ledger._keyring
        fact = act(broker.standing(), keyring, REFERENCE, "withdraw", SIGNATORY, "review", key=None)
        broker._ledger.add(written([fact]))
        for path in (keyring.home / "extracts").glob("*.parquet"):
            broker._store.destroy(path)
        with pytest.raises(LeaseEnded) as ended:
            list(answer.batches())
    assert [reason.code for reason in ended.value.reasons] == ["withdrawn"]
