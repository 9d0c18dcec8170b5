"""Panels of the Findings page: published statements beside this cohort's, each with a way to the view behind it."""

import pandas as pd
import streamlit as st

from core import findings
from core.analysis import Analysis
from core.charts.interval_chart import interval_chart
from core.charts.wording import format_count
from core.registry import Registry
from core.settings import EVERYWHERE, settings_for
from pages.components.entry import PAGES
from pages.components.literal import literal
from pages.components.panels import panel, show_chart

COLORS = {
    findings.SAME_COUNT: "green",
    findings.SAME_DIRECTION: "green",
    findings.OTHER_COUNT: "orange",
    findings.OPPOSITE: "orange",
}
_ASKED = "_open_page"


def go_where_asked() -> None:
    """Opens the page that a row's button asked for."""
    asked = st.session_state.pop(_ASKED, None)
    if asked is not None:
        page, query = asked
        st.switch_page(page, query_params=query)


def counts_panel(analysis: Analysis) -> None:
    """Every published count beside this cohort's, one card each."""
    if not len(analysis.cohort):
        st.info("No patient passes these filters together. Undo one of them in the sidebar.", icon=":material/info:")
        return
    with st.grid(columns="auto", min_column_width=270):
        for i, row in enumerate(findings.counts(analysis)):
            with st.container(border=True, gap="xsmall", height="stretch"):
                st.markdown(f"**{literal(row.statement)}**")
                detail = f" :gray[{literal(row.detail)}]" if row.detail else ""
                st.markdown(f"{literal(row.here)}{detail}")
                st.caption(f"Published: {literal(row.published)}")
                with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                    st.markdown(_verdict(row.verdict), width="content")
                    _open_button(analysis.registry, row.opens, f"count_{i}")


def associations_panel(analysis: Analysis) -> None:
    """Every published association: what was said, this cohort's hazard ratios, and whether they point the same way."""
    for row in findings.associations(analysis):
        with panel(key=f"finding_{row.name.replace('.', '_')}"):
            said, shown, verdict = st.columns([5, 6, 3], gap="medium")
            with said:
                st.markdown(f"**{literal(row.statement)}**")
                st.caption(f"Published: {literal(row.published)}")
            with shown:
                known = [result for result in row.results if result.analysis]
                if known:
                    of = f" · {literal(row.ratio_of)}" if row.ratio_of else ""
                    st.caption(f"{literal(row.endpoint)}{of}")
                    frame = pd.DataFrame(
                        [
                            (
                                f"{result.analysis} ({format_count(result.n_event)}/{format_count(result.n)})",
                                result.estimate,
                                result.conf_low,
                                result.conf_high,
                            )
                            for result in known
                        ],
                        columns=["label", "estimate", "conf_low", "conf_high"],
                    )
                    show_chart(interval_chart(frame), key=f"finding_chart_{row.name}")
                else:
                    st.markdown(literal(row.results[0].note))
            with verdict:
                for result in row.results:
                    words = result.note if result.analysis else ""
                    if len(row.results) > 1:
                        note = f", {words[:1].lower()}{words[1:]}" if words else "."
                        words = f"{result.analysis}{note}"
                    said_of_it = f" :small[:gray[{literal(words)}]]" if words else ""
                    st.markdown(f"{_verdict(result.verdict)}{said_of_it}")
                if known:
                    _open_button(analysis.registry, row.opens, row.name)


def _verdict(verdict) -> str:
    return f":{COLORS.get(verdict, 'gray')}-badge[{verdict}]"


def _open_button(registry, opens, name) -> None:
    st.button(
        "Open the view",
        key=f"_open_{name}",
        type="tertiary",
        icon=":material/arrow_forward:",
        on_click=_ask,
        args=(registry, opens),
    )


def _ask(registry: Registry, opens) -> None:
    """Sets the controls that the view needs; the page is opened in the run that follows.

    The controls of the sidebar are there and take their value from the state; those of the other page take it from the link.
    """
    query = {}
    for name, value in opens.settings:
        setting = next((setting for setting in settings_for(registry) if setting.name == name), None)
        if setting is None or value not in setting.options_of(registry):
            continue
        st.session_state[setting.key(registry)] = value
        if setting.page != EVERYWHERE:
            query[setting.key(registry)] = value
    files = {path: file for file, _, _, path in PAGES}
    st.session_state[_ASKED] = files.get(opens.page, files["survival"]), query
