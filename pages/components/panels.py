"""What pages share on the screen: headings, panels, figures, notices, and the answer when there is none."""

import re
from contextlib import contextmanager

import streamlit as st

from core.analysis import Analysis
from core.cautions import AFTER_BASELINE, Caution, after_baseline, cautions
from core.charts.chart import Chart
from core.errors import NotEstimable
from core.export.tables import view_caption
from pages.components.figure_download import CAPTION, figure_download, panel_title
from pages.components.link import draw_share, report_on_link
from pages.components.literal import literal
from pages.components.named import say_what_was_kept
from pages.components.report import draw_report

ICONS = {AFTER_BASELINE: ":material/hourglass_top:"}


def heading(question: str, analysis: Analysis) -> None:
    """The question that the page answers, of whom, and the link to this view."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header(question, anchor=False, width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if analysis.view.page != "compare":
                st.page_link(
                    "pages/compare.py", label="Compare", icon=":material/compare:", help="Two views side by side"
                )
                draw_report(analysis)
            draw_share(analysis)
    say_what_was_kept()
    report_on_link(analysis)
    st.session_state[CAPTION] = view_caption(analysis)
    source = f" · {literal(analysis.registry.source)}" if analysis.registry.source else ""
    st.caption(
        f"{analysis.endpoint.label} from {analysis.clock_start} · {len(analysis.cohort):,} of {len(analysis.registry):,} "
        f"patients · {analysis.endpoint.counted(analysis.n_event)}{source}"
    )


@contextmanager
def panel(title: str = "", *, how_to_read: str = "", key: str | None = None):
    """A bordered place for one figure or table. What cannot be estimated is said in its place."""
    with st.container(border=True, key=key):
        if title:
            st.subheader(title, anchor=False)
        token = panel_title.set(re.sub(r"\\(.)", r"\1", title))
        try:
            yield
        except NotEstimable as reason:
            st.info(literal(str(reason)), icon=":material/info:")
        else:
            if how_to_read:
                st.caption(how_to_read)
        finally:
            panel_title.reset(token)


def show_chart(chart: Chart, key: str) -> None:
    st.vega_lite_chart(chart.spec, key=key, alt=chart.alt, width="stretch")
    figure_download(chart, key)


def wording(make, key: str) -> None:
    """A results sentence to copy, behind a small opener. ``make()`` writes it when the opener is opened."""
    _words(make, key)


@st.fragment
def _words(make, key):
    opener = st.expander(
        "In words, for a manuscript", icon=":material/edit_note:", key=f"_words_{key}", on_change="rerun"
    )
    if not opener.open:
        return
    with opener:
        try:
            st.code(make(), language=None, wrap_lines=True)
        except NotEstimable as reason:
            st.caption(literal(str(reason)))


def baseline_notice(analysis: Analysis, *, grouped: bool = True) -> str | None:
    """The caution about what is known only after diagnosis, to be drawn on a figure; None where it does not apply."""
    return " ".join(caution.text for caution in after_baseline(analysis, grouped=grouped)) or None


def show_cautions(analysis: Analysis, kinds: tuple[str, ...] | None = None, *, on_figure: bool = False) -> None:
    """The notices of the view, with the way to the page that answers without immortal time.

    ``on_figure``: the figure itself carries ``baseline_notice``, so that only the way is shown.
    """
    shown = [caution for caution in cautions(analysis) if kinds is None or caution.kind in kinds]
    for caution in shown:
        if not (on_figure and caution.kind == AFTER_BASELINE):
            show_caution(caution)
    if analysis.view.page != "treatment" and any(caution.kind == AFTER_BASELINE for caution in shown):
        st.page_link(
            "pages/treatment.py", label="Ask it without immortal time: the Treatment page", icon=ICONS[AFTER_BASELINE]
        )


def show_caution(caution: Caution) -> None:
    icon = ICONS.get(caution.kind, ":material/info:")
    st.markdown(f"{icon} {literal(caution.text)}")
