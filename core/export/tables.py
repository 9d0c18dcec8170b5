"""Tables to take away: CSV, Excel and Word, with exact numbers, and without a cell that a spreadsheet would execute."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from core.analysis import Analysis
from core.charts.wording import format_count
from core.cohort import describe_filter

# A spreadsheet takes a cell that begins so for a formula; the wide forms are read alike where Chinese or Japanese is set.
FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\']")
LONGEST_SHEET_NAME = 31
WIDEST_COLUMN = 48
MOST_COLUMNS_UPRIGHT = 6
PADDING = 5  # characters that the margins of a cell take
MARGIN = Cm(2)
WIDEST_TEXT = 20  # characters that a column of a document takes before its text wraps
AUTHOR = "CalciScope"


@dataclass(frozen=True, eq=False)
class Table:
    """A frame to be written, with what must be said of it.

    caption  its first line in every format: where the data come from, which patients, how many (see ``view_caption``)
    notes    sentences under the table, in Excel and Word
    section  a column whose changes become headings of their own in Word; "" for none
    """

    title: str
    frame: pd.DataFrame
    caption: str
    notes: tuple[str, ...] = ()
    section: str = ""


def view_caption(analysis: Analysis) -> str:
    """Source, patients, filters, grouping and cut-off of a view in one line: "Synthetic sample. 23 of 51 patients (Stage:
    Later), grouped by Sex. Data to 2021-09-30."."""
    registry = analysis.registry
    filters = [describe_filter(registry.dictionary[f.variable], f) for f in analysis.view.filters if f.is_active]
    text = f"{registry.source or registry.name}. "
    text += f"{format_count(len(analysis.cohort))} of {format_count(len(registry))} patients"
    text += f" ({'; '.join(filters)})" if filters else ""
    text += f", grouped by {analysis.by.label}." if analysis.by is not None else "."
    return text if registry.cut_off is None else f"{text} Data to {registry.cut_off:%Y-%m-%d}."


def csv_bytes(table: Table) -> bytes:
    """The table as CSV in UTF-8: the caption alone on the first line, the column names on the second. Numbers have all their
    digits; what is missing is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe_text(table.caption)])
    writer.writerow([safe_text(column) for column in table.frame.columns])
    for row in _rows(table.frame):
        writer.writerow(["" if cell is None else cell for cell in row])
    return text.getvalue().encode("utf-8-sig")


def excel_bytes(tables: Sequence[Table]) -> bytes:
    """The tables as an Excel workbook, a sheet each: caption in row 1, column names in row 3, notes at the foot. Numbers are
    numbers with all their digits."""
    book = Workbook()
    book.properties.creator = AUTHOR
    book.remove(book.active)
    for table in tables:
        sheet = book.create_sheet(_sheet_name(table.title, book.sheetnames))
        sheet["A1"] = safe_text(table.caption)
        sheet["A1"].font = Font(italic=True)
        names = [safe_text(column) for column in table.frame.columns]
        rows = _rows(table.frame)
        for position, name in enumerate(names, start=1):
            cell = sheet.cell(3, position, name)
            cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
        for number, row in enumerate(rows, start=4):
            for position, value in enumerate(row, start=1):
                _write(sheet.cell(number, position), value)
        for number, note in enumerate(table.notes, start=len(rows) + 5):
            sheet.cell(number, 1, safe_text(note))
        for position, name in enumerate(names, start=1):
            longest = max([len(name), *(len(str(row[position - 1])) for row in rows if row[position - 1] is not None)])
            sheet.column_dimensions[get_column_letter(position)].width = min(longest + 2, WIDEST_COLUMN)
        sheet.freeze_panes = "A4"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def word_bytes(tables: Sequence[Table]) -> bytes:
    """The tables as a Word document: title, caption, table, notes; lying when a table is wide. The texts are those of the
    frame, so give it what the screen shows."""
    document = Document()
    document.core_properties.author, document.core_properties.comments = AUTHOR, ""
    font = document.styles["Normal"].font
    font.name, font.size = "Arial", Pt(8.5)
    if any(len(table.frame.columns) > MOST_COLUMNS_UPRIGHT for table in tables):
        page = document.sections[0]
        page.orientation = WD_ORIENT.LANDSCAPE
        page.page_width, page.page_height = page.page_height, page.page_width
    for page in document.sections:
        page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = MARGIN
    for table in tables:
        document.add_heading(safe_text(table.title), level=2)
        document.add_paragraph().add_run(safe_text(table.caption)).italic = True
        _word_table(document, table)
        for note in table.notes:
            document.add_paragraph(safe_text(note)).paragraph_format.space_after = Pt(2)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def safe_text(text) -> str:
    """Text as it may stand in a cell: an apostrophe before what a spreadsheet would take for a formula, line ends as \\n, and
    a mark in place of characters that no file can hold."""
    text = NOT_IN_XML.sub("\ufffd", str(text).replace("\r\n", "\n").replace("\r", "\n"))
    starts = text[:1], text.lstrip()[:1]  # "" is in every text
    return f"'{text}" if any(start and start in FORMULA_STARTS for start in starts) else text


def _rows(frame: pd.DataFrame) -> list[list]:
    """The cells as Python values: None where missing, whole numbers, floats, True or False, dates as text, safe text."""
    return [[_cell(value) for value in row] for row in frame.astype(object).to_numpy()]


def _cell(value):
    if isinstance(value, tuple | list):
        return safe_text(", ".join(map(str, value)))
    if value is None or pd.isna(value):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    return safe_text(value)


def _write(cell, value):
    if isinstance(value, float):
        cell.value, cell.data_type = repr(value), "n"  # openpyxl would round it to 16 digits
    elif value is not None:
        cell.value = value


def _sheet_name(title, taken):
    """A name that Excel accepts and that no other sheet has."""
    name = NOT_IN_SHEET_NAMES.sub(" ", NOT_IN_XML.sub("", title)).strip()[:LONGEST_SHEET_NAME] or "Table"
    lower = {other.lower() for other in taken}
    if name.lower() not in lower:
        return name
    number = 2
    while f"{name[: LONGEST_SHEET_NAME - 4]} {number}".lower() in lower:
        number += 1
    return f"{name[: LONGEST_SHEET_NAME - 4]} {number}"


def _word_table(document, table):
    columns = [column for column in table.frame.columns if column != table.section]
    if not columns:
        return
    rows = _rows(table.frame[columns])
    sections = [safe_text(name) for name in table.frame[table.section]] if table.section else [""] * len(rows)
    lines, before = [[safe_text(column) for column in columns]], ""
    headings = set()
    for section, row in zip(sections, rows, strict=True):
        if section != before:
            headings.add(len(lines))
            lines.append([section] + [""] * (len(columns) - 1))
            before = section
        lines.append(["" if value is None else str(value) for value in row])
    numeric = [pd.api.types.is_numeric_dtype(table.frame[column]) for column in columns]
    grid = document.add_table(len(lines), len(columns))
    grid.autofit = False
    widths = _widths(lines, headings, document.sections[0])
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    for number, (row, line) in enumerate(zip(grid.rows, lines, strict=True)):
        cells = row.cells
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        if number in (0, len(lines) - 1):
            for cell in cells:
                _rule(cell, ("top", "bottom") if number == 0 else ("bottom",))
        if number in headings:
            cells, line = [cells[0].merge(cells[-1])], line[:1]
            cells[0].text = ""  # merging has gathered the empty paragraphs of all cells
        for position, (cell, text) in enumerate(zip(cells, line, strict=True)):
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(0)
            paragraph.add_run(text).bold = number == 0 or number in headings
            if numeric[position] and number and number not in headings:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    header = grid.rows[0]._tr.get_or_add_trPr()
    header.append(OxmlElement("w:tblHeader"))
    header[-1].set(qn("w:val"), "true")


def _widths(lines, headings, page):
    """The width of the page shared by the longest text of each column, so that words need not be broken."""
    body = [line for number, line in enumerate(lines) if number not in headings]
    longest = [max(len(line[i]) for line in body) for i in range(len(body[0]))]
    words = [max((len(word) for line in body for word in line[i].split()), default=1) for i in range(len(body[0]))]
    wanted = [max(min(text, WIDEST_TEXT), word) + PADDING for text, word in zip(longest, words, strict=True)]
    whole = page.page_width - page.left_margin - page.right_margin
    return [int(whole * share / sum(wanted)) for share in wanted]


def _rule(cell, sides):
    borders = OxmlElement("w:tcBorders")
    for side in sides:
        line = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", "6"), ("space", "0"), ("color", "auto")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)
