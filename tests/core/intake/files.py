"""Files made up for the tests of the intake: good ones that are unusual, and bad ones."""

import base64
import io
import random
import zipfile
from datetime import date

from openpyxl import Workbook

HEADER = "id,start,last_contact,died,age"
ROWS = [
    f"P{i},2020-01-{i % 28 + 1:02d},2021-{i % 12 + 1:02d}-{i % 28 + 1:02d},{i % 3 % 2},{40 + i % 37}" for i in range(30)
]


def csv_file(*lines, ending="\n") -> bytes:
    return (ending.join(lines) + ending).encode()


GOOD = csv_file(HEADER, *ROWS)


def workbook(rows, title="Patients", more=None) -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for name, content in (more or {}).items():
        other = book.create_sheet(name)
        for row in content:
            other.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def good_rows():
    return [HEADER.split(","), *(
        [r[0], date.fromisoformat(r[1]), date.fromisoformat(r[2]), int(r[3]), int(r[4])]
        for r in (row.split(",") for row in ROWS)
    )]  # fmt: skip


def replaced_part(book: bytes, part: str, content: bytes) -> bytes:
    """A workbook with one of its parts exchanged."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name))
    return file.getvalue()


def zip_of(compression=zipfile.ZIP_DEFLATED, **parts) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
_SHEET_XML = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}<sheetData>{}</sheetData></worksheet>'


def sheet_xml(data: str, dimension: str = "") -> bytes:
    return _SHEET_XML.format(dimension, data).encode()


def bomb(tens_of_megabytes=20) -> bytes:
    """Spaces in a sheet, packed to a thousandth."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(good_rows()))) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name != SHEET:
                new.writestr(name, old.read(name))
        with new.open(SHEET, "w", force_zip64=True) as part:
            block = b" " * 10_000_000
            for _ in range(tens_of_megabytes):
                part.write(block)
    return file.getvalue()


def lying() -> bytes:
    """A workbook whose sheet is a hundred times as large as the list of its parts says."""
    content = sheet_xml('<row r="1"/>' * 10_000)
    data = bytearray(replaced_part(workbook(good_rows()), SHEET, content))
    true, false = len(content).to_bytes(4, "little"), (len(content) // 100).to_bytes(4, "little")
    return bytes(data.replace(true, false))


def with_noise(content, n=900_000):
    """So that a part is not packed to less than a hundredth, which would be refused for that alone."""
    noise = base64.b64encode(random.Random(1).randbytes(n)).replace(b"--", b"++")
    return content.replace(b"<sheetData>", b"<!--" + noise + b"--><sheetData>", 1)
