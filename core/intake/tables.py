"""From an uploaded file to a table of text cells whose rows keep their numbers in the file."""

from collections import Counter
from dataclasses import dataclass, replace

import pandas as pd

from core.errors import RegistryError
from core.intake.limits import MAX_CELLS, MAX_COLUMNS, MAX_ROWS
from core.intake.text import rows_of_text, too_many_rows
from core.intake.values import is_missing, looks_like_data
from core.intake.workbook import rows_of_sheet
from core.registry.findings import Finding

WORKBOOK_ENDINGS = (".xlsx", ".xlsm")
LOOKED_AT_FOR_HEADER = 30
# what a row of sums begins with wherever it stands, and what one at the end of the table may begin with
SUM_WORDS = {"total", "totals", "subtotal", "grand total", "gesamt", "合计", "总计", "小计"}
TOTAL_WORDS = {
    "total", "totals", "sum", "subtotal", "grand total", "mean", "average", "median", "sd", "std", "min", "max", "count", "summe",
    "gesamt", "合计", "总计", "总数", "小计", "平均", "平均值", "均值", "中位数",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class TextTable:
    """A table as it stands in a file.

    cells     text, '' where nothing stands; columns have the names of the header, each once; index 0..n-1
    rows      the row number in the file of each row, as a spreadsheet counts them
    said      in words, how the file was read
    findings  rows and columns that are not part of the table
    """

    name: str
    cells: pd.DataFrame
    rows: tuple[int, ...]
    said: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_left_out(self) -> int:
        """Rows with content that were left out on reading."""
        return sum(finding.n_rows for finding in self.findings if finding.action == "excluded")


def is_workbook(name: str, data: bytes) -> bool:
    return name.lower().endswith(WORKBOOK_ENDINGS) or (data.startswith(b"PK\x03\x04") and b"xl/" in data[-65_536:])


def read_table(data: bytes, name: str, *, sheet: str | None = None, encoding: str | None = None) -> TextTable:
    """The table in a file: CSV, TSV (any usual characters and delimiter) or Excel.

    Title rows above the header and total rows are left out and named. Raises RegistryError with place and cure; its
    messages hold names of files and columns, never cells.
    """
    if not data:
        raise RegistryError(f"{name} is empty. Export the table again, with its header.")
    if is_workbook(name, data):
        page = rows_of_sheet(data, name, sheet)
        return _with_notes(_table([_tidy(row) for row in page.rows], page.said, name), page)
    rows, said = rows_of_text(data, name, encoding)
    return _table([_tidy(row) for row in rows], said, name)


def _tidy(row):
    return [" ".join(cell.split()) if " " in cell or not cell.isprintable() else cell for cell in row]


def _with_notes(table, page):
    """What a spreadsheet shows otherwise than its cells are: said, for the rows that count."""
    findings = list(table.findings)
    for noted, rule in (
        (page.merged, "Merged cells: the value stands in the first of them only"),
        (page.hidden, "Hidden in the workbook, read like any other row"),
    ):
        if rows := tuple(sorted(set(noted) & set(table.rows))):
            findings.append(Finding(rule, table.name, "", rows, "kept"))
    return replace(table, findings=tuple(findings))


def _table(rows, said, name):
    filled = [(i, sum(map(bool, row))) for i, row in enumerate(rows) if any(row)]
    if not filled:
        raise RegistryError(f"{name} is empty. Export the table again, with its header.")
    if len(filled) > MAX_ROWS + LOOKED_AT_FOR_HEADER:
        raise too_many_rows(name)
    at = _header_row(rows, filled, name)
    header = list(rows[at])
    while header and not header[-1]:
        header.pop()
    findings = []
    titles = [i for i, _ in filled if i < at]
    if titles:
        findings.append(Finding("Title above the header", name, "", tuple(i + 1 for i in titles), "ignored"))
    width = len(header)
    if width > MAX_COLUMNS or width * len(filled) > MAX_CELLS:
        raise RegistryError(
            f"{name} has {width:,} columns and {len(filled):,} rows, more than {MAX_COLUMNS:,} columns or {MAX_CELLS:,} cells. "
            "Keep only the columns you need."
        )
    body = [i for i, _ in filled if i > at]
    if not body:
        raise RegistryError(f"{name} has a header in row {at + 1} but no rows below it.")
    long = [i + 1 for i in body if any(rows[i][width:])]
    if long:
        raise RegistryError(
            f"{name}, row {long[0]}: more cells than the header in row {at + 1} names"
            f"{f' (and so in {len(long) - 1} more rows)' if len(long) > 1 else ''}. Name every column in one row; in a text file "
            "look for a delimiter inside a cell without quotes."
        )
    header = _names(header, [rows[i] for i in body], name, at + 1)
    kept_columns = [j for j, column in enumerate(header) if column]
    again, totals, short = [], [], []
    last = set(body[-5:])
    kept = []
    for i in body:
        row = rows[i]
        first = next(cell for cell in row if cell)
        if row[: len(header)] == rows[at][: len(header)]:
            again.append(i)
        elif _is_total(first, TOTAL_WORDS if i in last else SUM_WORDS):
            totals.append(i)
        else:
            kept.append(i)
            if len(row) < width and len(row) < max(kept_columns) + 1 and not said[0].startswith("sheet"):
                short.append(i)
    for found, rule, action in (
        (again, "The header stands again", "excluded"),
        (totals, "Row of totals, not a patient", "excluded"),
        (short, "Row ends early: the cells that lack are not recorded", "kept"),
    ):
        if found:
            findings.append(Finding(rule, name, "", tuple(i + 1 for i in found), action))
    if not kept:
        raise RegistryError(f"{name} has a header in row {at + 1} but no patients below it.")
    cells = pd.DataFrame(
        {header[j]: [rows[i][j] if j < len(rows[i]) else "" for i in kept] for j in kept_columns}, dtype=object
    )
    return TextTable(name, cells, tuple(i + 1 for i in kept), tuple(said), tuple(findings))


def _header_row(rows, filled, name):
    """The first row that is as full as the table and names columns."""
    widths = Counter(n for _, n in filled[: 200 + LOOKED_AT_FOR_HEADER])
    usual = max(n for n, times in widths.items() if times >= max(widths.values()) * 0.3)
    for i, n in filled[:LOOKED_AT_FOR_HEADER]:
        cells = [cell for cell in rows[i] if cell]
        if n >= max(2, 0.6 * usual):
            if sum(map(looks_like_data, cells)) >= max(1, 0.4 * n):
                raise RegistryError(
                    f"{name}, row {i + 1}: this should name the columns, but values stand in it. Add a header row above the "
                    "first patient."
                )
            return i
    raise RegistryError(f"{name} has no table of at least two columns. Its first row must name the columns.")


def _names(header, body, name, row):
    """The header with '' for columns without name and content. Raises RegistryError for what has only one of the two."""
    names = []
    for j, column in enumerate(header):
        if not column and any(j < len(cells) and cells[j] for cells in body):
            raise RegistryError(f"{name}, row {row}: column {j + 1} has values but no name. Name it or delete it.")
        names.append(column)
    twice = [column for column, times in Counter(c.casefold() for c in names if c).items() if times > 1]
    if twice:
        said = next(column for column in names if column.casefold() == twice[0])
        raise RegistryError(f"{name}, row {row}: two columns are named {_short(said)!r}. Rename one.")
    if any(len(column) > 300 for column in names):
        raise RegistryError(f"{name}, row {row}: a column name is longer than 300 characters. Shorten it.")
    return names


def _is_total(cell, words):
    return cell.casefold().strip(" :：()=") in words and not is_missing(cell)


def _short(text):
    return text if len(text) <= 60 else f"{text[:60]}…"
