"""A report as a Word document: figures as pictures with their words, tables as tables whose head repeats on each page."""

import io
from collections.abc import Callable

from docx import Document
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from core.charts.chart import text_width
from core.export.figures import Figure, png_bytes
from core.export.report_parts import Heading, Items, Link, Paragraph, Report
from core.export.tables import AUTHOR, NOT_IN_XML, Table

WIDTH_MM, PAGE_MM, MARGIN_MM = 170, (210, 297), 20
HEIGHT_MM = 215  # of a figure, so that it stays on one page with its heading
DPI = 220
POINT_MM = 25.4 / 72
# how much wider letters may be than they are taken to be, the white at each side of a cell, and the most that a text may ask for
SPARE, CELL_MM, MOST_MM = 1.06, 1.2, 160
SIZE, SMALL_SIZE, SMALL_FROM = 8.5, 7.5, 8  # of the letters of a table; the number of columns from which they are small
SHORT_TABLE = 12  # rows that stay together on one page
RULE = "C9CFD8"
WESTERN, CHINESE = "Arial", "Noto Sans CJK SC"


def report_word(report: Report, progress: Callable[[float, str], None] = lambda share, what: None) -> bytes:
    """The document on A4. ``progress(share, what)`` is told which figure is drawn."""
    document = Document()
    document.core_properties.author, document.core_properties.comments = AUTHOR, ""
    document.core_properties.title = _safe(report.title)
    _page(document.sections[0])
    for name, size in (("Normal", 10), ("Title", 20), ("Heading 1", 14), ("Heading 2", 11.5)):
        _font(document.styles[name], size)
    for size in (SIZE, SMALL_SIZE):
        style = document.styles.add_style(_cell_style(size), WD_STYLE_TYPE.PARAGRAPH)
        style.base_style, style.paragraph_format.space_after = document.styles["Normal"], Pt(0)
        style.font.size, style.paragraph_format.line_spacing = Pt(size), 1.0
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
        paragraph.paragraph_format.keep_with_next = part.notice or part.leads
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
    """On a page on its side where the words of the columns need it."""
    columns = [column for column in table.frame.columns if column != table.section]
    heads = [_whole(str(column)) for column in columns]
    size = SMALL_SIZE if len(columns) >= SMALL_FROM else SIZE
    texts = [heads, *table.frame[columns].astype(str).to_numpy().tolist()]
    aside = sum(_least(texts, size)) > WIDTH_MM
    if aside:
        _new_page(document, aside=True)
    document.add_heading(_safe(table.title), 2)
    caption = document.add_paragraph()
    caption.add_run(_safe(table.caption)).italic = True
    caption.paragraph_format.keep_with_next = True
    _grid(document, table, columns, texts, size, PAGE_MM[1] - 2 * MARGIN_MM if aside else WIDTH_MM)
    spacer = document.add_paragraph().paragraph_format
    spacer.space_after, spacer.keep_with_next = Pt(0), bool(table.notes)
    for note in table.notes:
        paragraph = document.add_paragraph()
        paragraph.add_run(_safe(note)).font.size = Pt(8)
        paragraph.paragraph_format.space_after = Pt(1)
    if aside:
        _new_page(document, aside=False)


def _new_page(document, *, aside):
    section = document.add_section(WD_SECTION.NEW_PAGE)
    section.orientation = WD_ORIENT.LANDSCAPE if aside else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (Mm(size) for size in (PAGE_MM[::-1] if aside else PAGE_MM))


def _grid(document, table, columns, texts, size, room):
    grid = document.add_table(1, len(columns))
    grid.autofit = False
    _ruled(grid)
    _fill(grid.rows[0], texts[0], size, bold=True)
    _mark(grid.rows[0], "w:tblHeader")
    together = [grid.rows[0]]  # with the row that follows
    before = ""
    for cells_of_row, (_, row) in zip(texts[1:], table.frame.iterrows(), strict=True):
        if table.section and row[table.section] != before:
            before = row[table.section]
            together.append(grid.add_row())
            cells = together[-1].cells
            merged = cells[0].merge(cells[-1])
            merged.text = ""
            _say(merged, before, size, bold=True)
        _fill(grid.add_row(), cells_of_row, size)
    rows = list(grid.rows)
    if len(rows) <= SHORT_TABLE:
        together = rows if table.notes else rows[:-1]
    for row in together:
        for cell in row.cells:
            cell.paragraphs[0].paragraph_format.keep_with_next = True
    widths = [Mm(width) for width in _widths(texts, size, room)]
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    for row in rows:
        _mark(row, "w:cantSplit")
        if len(row._tr.tc_lst) == len(widths):  # not the head of a section, which goes over all columns
            for cell, width in zip(row.cells, widths, strict=True):
                cell.width = width


def _ruled(grid):
    """Fine lines between the rows, none between the columns; the table begins at the margin of the page."""
    properties = grid._tbl.tblPr
    for name, value in (("w:tblInd", {"w:w": "0", "w:type": "dxa"}), ("w:tblBorders", None), ("w:tblCellMar", None)):
        element = OxmlElement(name)
        for key, text in (value or {}).items():
            element.set(qn(key), text)
        properties.append(element)
    for side in ("top", "bottom", "insideH"):
        line = OxmlElement(f"w:{side}")
        for key, text in (("val", "single"), ("sz", "4"), ("space", "0"), ("color", RULE)):
            line.set(qn(f"w:{key}"), text)
        properties.find(qn("w:tblBorders")).append(line)
    for side, twips in (
        ("top", 20),
        ("left", round(CELL_MM / POINT_MM * 20)),
        ("bottom", 20),
        ("right", round(CELL_MM / POINT_MM * 20)),
    ):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), str(twips))
        margin.set(qn("w:type"), "dxa")
        properties.find(qn("w:tblCellMar")).append(margin)


def _widths(texts, size, room) -> list[float]:
    """Millimetres of each column: its longest word fits; what is left goes where texts are long."""
    least = _least(texts, size)
    longest = [
        min(max(_letters(t, size) for t in column), MOST_MM) + 2 * CELL_MM for column in zip(*texts, strict=True)
    ]
    wanted = [max(want, low) for want, low in zip(longest, least, strict=True)]
    spare, more = room - sum(least), sum(wanted) - sum(least)
    if spare < 0:
        return [room * low / sum(least) for low in least]
    spread = spare / more if more else 0
    return [low + (want - low) * min(spread, 1) for low, want in zip(least, wanted, strict=True)]


def _least(texts, size) -> list[float]:
    """Millimetres that the longest word of each column takes."""
    return [
        max(_letters(word, size) for text in column for word in [*text.split(" "), ""]) + 2 * CELL_MM
        for column in zip(*texts, strict=True)
    ]


def _letters(text, size) -> float:
    """Millimetres that a text of ``size`` points takes, on the generous side."""
    return SPARE * POINT_MM * text_width(text, size)


def _whole(head) -> str:
    """The head of a column with its number of patients unbroken: "Earlier (n = 28)"."""
    return head.replace("(n = ", "(n\u00a0=\u00a0")


def _fill(row, texts, size, bold=False):
    for cell, text in zip(row.cells, texts, strict=True):
        _say(cell, text, size, bold)


def _say(cell, text, size, bold=False):
    paragraph = cell.paragraphs[0]
    paragraph.style = _cell_style(size)  # so that an empty cell is no higher than the others
    paragraph.add_run(_safe(text)).bold = bold


def _cell_style(size) -> str:
    return f"Table cell {size:g}"


def _mark(row, name):
    element = OxmlElement(name)
    element.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(element)


def _safe(text) -> str:
    return NOT_IN_XML.sub("\ufffd", str(text))
