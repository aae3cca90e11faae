"""What the seven steps of an assessment ask, in the words of the ICO's template.

Sources: ICO, How do we do a DPIA?, and its sample template (steps 1 to 7); UK GDPR Articles 35 and
36; the Caldicott Principles (2020).
"""

from __future__ import annotations

from dataclasses import dataclass

from commonthread.broker.rules.terms import IMPACTS, LIKELIHOODS

LINE, TEXT, CHOICE, DAY, FLAG = "line", "text", "choice", "day", "flag"
ELIMINATED, REDUCED, ACCEPTED = "eliminated", "reduced", "accepted"
EFFECTS = (ELIMINATED, REDUCED, ACCEPTED)
NEED, PROCESSING, CONSULTATION, NECESSITY = "need", "processing", "consultation", "necessity"
RISKS, MEASURES, OUTCOME = "risks", "measures", "outcome"

Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that a step asks. `most` is the longest answer, in characters."""

    name: str
    label: str
    kind: str = TEXT
    hint: str = ""
    needed: bool = True
    choices: Choices = ()
    most: int = 4_000


@dataclass(frozen=True, slots=True)
class Rows:
    """A step that is a list: its name, what one is called, what is asked of each."""

    name: str
    one: str
    questions: tuple[Question, ...]
    most: int = 60


@dataclass(frozen=True, slots=True)
class Step:
    """One of the seven steps: its number, what it is for, its questions, at most one list.

    `of_the_draft`: the section of the draft that its authors should read beside it.
    """

    number: int
    id: str
    title: str
    asks: str
    questions: tuple[Question, ...] = ()
    rows: Rows | None = None
    of_the_draft: str = ""


def worded(values: tuple[str, ...]) -> Choices:
    return tuple((value, value.replace("-", " ").capitalize()) for value in values)


def _risk_name(hint: str) -> Question:
    return Question("id", "Short name", LINE, hint, most=200)


STEPS = (
    Step(
        1,
        NEED,
        "Identify the need",
        "What the project is for, and why it needs an assessment.",
        (
            Question("reference", "Reference", LINE, "Such as DPIA-2027-003.", most=200),
            Question("title", "Title", LINE, "As a resident would say it.", most=200),
            Question("aim", "What the project aims to achieve, and what it does with data"),
            Question(
                "why",
                "Why an assessment is needed",
                hint="Such as: health data of many people are matched (UK GDPR Article 35).",
            ),
        ),
        of_the_draft="purposes",
    ),
    Step(
        2,
        PROCESSING,
        "Describe the processing",
        "Its nature, its scope, its context and its purposes.",
        (
            Question(
                "nature",
                "Nature",
                hint="How data are collected, used, kept and deleted; where they come from; who "
                "gets them; what of it is likely to be high risk.",
            ),
            Question(
                "scope",
                "Scope",
                hint="What data, how much, how often, kept how long; how many people and which "
                "area; whether special-category or criminal-offence data are in it.",
            ),
            Question(
                "context",
                "Context",
                hint="How you stand to the people; how much they can decide; whether they would "
                "expect it; children and others at risk; earlier concerns; anything new.",
            ),
            Question(
                "purposes",
                "Purposes",
                hint="What you want to achieve, what it does to people, and who gains.",
            ),
            Question(
                "care_data",
                "Confidential health or social care data are concerned",
                FLAG,
                "A Caldicott guardian then has to approve. Where the draft shows it, that holds "
                "whether this is ticked or not.",
                needed=False,
            ),
        ),
        of_the_draft="data",
    ),
    Step(
        3,
        CONSULTATION,
        "Consultation",
        "Who was asked, what they said, and what became of it.",
        (
            Question(
                "not_asked",
                "Why the people concerned were not asked",
                hint="Only if they were not: say why it is not appropriate.",
                needed=False,
            ),
            Question(
                "experts",
                "Who else was involved",
                hint="In your own organisation, processors, security and other experts.",
            ),
        ),
        Rows(
            "view",
            "view",
            (
                Question("who", "Who was asked", LINE, "A group, not a person’s name.", most=200),
                Question("how", "When and how", LINE, most=1_000),
                Question("said", "What they said"),
                Question("answer", "What became of it"),
            ),
        ),
    ),
    Step(
        4,
        NECESSITY,
        "Necessity and proportionality",
        "Whether it is needed at all, and no more than is needed.",
        (
            Question(
                "lawful_basis",
                "Lawful basis",
                hint="The draft states it for each party: say here why it holds.",
            ),
            Question("achieves", "How the processing achieves the purpose", most=3_000),
            Question("other_ways", "Other ways to the same end, and why not those", most=3_000),
            Question("function_creep", "How other uses are kept out"),
            Question("quality", "How the data are kept right, and no more than needed", most=3_000),
            Question("information", "What people are told"),
            Question("rights", "How their rights are supported"),
            Question("processors", "How processors are held to it"),
            Question(
                "transfers",
                "How transfers abroad are safeguarded",
                hint="Say so if there are none.",
            ),
        ),
        of_the_draft="parties",
    ),
    Step(
        5,
        RISKS,
        "Identify and assess risks",
        "What could go wrong for people, how likely it is and how bad.",
        (),
        Rows(
            "risk",
            "risk",
            (
                _risk_name("Small letters and hyphens."),
                Question("text", "What could go wrong, and what it would do to people"),
                Question("owner", "Who owns it", CHOICE),
                Question("likelihood", "How likely", CHOICE, choices=worded(LIKELIHOODS)),
                Question("impact", "How bad for people", CHOICE, choices=worded(IMPACTS)),
            ),
        ),
        of_the_draft="risks",
    ),
    Step(
        6,
        MEASURES,
        "Measures to reduce the risks",
        "What is done about each risk, and what is left of it then.",
        (),
        Rows(
            "measure",
            "measure",
            (
                Question("risk", "Which risk", CHOICE),
                Question("text", "What is done about it"),
                Question("owner", "Who does it", CHOICE),
                Question("effect", "What that does to the risk", CHOICE, choices=worded(EFFECTS)),
                Question(
                    "likelihood", "How likely it is then", CHOICE, choices=worded(LIKELIHOODS)
                ),
                Question("impact", "How bad it is then", CHOICE, choices=worded(IMPACTS)),
            ),
        ),
    ),
    Step(
        7,
        OUTCOME,
        "Sign off and record outcomes",
        "What follows from it, and who keeps it under review. Advice, the decision on it and the "
        "approval are recorded when they are given.",
        (
            Question(
                "departs",
                "Where the decision departs from what people said, and why",
                hint="If it does.",
                needed=False,
            ),
            Question("actions", "How the outcomes are put into the project’s plan, and by whom"),
            Question("reviewer", "Who keeps it under review", LINE, "An office, such as the "
                     "data protection officer of the lead.", most=200),
            Question(
                "review",
                "Review by",
                DAY,
                "Access under the agreement ends on the day after it, unless it is renewed.",
            ),
        ),
    ),
)  # fmt: skip
BY_ID = {step.id: step for step in STEPS}
