"""Excel workbooks: looked at from outside before they are opened, then read cell by cell within limits."""

import io
import re
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass

from core.errors import RegistryError
from core.intake.limits import (
    MAX_BYTES,
    MAX_CELL_LENGTH,
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_OTHER_BYTES,
    MAX_ROWS,
    MAX_SHARED_BYTES,
    MAX_SHARED_TAGS,
    MAX_TAGS,
    MAX_UNPACKED_BYTES,
    MAX_ZIP_MEMBERS,
    MAX_ZIP_RATIO,
)
from core.intake.package import Package
from core.intake.sheet import Sheet

# Every repetition stops at a bracket or has an end: a part made to be slow is read as fast as any other.
_REFERENCE = re.compile(rb'<c [^<>]{0,200}?r="([A-Z]{1,7})(\d{1,9})"')
_DIMENSION = re.compile(rb'<dimension ref="[A-Z]{1,7}\d{1,9}:([A-Z]{1,7})(\d{1,9})"')
# a formula whose result was never computed: nothing stands where the value belongs
_NO_RESULT = re.compile(
    rb"<f(?:>[^<>]{0,9000}</f>|[^<>]{0,300}/>|\s[^<>]{0,300}>[^<>]{0,9000}</f>)\s{0,20}(?:<v\s{0,20}/>|<v></v>)?\s{0,20}</c>"
)


def sheet_names(data: bytes, name: str) -> dict[str, bool]:
    """The sheets of a workbook, and whether each is hidden; those that are seen first.

    Raises RegistryError for what is not a workbook or too large to be one.
    """
    check_zip(data, name)
    with _opened(data, name) as book:
        return {title: hidden for title, (hidden, _) in book.pages.items()}


@dataclass(frozen=True)
class SheetRows:
    """The rows of a sheet as text, in words how it was read, and the rows that are hidden or have merged cells."""

    rows: list[list[str]]
    said: list[str]
    hidden: tuple[int, ...]
    merged: tuple[int, ...]


def rows_of_sheet(data: bytes, name: str, sheet: str | None = None) -> SheetRows:
    """The rows of cells of a sheet as text, dates as 2019-07-31; the first sheet that is not hidden if None."""
    check_zip(data, name)
    with _opened(data, name) as book:
        if not book.pages:
            raise RegistryError(f"{name} has no sheet with cells.")
        if sheet is not None and sheet not in book.pages:
            raise RegistryError(f"{name} has no such sheet. Choose one of its sheets.")
        title = sheet or next(iter(book.pages))
        hidden, part = book.pages[title]
        page = Sheet(book, part)
        rows = _within_limits(page.rows(), name)
    said = f"sheet: {title}" + (" (hidden)" if hidden else "")
    return SheetRows(rows, [said], tuple(page.hidden), tuple(sorted(set(page.merged))))


def _within_limits(stream, name):
    rows, n_cells = [], 0
    for row in stream:
        n_cells += len(row)
        rows.append(row)
        if len(rows) > MAX_ROWS + 100 or n_cells > MAX_CELLS:
            raise RegistryError(f"{name} has more than {MAX_ROWS:,} rows or {MAX_CELLS:,} cells. Keep what you need.")
        if len(row) > MAX_COLUMNS:
            raise RegistryError(
                f"{name}, row {len(rows)}: more than {MAX_COLUMNS:,} columns. Keep only the columns you need."
            )
        if any(len(cell) > MAX_CELL_LENGTH for cell in row):
            raise RegistryError(f"{name}, row {len(rows)}: a cell is too long to belong to a table.")
    return rows


def check_zip(data: bytes, name: str) -> None:
    """Refuses a workbook that would unpack to too much, without unpacking it. Raises RegistryError."""
    too_much = RegistryError(
        f"{name} unpacks to more than a table of {MAX_ROWS:,} rows can hold. Copy the cells you need into a new workbook."
    )
    if len(data) > MAX_BYTES:
        raise RegistryError(f"{name} is larger than {MAX_BYTES // 1_000_000} MB. Keep only the columns you need.")
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise RegistryError(
            f"{name} is an old Excel file (.xls) or has a password. Save it as .xlsx without a password."
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
        raise RegistryError(f"{name} is not an Excel workbook, or it is damaged. Save it again as .xlsx.") from None
    if len(members) > MAX_ZIP_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise too_much
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise RegistryError(f"{name} holds the same part twice. Save it again as .xlsx.")
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        raise RegistryError(f"{name} is packed in a way that no workbook is. Save it again as .xlsx.")
    if any(member.flag_bits & 1 for member in members):
        raise RegistryError(f"{name} has a password. Save it without one.")
    if any(m.file_size > 1_000_000 and m.file_size > MAX_ZIP_RATIO * max(m.compress_size, 1) for m in members):
        raise too_much
    if "xl/workbook.bin" in names:
        raise RegistryError(f"{name} is a binary workbook (.xlsb). Save it as .xlsx.")
    if "xl/workbook.xml" not in names:
        raise RegistryError(f"{name} is a zip archive without a workbook. Choose an .xlsx file.")
    most = {
        "sharedStrings.xml": MAX_SHARED_BYTES,
        "styles.xml": MAX_OTHER_BYTES,
        "workbook.xml": MAX_OTHER_BYTES,
        ".rels": MAX_OTHER_BYTES,
    }
    if any(m.filename.endswith(end) and m.file_size > limit for m in members for end, limit in most.items()):
        raise too_much
    try:
        for member in members:
            if member.filename.endswith((".xml", ".rels")):
                _check_part(archive, member, name)
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, NotImplementedError, EOFError, RuntimeError):
        raise RegistryError(f"{name} is damaged. Open it in Excel and save it again as .xlsx.") from None


def _check_part(archive, member, name):
    """Refuses what would take long or much room to understand: a reader of XML holds every tag until its row ends."""
    is_sheet = "worksheets/" in member.filename and member.filename.endswith(".xml")
    is_read = is_sheet or member.filename.endswith(("workbook.xml", "styles.xml", "sharedStrings.xml", ".rels"))
    most = MAX_SHARED_TAGS if member.filename.endswith("sharedStrings.xml") else MAX_TAGS
    tail, n_tags, first = b"", 0, True
    with archive.open(member) as part:
        while chunk := part.read(1 << 20):
            if first and (b"<!DOCTYPE" in chunk[:4096] or b"<!ENTITY" in chunk[:4096]):
                raise RegistryError(
                    f"{name} holds definitions that no workbook needs. Save it again in Excel as .xlsx."
                )
            if not is_read:
                return
            before, *rows = chunk.split(b"<row") if is_sheet else [chunk]
            n_tags += before.count(b"<")
            for row in rows:
                if n_tags > most:
                    break
                n_tags = row.count(b"<")
            if n_tags > most:
                raise RegistryError(
                    f"{name} holds more than {most:,} tags where a table has few. Copy the cells you need into a new workbook, or save "
                    "the table as CSV."
                )
            if is_sheet:
                chunk = tail + chunk
                _check_cells(chunk, name, first)
                tail = chunk[-300:]
            first = False


def _check_cells(chunk, name, first):
    if first and (found := _DIMENSION.search(chunk[:4096])):
        _check_reach(found, name, "says of itself that it reaches")
    for found in _REFERENCE.finditer(chunk):
        _check_reach(found, name, "has a cell that reaches")
    if _NO_RESULT.search(chunk):
        raise RegistryError(
            f"{name} has formulas whose results are not stored. Open it in Excel, let it compute, and save it again."
        )


def _check_reach(found, name, how):
    column = 0
    for letter in found.group(1):
        column = column * 26 + letter - 64
    row = int(found.group(2))
    if row > MAX_ROWS + 100 or column > MAX_COLUMNS:
        raise RegistryError(
            f"{name} {how} row {row:,}, column {found.group(1).decode()}; {MAX_ROWS:,} rows and {MAX_COLUMNS:,} columns are "
            "the limit. Copy the table into a new workbook."
        )


@contextmanager
def _opened(data, name):
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield Package(archive)
    except RegistryError:
        raise
    except Exception:  # damaged parts fail in many ways, and their messages can hold cells
        raise RegistryError(f"{name} is damaged. Open it in Excel and save it again as .xlsx.") from None
