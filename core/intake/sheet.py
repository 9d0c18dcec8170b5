"""The cells of one worksheet as text, row by row.

Format: ECMA-376 part 1, section 18.3.1 (``row``, ``c``, ``v``, ``is``, ``mergeCell``).
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from xml.etree.ElementTree import iterparse

from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.datetime import from_excel, from_ISO8601

from core.intake.package import Package


@dataclass
class Sheet:
    """The worksheet in a part of a workbook; ``hidden`` and ``merged`` are row numbers, filled while ``rows`` runs."""

    package: Package
    part: str
    hidden: list[int] = field(default_factory=list)
    merged: list[int] = field(default_factory=list)

    def rows(self) -> Iterator[list[str]]:
        """Each row as text without its empty end, rows that the file leaves out as []."""
        at = 0
        with self.package.archive.open(self.part) as opened:
            for _, element in iterparse(opened):
                if element.tag.endswith("}row"):
                    number = int(element.get("r") or at + 1)
                    while at + 1 < number:
                        at += 1
                        yield []
                    at = max(number, at + 1)
                    if element.get("hidden") in ("1", "true"):
                        self.hidden.append(at)
                    yield self._row(element)
                    element.clear()
                elif element.tag.endswith("}mergeCell"):
                    _, first, _, last = range_boundaries(element.get("ref"))
                    self.merged.extend(range(first, min(last, at) + 1))

    def _row(self, element):
        row, column = [], -1
        for cell in element:
            if not cell.tag.endswith("}c"):
                continue
            place = cell.get("r")
            before, column = column, _column(place.rstrip("0123456789")) if place else column + 1
            if column <= before:
                raise ValueError("cells out of order")
            if text := self._text(cell):
                row.extend([""] * (column - len(row)))
                row.append(text)
        return row

    def _text(self, cell) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return "".join(part.text or "" for part in cell.iter() if part.tag.endswith("}t"))
        value = None
        for part in cell:
            if part.tag.endswith("}v"):
                value = part.text
        if not value:
            return ""
        if kind == "s":
            return self.package.strings[int(value)]
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if kind == "d":
            return _day(from_ISO8601(value))
        if kind != "n":
            return value
        form = int(cell.get("s", 0))
        number = float(value)
        if form in self.package.dates:
            try:
                return _day(from_excel(number, self.package.epoch, timedelta=self.package.dates[form]))
            except (ValueError, OverflowError):
                pass  # Excel shows ####: no date
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


@lru_cache(maxsize=1_000)  # as many as there can be
def _column(letters):
    """0 for "A", 27 for "AB"."""
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return column - 1


def _day(value) -> str:
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d") if value.time() == dt.time() else value.strftime("%Y-%m-%d %H:%M:%S")
    return str(value)
