"""Panels of the Cohort page with distributions: every variable as a small figure that filters by a click, and two together."""

import streamlit as st

from core.analysis import Analysis
from core.charts.chart import Chart
from core.charts.distribution_chart import PICK, distribution_chart
from core.charts.pair_chart import pair_chart
from core.charts.wording import format_count, format_number
from core.cohort import AUTO, ONLY
from core.cohort_choices import EVERYTHING, section_of
from core.distributions import LEVEL, MISSING, chosen_bar, distribution, pair_of
from core.registry import Registry, Variable
from core.view import MISSING_WORDS, NOT_RECORDED, filter_key, missing_key, more_key
from pages.components.controls import choose
from pages.components.literal import literal
from pages.components.panels import panel, show_chart

CARD = 270  # pixels, at least


def distributions_panel(analysis: Analysis) -> None:
    """Every variable of a section for these patients before all patients of the registry."""
    registry = analysis.registry
    with st.container(width=260):
        choose(registry, "section")
    wanted = analysis.view["section"]
    st.caption(
        "How to read this: in colour these patients, pale all patients of the registry. Click a bar to filter by it, and once "
        "more to undo that; the filter appears in the sidebar."
    )
    shown = [v for v in registry.dictionary.filters if wanted in (EVERYTHING, section_of(v))]
    with st.grid(columns="auto", min_column_width=CARD):
        for variable in shown:
            _card(analysis, variable)


def pair_panel(analysis: Analysis) -> None:
    """Two variables of these patients together."""
    registry = analysis.registry
    with panel("Two variables together"):
        with st.container(horizontal=True):
            for name in ("pair_a", "pair_b"):
                with st.container(width=260):
                    choose(registry, name)
        analysis.require_patients()
        one, other = (registry.dictionary.by_label(analysis.view[name]) for name in ("pair_a", "pair_b"))
        pair = pair_of(registry, analysis.cohort.mask, one, other)
        show_chart(
            pair_chart(pair), key=f"pair_{'counts' if len(pair.counts) else 'boxes' if len(pair.boxes) else 'points'}"
        )
        said = f"{format_count(pair.n)} patients"
        said += f"; {format_count(pair.n_missing)} without one of the two" if pair.n_missing else ""
        if len(pair.counts):
            said += ". Each row is as thick as it has patients; its length is 100%"
        elif len(pair.boxes):
            said += ". Box: median and quartiles; line: smallest to largest; each point is a patient"
        elif pair.correlation == pair.correlation:
            said += f"; Spearman's correlation {format_number(pair.correlation, 2)}"
        if 0 < len(pair.points) < pair.n:
            said += (
                f". Drawn are {format_count(len(pair.points))} of these patients, evenly spaced; every number is of all"
            )
        st.caption(f"{said}.")


def _card(analysis, variable):
    registry = analysis.registry
    bars = distribution(registry, analysis.cohort.mask, variable)
    with st.container(border=True, gap="xsmall", key=f"distribution_{variable.name}"):
        st.markdown(f"**{literal(variable.label_with_unit)}**", help=literal(variable.description) or None)
        if bars.empty:
            st.caption("Nothing recorded.")
            return
        clickable(
            analysis,
            variable.name,
            distribution_chart(bars, title=variable.label_with_unit),
            lambda position: (variable, bars.loc[position]),
        )


def clickable(analysis: Analysis, name: str, chart: Chart, bar_at) -> None:
    """A figure whose bars can be clicked: that sets the filter that a bar stands for, or takes it back.

    ``bar_at`` gives for the position of a bar its variable and its row of a distribution.
    """
    # a figure that has answered a click makes way for a new one, so that the same bar can be clicked again
    n_clicks = st.session_state.setdefault(f"_clicks_{name}", 0)
    key = f"_pick_{name}_{n_clicks}"

    def on_click():
        picked = st.session_state[key]["selection"][PICK]
        if picked:
            st.session_state[f"_clicks_{name}"] += 1
            variable, bar = bar_at(int(picked[0]["bar"]))
            condition = next((f for f in analysis.view.filters if f.variable == variable.name), None)
            set_filter(analysis.registry, variable, bar, condition)

    st.vega_lite_chart(
        chart.spec, key=key, alt=chart.alt, width="stretch", selection_mode=PICK, on_select=on_click
    )  # fmt: skip


def set_filter(registry: Registry, variable: Variable, bar, condition) -> None:
    """Filters by a bar, in the control of the sidebar; takes the filter back when it is already set. To be called before
    the controls are drawn."""
    undo = chosen_bar(bar, condition)
    values = {}
    key = filter_key(registry, variable)
    if variable.is_categorical:
        word = bar.level if bar.kind == LEVEL else NOT_RECORDED
        others = [level for level in st.session_state.get(key) or [] if level != word]
        values[key] = others if undo else [*others, word]
    else:
        least, most = registry.limits(variable)
        low, high = (least, most) if undo or bar.kind == MISSING else (max(bar.low, least), min(bar.high, most))
        values[key] = (int(low), int(high)) if variable.decimals == 0 else (low, high)
        if registry.n_missing(variable):
            values[missing_key(registry, variable)] = MISSING_WORDS[ONLY if bar.kind == MISSING and not undo else AUTO]
    st.session_state.update(values)
    shown = list(st.session_state.get(more_key(registry)) or [])
    if variable.filter_rank == variable.filter_rank or variable.label in shown:
        return
    st.session_state[more_key(registry)] = [*shown, variable.label]
    for name, value in values.items():  # a control that is new does not put its value into the link by itself
        if value != MISSING_WORDS[AUTO] and (variable.is_categorical or value != registry.limits(variable)):
            st.query_params[name] = [str(part) for part in value] if isinstance(value, list | tuple) else value
