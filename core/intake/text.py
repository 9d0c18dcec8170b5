"""From the bytes of a text file to rows of cells: characters, delimiter, quotes."""

import csv
import re
from collections import Counter
from itertools import islice

from core.errors import RegistryError
from core.intake.limits import MAX_BYTES, MAX_CELL_LENGTH, MAX_CELLS, MAX_COLUMNS, MAX_LINE_BYTES, MAX_ROWS

ENCODINGS = {
    "UTF-8": "utf-8-sig",
    "UTF-16": "utf-16",
    "GB18030 (Chinese)": "gb18030",
    "Windows-1252 (Western European)": "cp1252",
}
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# what a file of another kind begins with, and what it is
OTHER_KINDS = (
    (b"PK", "a zip archive or a workbook with another ending; choose the .xlsx file itself"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls) or one with a password; save it as .xlsx without a password"),
    (b"%PDF", "a PDF; export the table as CSV or .xlsx"),
    (b"\x1f\x8b", "a compressed file; unpack it first"),
    (b"BZh", "a compressed file; unpack it first"),
    (b"\xfd7zXZ", "a compressed file; unpack it first"),
    (b"7z\xbc\xaf", "a compressed file; unpack it first"),
    (b"Rar!", "a compressed file; unpack it first"),
    (b"RDX", "R's own format; write it with write.csv"),
    (b"$FL", "an SPSS file; export it as CSV"),
    (b"HEADER RECORD", "a SAS file; export it as CSV"),
    (b"<stata_dta", "a Stata file; export it as CSV"),
    (b"SQLite format", "a database; export the table as CSV"),
    (b"PAR1", "a Parquet file; export it as CSV"),
    (b"\x89PNG", "a picture; export the table as CSV or .xlsx"),
    (b"\xff\xd8\xff", "a picture; export the table as CSV or .xlsx"),
    (b"GIF8", "a picture; export the table as CSV or .xlsx"),
    (b"{\\rtf", "a text document; export the table as CSV or .xlsx"),
)


_HIGH = re.compile(rb"[\xa1-\xff]{2}|[\x81-\xff][\x40-\xff]?")
_NOTHING = re.compile(rb"[\x00 \t\r\n\xef\xbb\xbf\xff\xfe]*+")
_LINE = re.compile(r"[^\r\n]*+(?:\r\n?|\n)|[^\r\n]++")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_HIGH_BYTES = bytes(range(128, 256))


def rows_of_text(data: bytes, name: str, encoding: str | None = None) -> tuple[list[list[str]], list[str]]:
    """The rows of cells of a delimited text file, and in words how it was read.

    ``encoding`` is one of ENCODINGS, or None to recognise it. Raises RegistryError naming the place and the cure.
    """
    if len(data) > MAX_BYTES:
        raise RegistryError(f"{name} is larger than {MAX_BYTES // 1_000_000} MB. Keep only the columns you need.")
    if _NOTHING.fullmatch(data):
        raise RegistryError(f"{name} is empty. Export the table again, with its header.")
    for start, kind in OTHER_KINDS:
        if data.startswith(start):
            raise RegistryError(f"{name} is {kind}.")
    _check_lines(data, name)
    text, said_encoding = _decoded(data, name, encoding)
    start = text[:300].lstrip().lower()
    if start.startswith(("<!doctype", "<html", "<?xml", "<table")):
        raise RegistryError(f"{name} is a web page or XML, not a table. Export it as CSV or .xlsx.")
    if start.startswith(("{", "[")):
        raise RegistryError(f"{name} is JSON, not a table. Export it as CSV or .xlsx.")
    delimiter, text, stated = _delimiter(text, name)
    rows = _parsed(text, delimiter, name)
    if stated:  # the line "sep=;" is a row of the file as a spreadsheet counts them
        rows.insert(0, [])
    return rows, [f"characters: {said_encoding}", f"cells separated by {DELIMITERS[delimiter]}"]


def too_many_rows(name: str) -> RegistryError:
    return RegistryError(
        f"{name} has more than {MAX_ROWS:,} rows. Keep one row per patient; a larger registry can be served from a folder, as the "
        "README says."
    )


def _check_lines(data, name):
    """Refuses a line that no table has, before anything else touches the bytes."""
    end = b"\n" if b"\n" in data else b"\r"
    if data.count(end) > 4 * MAX_ROWS:
        raise too_many_rows(name)
    start, row = 0, 1
    while len(data) - start > MAX_LINE_BYTES:
        found = data.find(end, start, start + MAX_LINE_BYTES)
        if found < 0:
            raise RegistryError(
                f"{name}, row {row}: the row is longer than {MAX_LINE_BYTES // 1_000_000} MB. Export the table again, one line "
                "per patient, and check its quotes."
            )
        start, row = found + 1, row + 1


def _decoded(data, name, encoding):
    if encoding is not None:
        try:
            return _printable(data.decode(ENCODINGS[encoding]), name), encoding
        except UnicodeDecodeError:
            raise RegistryError(f"{name} cannot be read as {encoding}. Choose other characters.") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return _printable(data.decode("utf-16"), name), "UTF-16"
        except UnicodeDecodeError:
            raise RegistryError(f"{name} begins like UTF-16 but is damaged. Export it again as CSV UTF-8.") from None
    head = data[:4000]
    if head.count(b"\x00") > len(head) // 4:
        order = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        try:
            return _printable(data.decode(order), name), "UTF-16"
        except UnicodeDecodeError:
            raise RegistryError(f"{name} is not text. Export the table as CSV or .xlsx.") from None
    if _CONTROL_BYTES.search(data):  # they are no part of any sign in the characters below
        raise _not_text(name)
    try:
        return _printable(data.decode("utf-8-sig"), name), "UTF-8"
    except UnicodeDecodeError:
        pass
    if _looks_chinese(data):
        try:
            return _printable(data.decode("gb18030"), name), "GB18030 (Chinese)"
        except UnicodeDecodeError:
            pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = None
    if text is None or len(data) - len(data.translate(None, _HIGH_BYTES)) > len(data) // 4:
        raise RegistryError(f'{name} is in characters that are not known here. Save it as "CSV UTF-8".')
    return _printable(text, name), "Windows-1252 (Western European)"


def _looks_chinese(data) -> bool:
    """Chinese comes in pairs of two high bytes; in Western text a high byte stands alone between letters."""
    pairs = alone = 0
    for found in islice(_HIGH.finditer(data), 100_000):
        if len(found.group()) == 2 and min(found.group()) >= 0xA1:
            pairs += 1
        else:
            alone += 1
    return pairs > 4 * alone


def _not_text(name):
    return RegistryError(f"{name} holds bytes that are not text. Export the table as CSV or .xlsx.")


def _printable(text, name):
    if _CONTROL.search(text):
        raise _not_text(name)
    return text.removeprefix("\ufeff")


def _delimiter(text, name):
    """The delimiter, the text without a line that states it, and whether there was one."""
    first = text[:20].partition("\n")[0]
    if first.strip().strip('"').lower().startswith("sep=") and len(first.strip().strip('"')) <= 5:
        stated = first.strip().strip('"')[4:] or "\t"
        if stated not in DELIMITERS:
            raise RegistryError(f"{name} says in row 1 that its cells are separated in a way that is not known here.")
        return stated, text.partition("\n")[2], True
    sample = [line[:10_000] for line in text[:200_000].splitlines(keepends=True)[:200]]
    scores = {}
    for delimiter in DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if any(cell.strip() for cell in row)]
        except csv.Error:
            continue
        width, n_same = Counter(widths).most_common(1)[0] if widths else (1, 0)
        if width > 1:
            scores[delimiter] = (n_same / len(widths) >= 0.7, width if n_same / len(widths) >= 0.7 else n_same)
    if not scores:
        raise RegistryError(
            f"{name} has a single column: no comma, semicolon or tab separates its cells. Export the table as CSV."
        )
    return max(scores, key=scores.get), text, False


def _parsed(text, delimiter, name):
    if text.count("\n") + text.count("\r") > 4 * MAX_ROWS:
        raise too_many_rows(name)
    if text.count(delimiter) > MAX_CELLS:
        raise RegistryError(f"{name} has more than {MAX_CELLS:,} cells. Keep only the columns you need.")
    lines = (found.group() for found in _LINE.finditer(text))
    rows, reader = [], csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for row in reader:
            rows.append(row)
            if len(rows) > MAX_ROWS + 100:
                raise too_many_rows(name)
            if len(row) > MAX_COLUMNS:
                raise RegistryError(
                    f"{name}, row {len(rows)}: more than {MAX_COLUMNS:,} columns. Keep only the columns you need."
                )
            if any(len(cell) > MAX_CELL_LENGTH for cell in row):
                raise RegistryError(
                    f"{name}, row {len(rows)}: a cell is longer than {MAX_CELL_LENGTH:,} characters. Check its quotes."
                )
    except csv.Error as error:
        if "field larger" in str(error):
            raise RegistryError(
                f"{name}, row {len(rows) + 1}: a cell is longer than {MAX_CELL_LENGTH:,} characters. Check its quotes."
            ) from None
        raise RegistryError(
            f"{name}, row {len(rows) + 1}: a quotation mark is opened and not closed, or text follows one. Write a mark inside "
            'a quoted cell twice ("").'
        ) from None
    return rows
