"""A chart as a file: SVG, PNG and PDF, on white, in the light theme's colours, with what must be said of it on the figure."""

import json
import re
from dataclasses import dataclass
from threading import Lock
from xml.sax.saxutils import escape, quoteattr

import pandas as pd
import vl_convert

from core.charts.chart import Chart, wrapped

FORMATS = {"SVG": "image/svg+xml", "PNG": "image/png", "PDF": "application/pdf"}
WIDTHS_MM = (60, 300)  # narrowest and widest figure
DPI = (72, 1200)
# Two columns of most journals, and what they ask of a line drawing.
USUAL_WIDTH_MM, USUAL_DPI = 180, 600
PIXELS_PER_MM, POINTS_PER_MM = 96 / 25.4, 72 / 25.4
# Hazard ratios need so many pixels for a plot beside their texts: wide figures are drawn at that size and scaled down.
WIDE_FROM_MM, WIDE_PIXELS = 150, 900
# Names that every system resolves; a list without a generic family at its end can come out without any text.
FONTS = "Arial, Helvetica, 'Liberation Sans', 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif"
# As in .streamlit/config.toml, theme.light: what the names in a chart stand for on white paper.
COLOURS = {"gray": "#1F2937", "primary": "#0072B2", "orange": "#E08A00"}
SERIES = ("#0072B2", "#D55E00", "#222222", "#009E73", "#882255", "#7F7F7F", "#5B4FCF", "#B07C00")
INK, QUIET = COLOURS["gray"], "#4B5563"
CONFIG = {
    "background": "white",
    "font": FONTS,
    "view": {"stroke": None},
    "range": {"category": list(SERIES)},
    "axis": {
        "labelFont": FONTS,
        "titleFont": FONTS,
        "labelFontSize": 12,
        "titleFontSize": 12.5,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": INK,
        "domainColor": INK,
        "tickColor": INK,
        "gridColor": "#E5E7EB",
        "domain": True,
        "ticks": True,
    },
    "legend": {"labelFont": FONTS, "titleFont": FONTS, "labelColor": INK, "titleColor": INK, "symbolOpacity": 1},
    "text": {"font": FONTS},
}
TITLE, CAPTION, MARGIN = 15.0, 12.0, 10  # sizes of the letters, and the white around the figure, in pixels
_ONE_AT_A_TIME = Lock()  # a drawing takes 200 MB for a moment
_SIZE = re.compile(r'<svg[^>]*?\swidth="([\d.]+)"[^>]*?\sheight="([\d.]+)"')
_COLOUR_CHANNELS = ("color", "fill", "stroke")


@dataclass(frozen=True, eq=False)
class Figure:
    """A chart with the words that travel with it: a title over it, and a caption below it.

    The caption says where the data come from ("Synthetic sample"), which patients and how many.
    """

    chart: Chart
    title: str = ""
    caption: str = ""


def svg_text(figure: Figure, *, width_mm: float = USUAL_WIDTH_MM) -> str:
    """The figure as SVG, ``width_mm`` wide, with its words for whoever does not see it (role, aria-label, title, desc).

    Raises ValueError when the width is outside WIDTHS_MM.
    """
    return _svg(figure, width_mm, PIXELS_PER_MM)


def _svg(figure, width_mm, units_per_mm) -> str:
    """The file, its size in units of which ``units_per_mm`` make a millimetre."""
    _within(width_mm, WIDTHS_MM, "width in mm")
    on_paper = width_mm * PIXELS_PER_MM
    width = max(on_paper, WIDE_PIXELS) if width_mm >= WIDE_FROM_MM else on_paper
    inner = width - 2 * MARGIN
    plot = _plot(figure.chart, inner)
    plot_width, plot_height = (float(number) for number in _SIZE.search(plot).groups())
    title = wrapped(figure.title, inner, TITLE) if figure.title else []
    caption = wrapped(figure.caption, inner, CAPTION) if figure.caption else []
    top = MARGIN + len(title) * TITLE * 1.3 + (6 if title else 0)
    foot = top + plot_height + 8
    height = foot + len(caption) * CAPTION * 1.4 + MARGIN
    scale = min(1.0, inner / plot_width)  # long labels can make a drawing wider than was asked for
    lines = [
        f'<text x="{MARGIN}" y="{MARGIN + TITLE + i * TITLE * 1.3:.1f}" font-size="{TITLE:g}" font-weight="bold">{escape(t)}</text>'
        for i, t in enumerate(title)
    ] + [
        f'<text x="{MARGIN}" y="{foot + CAPTION + i * CAPTION * 1.4:.1f}" font-size="{CAPTION:g}" fill="{QUIET}">{escape(t)}</text>'
        for i, t in enumerate(caption)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(_words(figure))} '
        f'width="{width_mm * units_per_mm:.2f}" height="{height * width_mm * units_per_mm / width:.2f}" viewBox="0 0 {width:.2f} {height:.2f}">'
        f"<title>{escape(figure.title or 'Figure')}</title><desc>{escape(_words(figure))}</desc>"
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<g font-family="{FONTS}" fill="{INK}">{"".join(lines)}</g>'
        f'<g transform="translate({MARGIN},{top:.1f}) scale({scale:.5f})">{plot}</g></svg>'
    )


def png_bytes(figure: Figure, *, width_mm: float = USUAL_WIDTH_MM, dpi: int = USUAL_DPI) -> bytes:
    """The figure as PNG, ``width_mm`` wide at ``dpi`` dots an inch, which the file says of itself.

    Raises ValueError when the width is outside WIDTHS_MM or the resolution outside DPI.
    """
    _within(dpi, DPI, "dpi")
    svg = svg_text(figure, width_mm=width_mm)
    with _ONE_AT_A_TIME:
        return vl_convert.svg_to_png(svg, scale=72 / 96, ppi=dpi)


def pdf_bytes(figure: Figure, *, width_mm: float = USUAL_WIDTH_MM) -> bytes:
    """The figure as PDF with its fonts inside, ``width_mm`` wide. Raises as ``svg_text``."""
    svg = _svg(figure, width_mm, POINTS_PER_MM)  # a unit of the drawing becomes a point of the page
    with _ONE_AT_A_TIME:
        return vl_convert.svg_to_pdf(svg)


def figure_bytes(
    figure: Figure, form: str, *, width_mm: float = USUAL_WIDTH_MM, dpi: int = USUAL_DPI
) -> tuple[bytes, str]:
    """The file and its media type; ``form`` is one of FORMATS. Raises ValueError for another one."""
    if form not in FORMATS:
        raise ValueError(f"form must be one of {', '.join(FORMATS)}")
    if form == "PNG":
        return png_bytes(figure, width_mm=width_mm, dpi=dpi), FORMATS[form]
    if form == "PDF":
        return pdf_bytes(figure, width_mm=width_mm), FORMATS[form]
    return svg_text(figure, width_mm=width_mm).encode("utf-8"), FORMATS[form]


def painted(spec: dict, width: float) -> dict:
    """A complete specification for paper: frames as records, a width in pixels, and colours in place of their names."""
    drawn = {key: _painted(value) for key, value in spec.items() if key != "datasets"}
    datasets = {name: _records(frame) for name, frame in spec.get("datasets", {}).items()}
    return drawn | {"datasets": datasets, "width": round(width), "background": "white"}


def _plot(chart, width):
    with _ONE_AT_A_TIME:
        return vl_convert.vegalite_to_svg(painted(chart.spec, width), config=CONFIG, allowed_base_urls=[])


def _painted(part, in_colour=False):
    if isinstance(part, dict):
        return {
            key: _painted(
                value, key in _COLOUR_CHANNELS or (in_colour and key in ("value", "condition", "range", "scale"))
            )
            for key, value in part.items()
        }
    if isinstance(part, list):
        return [_painted(item, in_colour) for item in part]
    return COLOURS.get(part, part) if in_colour and isinstance(part, str) else part


def _records(frame: pd.DataFrame) -> list[dict]:
    return json.loads(frame.to_json(orient="records", double_precision=15, date_format="iso"))


def _words(figure):
    return " ".join(part for part in (figure.title and f"{figure.title}.", figure.chart.alt, figure.caption) if part)


def _within(value, limits, what):
    if not limits[0] <= value <= limits[1]:
        raise ValueError(f"{what} must lie between {limits[0]} and {limits[1]}")
