"""Excel workbooks: looked at from outside before they are opened, then read cell by cell within limits."""

import datetime as dt
import io
import re
import zipfile
import zlib

from openpyxl import load_workbook

from core.errors import RegistryError
from core.intake.limits import (
    MAX_BYTES,
    MAX_CELL_LENGTH,
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_SHARED_BYTES,
    MAX_UNPACKED_BYTES,
    MAX_ZIP_MEMBERS,
    MAX_ZIP_RATIO,
)

_REFERENCE = re.compile(rb'<c [^>]*?r="([A-Z]{1,7})(\d{1,9})"')
_DIMENSION = re.compile(rb'<dimension ref="[A-Z]+\d+:([A-Z]{1,7})(\d{1,9})"')
# a formula whose result was never computed: nothing stands where the value belongs
_NO_RESULT = re.compile(rb"<f(?:>[^<]*</f>|[^>]*/>|\s[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>")


def sheet_names(data: bytes, name: str) -> list[str]:
    """The sheets of a workbook that hold cells. Raises RegistryError for what is not a workbook or too large to be one."""
    check_zip(data, name)
    book = _opened(data, name)
    try:
        return list(book.sheetnames)
    finally:
        book.close()


def rows_of_sheet(data: bytes, name: str, sheet: str | None = None) -> tuple[list[list[str]], list[str]]:
    """The rows of cells of a sheet as text, dates as 2019-07-31, and in words how it was read; the first sheet if None."""
    check_zip(data, name)
    book = _opened(data, name)
    try:
        if not book.sheetnames:
            raise RegistryError(f"{name} has no sheet with cells.")
        if sheet is not None and sheet not in book.sheetnames:
            raise RegistryError(f"{name} has no such sheet. Choose one of its sheets.")
        page = book[sheet or book.sheetnames[0]]
        rows, n_cells = [], 0
        page.reset_dimensions()
        for cells in page.iter_rows(max_row=MAX_ROWS + 101, max_col=MAX_COLUMNS + 1, values_only=True):
            row = [_text(value) for value in cells]
            while row and not row[-1]:
                row.pop()
            n_cells += len(row)
            rows.append(row)
            if len(rows) > MAX_ROWS + 100 or n_cells > MAX_CELLS:
                raise RegistryError(
                    f"{name} has more than {MAX_ROWS:,} rows or {MAX_CELLS:,} cells. Keep what you need."
                )
            if len(row) > MAX_COLUMNS:
                raise RegistryError(
                    f"{name}, row {len(rows)}: more than {MAX_COLUMNS:,} columns. Keep only the columns you need."
                )
            if any(len(cell) > MAX_CELL_LENGTH for cell in row):
                raise RegistryError(f"{name}, row {len(rows)}: a cell is too long to belong to a table.")
        return rows, [f"sheet: {page.title}"]
    except RegistryError:
        raise
    except Exception:  # damaged parts fail in many ways, and their messages can hold cells
        raise RegistryError(f"{name} is damaged. Open it in Excel and save it again as .xlsx.") from None
    finally:
        book.close()


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
    if any(m.filename.endswith("sharedStrings.xml") and m.file_size > MAX_SHARED_BYTES for m in members):
        raise too_much
    try:
        for member in members:
            if member.filename.endswith((".xml", ".rels")):
                _check_part(archive, member, name)
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, NotImplementedError, EOFError, RuntimeError):
        raise RegistryError(f"{name} is damaged. Open it in Excel and save it again as .xlsx.") from None


def _check_part(archive, member, name):
    is_sheet = "worksheets/" in member.filename and member.filename.endswith(".xml")
    tail = b""
    with archive.open(member) as part:
        first = True
        while chunk := part.read(1 << 20):
            chunk = tail + chunk
            if first and (b"<!DOCTYPE" in chunk[:4096] or b"<!ENTITY" in chunk[:4096]):
                raise RegistryError(
                    f"{name} holds definitions that no workbook needs. Save it again in Excel as .xlsx."
                )
            if not is_sheet:
                return
            if first and (found := _DIMENSION.search(chunk[:4096])):
                _check_reach(found, name, "says of itself that it reaches")
            for found in _REFERENCE.finditer(chunk):
                _check_reach(found, name, "has a cell that reaches")
            if _NO_RESULT.search(chunk):
                raise RegistryError(
                    f"{name} has formulas whose results are not stored. Open it in Excel, let it compute, and save it again."
                )
            first, tail = False, chunk[-300:]


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


def _opened(data, name):
    try:
        return load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except Exception:  # openpyxl raises whatever its parsers raise
        raise RegistryError(
            f"{name} is damaged or not a workbook. Open it in Excel and save it again as .xlsx."
        ) from None


def _text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d") if value.time() == dt.time() else value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)
