"""A partner's credentials over time, drawn: one bar for each, today's line through all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.standing import Credential
from commonthread.gateway.assurance.schemes import scheme_in_words
from commonthread.gateway.words import day
from commonthread.web.drawing import BRAND, INK, PALE, QUIET, WHITE, cut, element, picture, writing

TOP, BAR = 34, 20
SMALL, MOST_YEARS, LONGEST = 13, 6, 22
BEFORE, AFTER, FAR = timedelta(days=91), timedelta(days=365), timedelta(days=5 * 365)


@dataclass(frozen=True, slots=True)
class Room:
    """How the drawing is laid out: names beside the bars, or above them in a narrow window."""

    id: str
    width: int
    left: int
    step: int
    shown_as: str

    @property
    def beside(self) -> bool:
        return self.left > SMALL


WIDE = Room("wide", 700, 180, 32, "ct-drawing ct-drawing--wide ct-drawing--chart")
NARROW = Room("narrow", 290, 2, 46, "ct-drawing ct-drawing--narrow ct-drawing--chart")


def timelines(name: str, held: Sequence[Credential], today: date) -> SafeString:
    """For a wide window and for a narrow one; empty where nothing is held."""
    drawn = [Timeline(room, held, today).drawn(name) for room in (WIDE, NARROW) if held]
    return format_html_join("", "{}", ((one,) for one in drawn))


class Timeline:
    """One drawing, from a quarter of a year ago or the first bar to the last that ends soon."""

    def __init__(self, room: Room, held: Sequence[Credential], today: date) -> None:
        self.room, self.held, self.today = room, held, today
        self.first = min([london_day(one.recorded) for one in held] + [today - BEFORE])
        near = [one.expires for one in held if one.expires < today + FAR]
        self.last = max([*near, today + AFTER])
        self.bottom = TOP + room.step * len(held)

    def drawn(self, name: str) -> SafeString:
        said = "; ".join(f"{scheme_in_words(c.scheme)} until {day(c.expires)}" for c in self.held)
        parts = [self._year(when) for when in self._years()]
        parts += [mark for number, one in enumerate(self.held) for mark in self._bar(one, number)]
        parts += [self._line(self.today, INK), self._today()]
        parts += [self._name(one, number) for number, one in enumerate(self.held)]
        return picture(
            f"credentials-{self.room.id}",
            f"Credentials of {name} over time",
            said,
            parts,
            view_box=f"0 0 {self.room.width} {self.bottom + 18}",
            **{"class": self.room.shown_as},
        )

    def _place(self, when: date) -> float:
        share = (when - self.first).days / max((self.last - self.first).days, 1)
        return self.room.left + min(max(share, 0.0), 1.0) * (self.room.width - self.room.left - 4)

    def _years(self) -> list[date]:
        years = [date(year, 1, 1) for year in range(self.first.year + 1, self.last.year + 1)]
        return years[:: len(years) // MOST_YEARS + 1]

    def _year(self, when: date) -> SafeString:
        x = self._place(when)
        label = writing(x, 14, str(when.year), fill=QUIET, font_size=SMALL, text_anchor="middle")
        return element("g", [self._line(when, PALE), label])

    def _line(self, when: date, colour: str) -> SafeString:
        x = self._place(when)
        return element("line", x1=x, x2=x, y1=20, y2=self.bottom, stroke=colour, stroke_width=2)

    def _today(self) -> SafeString:
        x = self._place(self.today) + 4
        return writing(x, self.bottom + 12, "today", font_size=SMALL, font_weight="bold")

    def _bar(self, one: Credential, number: int) -> list[SafeString]:
        y = TOP + self.room.step * number + (0 if self.room.beside else 18)
        start = self._place(min(london_day(one.recorded), one.expires))
        width = max(self._place(one.expires) - start, 4.0)
        over = one.expires < self.today
        fill = PALE if over else BRAND
        parts = [element("rect", x=start, y=y, width=width, height=BAR, fill=fill)]
        inside = f"until {day(one.expires)}"
        if self.room.beside and width > len(inside) * SMALL * 0.6:
            colour = INK if over else WHITE
            parts.append(writing(start + 6, y + 15, inside, font_size=SMALL, fill=colour))
        return parts

    def _name(self, one: Credential, number: int) -> SafeString:
        """Over the lines, which a white edge keeps off the letters."""
        said = cut(scheme_in_words(one.scheme), LONGEST)
        if not self.room.beside:
            said = f"{said}, until {day(one.expires)}"
        edge = {"stroke": WHITE, "stroke_width": 4, "paint_order": "stroke"}
        y = TOP + self.room.step * number + 14
        return writing(0, y, said, font_size=SMALL + 1, **edge)
