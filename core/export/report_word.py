"""A report as a Word document: figures as pictures with their words, tables as tables whose head repeats on each page."""

import io
from collections.abc import Callable

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from core.charts.chart import text_width
from core.export.figures import Figure, png_bytes
from core.export.report import Heading, Items, Link, Paragraph, Report
from core.export.tables import AUTHOR, NOT_IN_XML, Table

WIDTH_MM, PAGE_MM, MARGIN_MM = 170, (210, 297), 20
HEIGHT_MM = 215  # of a figure, so that it stays on one page with its heading
DPI = 220
# how wide a letter of a table is on average, the white at both sides of a cell, and the most that a text may ask for
LETTER_MM, CELL_MM, MOST_MM = 1.75, 4.5, 160
MOST_COLUMNS_UPRIGHT = 7
WESTERN, CHINESE = "Arial", "Noto Sans CJK SC"


def report_word(report: Report, progress: Callable[[float, str], None] = lambda share, what: None) -> bytes:
    """The document on A4. ``progress(share, what)`` is told which figure is drawn."""
    document = Document()
    document.core_properties.author, document.core_properties.comments = AUTHOR, ""
    document.core_properties.title = _safe(report.title)
    _page(document.sections[0])
    for name, size in (("Normal", 10), ("Title", 20), ("Heading 1", 14), ("Heading 2", 11.5)):
        _font(document.styles[name], size)
    document.add_paragraph(_safe(report.title), style="Title")
    if report.mark:
        document.add_paragraph(_safe(report.mark)).runs[0].italic = True
    total, drawn = max(len(report.figures), 1), 0
    for part in report.parts:
        if isinstance(part, Figure):
            progress(drawn / total, part.title)
            drawn += 1
        _write(document, part)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _page(section):
    section.page_width, section.page_height = (Mm(size) for size in PAGE_MM)
    section.orientation = WD_ORIENT.PORTRAIT
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(MARGIN_MM)


def _font(style, size):
    style.font.name, style.font.size = WESTERN, Pt(size)
    style.font.color.rgb = RGBColor(0x1F, 0x29, 0x37)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for which in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):  # a theme's font would go before a named one
        fonts.attrib.pop(qn(f"w:{which}"), None)
    fonts.set(qn("w:ascii"), WESTERN)
    fonts.set(qn("w:hAnsi"), WESTERN)
    fonts.set(qn("w:eastAsia"), CHINESE)


def _write(document, part) -> None:
    if isinstance(part, Heading):
        document.add_heading(_safe(part.text), part.level)
    elif isinstance(part, Paragraph):
        paragraph = document.add_paragraph()
        paragraph.add_run(_safe(part.text)).bold = part.notice
        paragraph.paragraph_format.keep_with_next = part.notice
    elif isinstance(part, Items):
        for text in part.texts:
            document.add_paragraph(_safe(text), style="List Bullet")
    elif isinstance(part, Link):
        _link(document.add_paragraph(f"{_safe(part.text)}: "), part.address)
    elif isinstance(part, Figure):
        _picture(document, part)
    else:
        _table(document, part)


def _picture(document, figure):
    document.add_picture(io.BytesIO(png_bytes(figure, width_mm=WIDTH_MM, dpi=DPI)), width=Mm(WIDTH_MM))
    shape = document.inline_shapes[-1]
    if shape.height > Mm(HEIGHT_MM):
        shape.width, shape.height = round(shape.width * Mm(HEIGHT_MM) / shape.height), Mm(HEIGHT_MM)
    properties = shape._inline.docPr
    properties.set("descr", _safe(f"{figure.title}. {figure.chart.alt}"))
    properties.set("title", _safe(figure.title))


def _link(paragraph, address):
    """An address that can be clicked."""
    number = paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), number)
    run = paragraph.add_run(_safe(address))
    run.font.color.rgb, run.font.size = RGBColor(0x00, 0x72, 0xB2), Pt(8)
    link.append(run._r)
    paragraph._p.append(link)


def _table(document, table: Table) -> None:
    document.add_heading(_safe(table.title), 2)
    caption = document.add_paragraph()
    caption.add_run(_safe(table.caption)).italic = True
    caption.paragraph_format.keep_with_next = True
    columns = [column for column in table.frame.columns if column != table.section]
    small = 7.5 if len(columns) > MOST_COLUMNS_UPRIGHT else 8.5
    grid = document.add_table(1, len(columns), style="Table Grid")
    _fill(grid.rows[0], columns, small, bold=True)
    _mark(grid.rows[0], "w:tblHeader")
    before = ""
    for _, row in table.frame.iterrows():
        if table.section and row[table.section] != before:
            before = row[table.section]
            cells = grid.add_row().cells
            merged = cells[0].merge(cells[-1])
            merged.text = ""
            _say(merged, before, small, bold=True)
        _fill(grid.add_row(), [row[column] for column in columns], small)
    grid.autofit = False
    widths = _widths([list(map(str, columns)), *table.frame[columns].astype(str).values.tolist()])
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    for row in grid.rows:
        _mark(row, "w:cantSplit")
        if len(row._tr.tc_lst) == len(widths):  # not the head of a section, which goes over all columns
            for cell, width in zip(row.cells, widths, strict=True):
                cell.width = width
    document.add_paragraph().paragraph_format.space_after = Pt(0)
    for note in table.notes:
        paragraph = document.add_paragraph()
        paragraph.add_run(_safe(note)).font.size = Pt(8)
        paragraph.paragraph_format.space_after = Pt(1)


def _widths(rows) -> list[Mm]:
    """Columns in which the longest word fits; what is left goes where texts are long."""
    columns = list(zip(*rows, strict=True))
    least = [max(_letters(word) for text in column for word in [*text.split(), ""]) + CELL_MM for column in columns]
    longest = [min(max(map(_letters, column)), MOST_MM) + CELL_MM for column in columns]
    wanted = [max(want, low) for want, low in zip(longest, least, strict=True)]
    room, more = WIDTH_MM - sum(least), sum(wanted) - sum(least)
    if room < 0:
        return [Mm(WIDTH_MM * low / sum(least)) for low in least]
    spread = room / more if more else 0
    return [Mm(low + (want - low) * min(spread, 1)) for low, want in zip(least, wanted, strict=True)]


def _letters(text) -> float:
    """Millimetres that a text takes in a table, on the generous side; a Chinese letter takes two."""
    return LETTER_MM * text_width(text, 1) / text_width("n", 1)


def _fill(row, texts, size, bold=False):
    for cell, text in zip(row.cells, texts, strict=True):
        _say(cell, text, size, bold)


def _say(cell, text, size, bold=False):
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(0)
    run = paragraph.add_run(_safe(text))
    run.font.size, run.bold = Pt(size), bold


def _mark(row, name):
    element = OxmlElement(name)
    element.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(element)


def _safe(text) -> str:
    return NOT_IN_XML.sub("\ufffd", str(text))
