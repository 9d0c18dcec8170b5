"""The button under a chart that hands it out as a file: SVG, PNG or PDF, drawn when it is asked for."""

import re
from contextvars import ContextVar

import streamlit as st

from core.charts.chart import Chart
from core.export.figures import DPI, FORMATS, USUAL_DPI, USUAL_WIDTH_MM, WIDTHS_MM, Figure, figure_bytes

CAPTION = "_figure_caption"  # what the heading of the page knows of the view
panel_title: ContextVar[str] = ContextVar("panel_title", default="")


def figure_download(chart: Chart, key: str) -> None:
    """A small "Download" that opens the choices; the file carries the panel's title and the caption of the view."""
    _choices(Figure(chart, panel_title.get(), st.session_state.get(CAPTION, "")), key)


@st.fragment
def _choices(figure, key):
    popover = st.popover(
        "Download",
        icon=":material/download:",
        type="tertiary",
        key=f"_figure_{key}",
        on_change="rerun",
        help="This figure",
    )
    if not popover.open:
        return
    with popover:
        form = st.segmented_control(
            "Format", list(FORMATS), default="PNG", required=True, key=f"_figure_{key}_format", width="stretch"
        )
        width = st.number_input(
            "Width (mm)", *WIDTHS_MM, value=USUAL_WIDTH_MM, step=5, key=f"_figure_{key}_width",
            help="One column of a journal is some 85 mm, two are 180 mm.",
        )  # fmt: skip
        dpi = USUAL_DPI
        if form == "PNG":
            dpi = st.number_input("Dots per inch", *DPI, value=USUAL_DPI, step=50, key=f"_figure_{key}_dpi")
        st.download_button(
            f"Save as {form}",
            data=lambda: figure_bytes(figure, form, width_mm=width, dpi=dpi)[0],
            file_name=f"calciscope_{file_name(figure.title or key)}.{form.lower()}",
            mime=FORMATS[form],
            icon=":material/download:",
            on_click="ignore",
            key=f"_figure_{key}_save",
        )


def file_name(title: str) -> str:
    """A title as the name of a file: letters and digits of any script, joined by underscores."""
    return re.sub(r"\W+", "_", title.lower()).strip("_")[:60] or "figure"
