"""What a workbook says of itself: its sheets, shared texts and formats of cells.

Format: ECMA-376 part 1, sections 18.2.19 (``sheets``), 18.4.9 (``sst``), 18.8.10 (``cellXfs``). Only what a table needs is
read, each part once and from its beginning to its end.
"""

import datetime as dt
import posixpath
from dataclasses import dataclass
from functools import cached_property
from xml.etree.ElementTree import iterparse
from zipfile import ZipFile

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

WORKBOOK, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"


@dataclass(frozen=True)
class Package:
    """An opened workbook. Raises KeyError, ValueError or ParseError where a part is damaged."""

    archive: ZipFile

    @cached_property
    def pages(self) -> dict[str, tuple[bool, str]]:
        """title -> (whether the sheet is hidden, its part); those that are seen first."""
        found = {}
        for element in self._elements(WORKBOOK, "sheet"):
            relation = next((value for key, value in element.items() if key.endswith("}id")), "")
            kind, part = self._relations.get(relation, ("", ""))
            if kind == "worksheet" and part in self.archive.namelist():
                found[element.get("name", "")] = (element.get("state", "visible") != "visible", part)
        return dict(sorted(found.items(), key=lambda page: page[1][0]))

    @cached_property
    def epoch(self) -> dt.datetime:
        """The day that dates are counted from."""
        since_1904 = any(element.get("date1904") in ("1", "true") for element in self._elements(WORKBOOK, "workbookPr"))
        return MAC_EPOCH if since_1904 else WINDOWS_EPOCH

    @cached_property
    def strings(self) -> list[str]:
        """The texts that cells share, without the readings that stand above Chinese or Japanese words."""
        found = []
        for part in self._parts("sharedStrings"):
            for element in self._elements(part, "si"):
                runs = (run for run in element if not run.tag.endswith("}rPh"))
                found.append("".join(t.text or "" for run in runs for t in run.iter() if t.tag.endswith("}t")))
        return found

    @cached_property
    def dates(self) -> dict[int, bool]:
        """Numbers of the cell formats that show a date or a time, and whether that is a length of time."""
        codes, found = dict(BUILTIN_FORMATS), {}
        for part in self._parts("styles"):
            for element in self._elements(part, "numFmt", "cellXfs"):
                if element.tag.endswith("}numFmt"):
                    codes[int(element.get("numFmtId"))] = element.get("formatCode", "")
                    continue
                for number, form in enumerate(element):
                    code = codes.get(int(form.get("numFmtId", 0)), "")
                    if is_date_format(code):
                        found[number] = bool(is_timedelta_format(code))
        return found

    @cached_property
    def _relations(self):
        return {
            element.get("Id"): (
                element.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/xl", element.get("Target", ""))).lstrip("/"),
            )
            for element in self._elements(RELATIONS, "Relationship")
        }

    def _parts(self, kind):
        return [part for k, part in self._relations.values() if k == kind and part in self.archive.namelist()]

    def _elements(self, part, *names):
        """The elements with one of these names, each whole, in their order."""
        with self.archive.open(part) as opened:
            parts = iterparse(opened, ("start", "end"))
            _, root = next(parts)
            for when, element in parts:
                if when == "end" and element.tag.rpartition("}")[2] in names:
                    yield element
                    root.clear()  # what was read makes room
