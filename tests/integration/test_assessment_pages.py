"""The pages of assessments: the whole story in forms, who sees which, and the drawing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.assessed import (
    AT,
    LEAD,
    OTHER,
    AssessedBroker,
    advise,
    answers,
    complete,
    fresh,
    member,
    terms,
    world,
)

from commonthread.gateway.assessing import advice
from commonthread.gateway.assessing.steps import weighed
from commonthread.gateway.drafting import drafts
from commonthread.gateway.models import APPROVED, Assessment, Draft
from commonthread.web import pages
from commonthread.web.assessments.matrix import drawn, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> AssessedBroker:
    made = world()
    monkeypatch.setattr(pages, "open_broker", lambda: made)
    return made


@pytest.fixture
def draft(broker: AssessedBroker) -> Draft:
    return drafts.start(member(broker, "g.penn"), terms(care=True), "blank", AT)


@pytest.fixture
def asked(broker: AssessedBroker, draft: Draft) -> Assessment:
    made = complete(broker, draft)
    return advice.ask(made.id, broker.standing(), by=member(broker, "g.penn"), at=AT)


def signed_in(id_: str) -> Client:
    client = Client()
    assert client.post("/sign-in/", {"member": id_}).status_code == 302
    return client


def text_of(answer: Any) -> str:
    bare = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", bare.replace("&#x27;", "'"))


def hidden(answer: Any, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    assert found
    return found.group(1)


def form_of(said: dict[str, Any]) -> dict[str, str]:
    """The answers of a step as a browser sends them."""
    sent: dict[str, str] = {}
    for name, value in said.items():
        if isinstance(value, list):
            for number, row in enumerate(value):
                sent |= {f"{name}-{number}-{key}": text for key, text in row.items()}
        elif name == "review":
            year, month, day = value.split("-")
            sent |= {"review-day": day, "review-month": month, "review-year": year}
        else:
            sent[name] = value
    return sent


def test_the_story_from_a_draft_to_its_approved_assessment(
    broker: AssessedBroker, draft: Draft
) -> None:
    officer = signed_in("g.penn")
    section = officer.get(f"/drafts/{draft.id}/assessment/")
    assert "Assess this draft" in text_of(section)
    address = officer.post("/assessments/new/", {"draft": str(draft.id)})["Location"]
    for step, said_of in answers().items():
        page = officer.get(f"{address}{step}/")
        form = form_of(said_of) | {"seen": hidden(page, "seen"), "do": "save"}
        assert officer.post(f"{address}{step}/", form).status_code == 302
    tasks = text_of(officer.get(address))
    assert "7 of 7 steps completed" in tasks
    assert "suggested risks to answer" in tasks
    names = re.findall(r"/suggested/([a-z-]+)/", officer.get(f"{address}risks/").content.decode())
    refused = officer.post(f"{address}suggested/{names[0]}/", {"do": "dismiss", "reason": " "})
    assert refused.status_code == 400
    assert "Say why" in text_of(refused)
    gone = {"do": "dismiss", "reason": "It does not arise."}
    assert officer.post(f"{address}suggested/{names[0]}/", gone).status_code == 302
    for name in names[1:]:
        taken = officer.post(f"{address}suggested/{name}/", {"do": "take"})
        assert taken["Location"] == f"{address}risks/"
    assert officer.post(f"{address}do/ask/").status_code == 302
    assert f"Data protection officer of {LEAD.title()}" in text_of(officer.get(address))

    for who in ("d.lane", "c.lowe"):
        adviser = signed_in(who)
        page = adviser.get(f"{address}advice/")
        assert "It does not arise." in text_of(page)
        form = {"revision": hidden(page, "revision"), "says": "supports", "text": "We looked."}
        assert adviser.post(f"{address}advice/", form).status_code == 302

    director = signed_in("d.ashe")
    page = director.get(f"{address}decision/")
    assert "The advice is not decided on" in text_of(page)
    revision = hidden(page, "revision")
    early = director.post(f"{address}decision/", {"revision": revision, "do": "approve"})
    assert early.status_code == 400
    assert "cannot be approved yet" in text_of(early)
    form = {"revision": revision, "do": "decide", "how": "accepted"}
    assert director.post(f"{address}decision/", form).status_code == 302
    done = director.post(f"{address}decision/", {"revision": revision, "do": "approve"})
    assert done["Location"] == address

    made = Assessment.objects.get()
    assert made.state == APPROVED
    assert made.digest in broker.standing().dpias
    draft.refresh_from_db()
    assert draft.terms["dpia"] == made.digest
    assert made.digest in text_of(director.get(address))
    copied = officer.post(f"{address}do/copy-risks/")
    assert copied["Location"] == f"/drafts/{draft.id}/risks/"
    draft.refresh_from_db()
    assert "seen-by-many" in str(draft.terms["risk"])
    again = officer.post(f"{address}do/revise/", {"draft": str(draft.id)})["Location"]
    assert "6 of 7 steps completed" in text_of(officer.get(again))


PAGES = ("", "need/", "risks/", "advice/", "decision/", "ico/", "counts/")


@pytest.mark.parametrize(
    ("who", "open_"),
    [
        ("g.penn", ("", "need/", "risks/", "ico/")),
        ("d.lane", ("", "need/", "risks/", "advice/", "ico/")),
        ("d.ashe", ("", "need/", "risks/", "decision/")),
        ("c.lowe", ("", "need/", "risks/", "advice/")),
        ("n.crane", ("counts/",)),
        ("m.dove", ()),
        ("a.reed", ()),
    ],
)
def test_each_page_is_open_to_whom_it_is_for(
    asked: Assessment, who: str, open_: tuple[str, ...]
) -> None:
    client = signed_in(who)
    codes = {page: client.get(f"/assessments/{asked.id}/{page}").status_code for page in PAGES}
    assert {page for page, code in codes.items() if code == 200} == set(open_)
    assert set(codes.values()) <= {200, 404}


def test_the_list_says_who_is_waited_for(broker: AssessedBroker, asked: Assessment) -> None:
    advise(broker, asked, "d.lane")
    page = text_of(signed_in("d.ashe").get("/assessments/"))
    assert "Waits for Caldicott guardian of Severn Acute" in page
    assert "Calls for planning" in text_of(signed_in("n.crane").get("/assessments/"))
    assert "There is none that you may read" in text_of(signed_in("m.dove").get("/assessments/"))


def test_a_longer_list_asks_the_database_no_more(
    broker: AssessedBroker, draft: Draft, asked: Assessment
) -> None:
    client = signed_in("g.penn")
    counted = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/assessments/").status_code == 200
        counted.append(len(queries))
        for _ in range(3):
            made = complete(broker, draft)
            advice.ask(made.id, broker.standing(), by=member(broker, "g.penn"), at=AT)
            advise(broker, made, "d.lane")
    assert counted[0] == counted[1]


def test_an_engineer_enters_a_count(broker: AssessedBroker, asked: Assessment) -> None:
    client = signed_in("n.crane")
    address = f"/assessments/{asked.id}/counts/"
    form = {"grant": "attendances", "number": "0", "0-unique": "60", "0-rows": "900"}
    form |= {"0-counted_on-day": "1", "0-counted_on-month": "11", "0-counted_on-year": "2026"}
    assert client.post(address, form | {"0-rows": "5"}).status_code == 400
    assert client.post(address, form).status_code == 302
    assert "60 of 900 rows" in text_of(client.get(address))
    said_of = text_of(signed_in("g.penn").get(f"/assessments/{asked.id}/risks/"))
    assert "60 of 900 rows are unique on what is shown" in said_of
    assert "It says something else now than when it was taken" in said_of


def test_a_step_saved_meanwhile_is_not_overwritten(broker: AssessedBroker, draft: Draft) -> None:
    made = complete(broker, draft)
    client = signed_in("g.penn")
    address = f"/assessments/{made.id}/need/"
    form = form_of(answers()["need"]) | {"seen": "0" * 16, "aim": "Mine", "do": "save"}
    page = client.post(address, form)
    assert page.status_code == 400
    assert "Somebody has saved this step" in text_of(page)
    assert "Mine" in page.content.decode()
    assert client.post(address, form, headers={"X-Autosave": "1"}).status_code == 409


def test_an_item_is_added_and_removed_without_script(broker: AssessedBroker, draft: Draft) -> None:
    made = complete(broker, draft)
    client = signed_in("g.penn")
    address = f"/assessments/{made.id}/consultation/"
    form = form_of(answers()["consultation"])
    page = client.post(address, form | {"seen": hidden(client.get(address), "seen"), "do": "add"})
    assert "View 2" in text_of(page)
    form |= {"seen": hidden(page, "seen"), "do": "remove-0"}
    assert client.post(address, form).status_code == 200
    assert "view" not in fresh(made).steps["consultation"]  # type: ignore[operator]


# The drawing


def test_each_risk_is_drawn_in_its_cell_before_and_after(
    broker: AssessedBroker, draft: Draft
) -> None:
    made = complete(broker, draft)
    risks = list(weighed(made.steps))
    html = str(drawn(risks))
    wide = html.partition("</svg>")[0]
    for number in range(1, len(risks) + 1):
        assert wide.count(f">{number}</text>") == 2
    assert wide.count("<circle") == len(risks)
    # Twenty cells, and a box for each risk.
    assert wide.count("<rect") == 20 + len(risks)
    for word in ("Low", "Medium", "High", "Almost", "Severe"):
        assert word in wide
    first = next(said(risks))
    assert first == (
        "1, seen-by-many: high, likely and significant; after its measures low, rare and minor."
    )
    assert first in wide


def test_what_a_cell_has_no_room_for_is_counted() -> None:
    row = answers()["risks"]["risk"][0]
    many = [row | {"id": f"risk-{number}"} for number in range(30)]
    html = str(drawn(list(weighed({"risks": {"risk": many}}))))
    shown = [int(number) for number in re.findall(r">\+(\d+)</text>", html)]
    narrow = html.partition("</svg>")[2]
    assert len(shown) == 2
    assert narrow.count("<circle") + narrow.count("<rect") - 20 + shown[1] == 60


def test_what_somebody_wrote_is_text_in_the_drawing() -> None:
    row = answers()["risks"]["risk"][0] | {"id": "<script>alert(1)</script>"}
    assert "<script" not in str(drawn(list(weighed({"risks": {"risk": [row]}}))))


def test_the_other_partys_officers_read_it_once_the_draft_is_shared(
    broker: AssessedBroker, asked: Assessment
) -> None:
    client = signed_in("m.dove")
    assert client.get(f"/assessments/{asked.id}/").status_code == 404
    assert asked.draft is not None
    drafts.share(asked.draft.id, by=member(broker, "g.penn"), at=AT)
    page = client.get(f"/assessments/{asked.id}/")
    assert page.status_code == 200
    assert OTHER.replace("-", " ").title() in text_of(page)
