"""What a county is built from: a number of residents, a seed, and the span of its events."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np

from commonthread.broker.rules.errors import BadInput

# Days are counted from 1970-01-01, as int32 everywhere.
NEVER = int(np.iinfo(np.int32).max)
MISSING = int(np.iinfo(np.int32).min)
FEWEST, MOST = 2_000, 5_000_000
LAST_DAY = date(2026, 9, 30)
Days = np.ndarray


def day(when: date) -> int:
    return (when - date(1970, 1, 1)).days


@dataclass(frozen=True, slots=True)
class Settings:
    """The same settings give the same county, byte for byte.

    - `residents`: alive at the beginning, 2,000 to 5,000,000
    - `years`: of events, up to the last day of September 2026
    - `weeks`: of change files before that day
    - `canaries`: people whom no agreement covers
    """

    residents: int = 20_000
    seed: int = 1
    years: int = 5
    weeks: int = 8
    canaries: int = 24

    def __post_init__(self) -> None:
        if not FEWEST <= self.residents <= MOST:
            raise BadInput(f"A county has {FEWEST:,} to {MOST:,} residents.", mend="--residents")
        if not 1 <= self.years <= 20:
            raise BadInput("Events span 1 to 20 years.", mend="--years")
        if not 0 <= self.weeks <= 52:
            raise BadInput("Change files cover 0 to 52 weeks.", mend="--weeks")
        if self.seed < 0:
            raise BadInput("A seed is a whole number from 0.", mend="--seed")

    @property
    def start(self) -> int:
        return day(LAST_DAY.replace(year=LAST_DAY.year - self.years)) + 1

    @property
    def end(self) -> int:
        """The last day of events."""
        return day(LAST_DAY)

    def generator(self, name: str) -> np.random.Generator:
        """Chance of its own for each part, so that one part's draws do not move another's."""
        sequence = np.random.SeedSequence([self.seed, zlib.crc32(name.encode())])
        return np.random.Generator(np.random.PCG64(sequence))
