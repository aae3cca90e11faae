"""What generative tests share."""

from collections.abc import Callable

import pytest

from commonthread.broker.rules.charter import Charter
from commonthread.broker.rules.contracts import Contract


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests of equal values are computed once: a million requests in minutes, not in an hour."""
    digest_of, accession = Contract.digest_of, Charter.accession
    known: dict[tuple[object, ...], str] = {}

    def remember(key: tuple[object, ...], compute: Callable[[], str]) -> str:
        if key not in known:
            if len(known) > 50_000:
                known.clear()
            known[key] = compute()
        return known[key]

    monkeypatch.setattr(
        Contract,
        "digest_of",
        lambda self, columns: remember(
            ("columns", self.digest, frozenset(columns)), lambda: digest_of(self, columns)
        ),
    )
    monkeypatch.setattr(
        Charter,
        "accession",
        lambda self, root: remember(("root", self.digest, root), lambda: accession(self, root)),
    )
