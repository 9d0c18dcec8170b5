"""A report as one page of HTML that needs nothing else: pictures inside, readable on a telephone and on paper."""

import base64
from collections.abc import Callable
from html import escape

from core.export.figures import USUAL_WIDTH_MM, Figure, svg_text
from core.export.report_parts import Heading, Items, Link, Paragraph, Report
from core.export.tables import Table

NARROW_MM = 95  # of a figure on a telephone
MANY_COLUMNS = 8  # from which a table may be wider than the text
FEW_COLUMNS = 3  # up to which a table holds sentences, which may be broken anywhere
LONG_CELL = 26  # letters from which a cell may go over several lines
STYLE = """
body{font:16px/1.55 Arial,Helvetica,"Liberation Sans","Noto Sans CJK SC","Microsoft YaHei",sans-serif;color:#1F2937;
background:#fff;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem}h2{font-size:1.3rem;margin-top:2.2rem;border-bottom:1px solid #D5DAE1}h3{font-size:1.05rem}
img{width:100%;max-width:56rem;height:auto}figure{margin:1.2rem 0}
.table{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;margin:.4rem 0}
th,td{text-align:left;vertical-align:top;padding:.25rem .9rem .25rem 0;border-bottom:1px solid #D5DAE1;white-space:nowrap}
.long{white-space:normal;min-width:13rem}
.text th,.text td{white-space:normal;min-width:0}
@media(min-width:64rem){.wide{width:max-content;max-width:calc(50vw + 29rem)}}
.section td{font-weight:bold;background:#F5F7FA}.caption{font-size:.85rem;color:#4B5563}
.notice{border-left:4px solid #D55E00;padding:.4rem .8rem;background:#FDF3EC}
.mark{color:#4B5563}a{color:#0072B2;overflow-wrap:anywhere}
@media print{body{max-width:none;margin:0}figure,tr{break-inside:avoid}h2,h3{break-after:avoid}
.table{overflow:visible;width:auto;max-width:none}th,td{white-space:normal}table{font-size:.7rem}.long{min-width:0}}
"""


def report_html(report: Report, progress: Callable[[float, str], None] = lambda share, what: None) -> bytes:
    """The page in UTF-8. ``progress(share, what)`` is told which figure is drawn."""
    total, drawn, body = max(len(report.figures), 1), 0, []
    for part in report.parts:
        if isinstance(part, Figure):
            progress(drawn / total, part.title)
            drawn += 1
        body.append(_written(part))
    mark = f'<p class="mark">{escape(report.mark)}</p>' if report.mark else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(report.title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(report.title)}</h1>{mark}{''.join(body)}</body></html>\n"
    ).encode()


def _written(part) -> str:
    if isinstance(part, Heading):
        return f"<h{part.level + 1}>{escape(part.text)}</h{part.level + 1}>"
    if isinstance(part, Paragraph):
        return f"<p{' class=notice' if part.notice else ''}>{escape(part.text)}</p>"
    if isinstance(part, Items):
        return f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in part.texts)}</ul>"
    if isinstance(part, Link):
        return f'<p>{escape(part.text)}: <a href="{escape(part.address)}">{escape(part.address)}</a></p>'
    if isinstance(part, Figure):
        words = escape(f"{part.title}. {part.chart.alt}")
        return (
            f'<figure><picture><source media="(max-width:40rem)" srcset="{_picture(part, NARROW_MM)}"/>'
            f'<img alt="{words}" src="{_picture(part, USUAL_WIDTH_MM)}"></picture></figure>'
        )
    return _table(part)


def _picture(figure, width_mm) -> str:
    drawn = svg_text(figure, width_mm=width_mm).encode("utf-8")
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode('ascii')}"


def _table(table: Table) -> str:
    columns = [column for column in table.frame.columns if column != table.section]
    rows, before = [], ""
    for _, row in table.frame.iterrows():
        if table.section and row[table.section] != before:
            before = row[table.section]
            rows.append(f'<tr class="section"><td colspan="{len(columns)}">{escape(str(before))}</td></tr>')
        rows.append(f"<tr>{''.join(_cell('td', row[column]) for column in columns)}</tr>")
    head = "".join(_cell("th", column) for column in columns)
    notes = "".join(f'<p class="caption">{escape(note)}</p>' for note in table.notes)
    kind = "table wide" if len(columns) > MANY_COLUMNS else "table text" if len(columns) <= FEW_COLUMNS else "table"
    return (
        f'<h3>{escape(table.title)}</h3><p class="caption">{escape(table.caption)}</p>'
        f'<div class="{kind}" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{notes}"
    )


def _cell(kind, value) -> str:
    """Numbers and short words on one line, so that a narrow screen moves the table and does not crush it."""
    text = str(value)
    start = f'{kind} class="long"' if len(text) > LONG_CELL else kind
    return f"<{start}>{escape(text)}</{kind}>"
