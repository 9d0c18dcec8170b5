"""The sidebar: endpoint, grouping and filters, the same on every page, each with its live counts."""

import math

import streamlit as st

from core.analysis import Analysis
from core.cohort import AUTO, Filter, level_counts, passing, select_cohort
from core.registry import Registry, Variable
from core.view import (
    MISSING_WORDS,
    filter_from_levels,
    filter_from_query,
    filter_from_range,
    filter_key,
    level_options,
    missing_key,
    more_key,
)
from pages.components.controls import choose, has_effect, keep_in_address, value_of, view_of
from pages.components.entry import asked_for
from pages.components.literal import is_plain, literal

MOST_PILLS = 4


def draw_sidebar(registry: Registry, page: str) -> None:
    """Draws the sidebar and keeps the view for the page."""
    with st.sidebar:
        top = st.container()
        choose(registry, "endpoint")
        for name in ("window", "unknown_cause"):
            # a place of its own, drawn or not: what follows must not move, see keep_in_address
            with st.container():
                if has_effect(registry, name, page):
                    choose(registry, name)
        definition = st.container()
        _draw_grouping(registry)
        with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
            st.markdown("**Filters**")
            reset_place = st.container(width="content")
        _add_what_the_link_filters(registry)
        shown = _shown_variables(registry)
        places = {}
        for variable in shown:
            places[variable.name] = _draw_filter(registry, variable)
        _draw_more(registry)
        in_order = [variable for variable in registry.dictionary.filters if variable in shown]
        filters = [f for variable in in_order if (f := _filter_of(registry, variable)) is not None]
        active = tuple(f for f in filters if f.is_active)
        st.session_state["_filters"] = active
        for variable in shown:
            with places[variable.name]:
                _draw_counts(registry, active, variable)
        if active:
            reset_place.button(
                "Reset all",
                key="_reset_all",
                type="tertiary",
                icon=":material/restart_alt:",
                on_click=_reset,
                args=(registry, [registry.dictionary[f.variable] for f in active]),
            )
    analysis = Analysis(registry, view_of(registry, page, active))
    with top:
        _draw_headline(analysis)
    definition.caption(literal(analysis.definition_of(analysis.endpoint)))


def current_analysis(registry: Registry, page: str) -> Analysis:
    """The registry seen through what the sidebar and the controls of the page now say."""
    return Analysis(registry, view_of(registry, page, st.session_state.get("_filters", ())))


def _draw_grouping(registry):
    """What to group by, and for a number where to cut it."""
    with st.container():
        choose(registry, "by")
        variable = registry.dictionary.by_label(value_of(registry, "by"))
        if variable is not None and variable.is_numeric:
            for name in (f"cut.{variable.name}", f"cut_at.{variable.name}"):
                if has_effect(registry, name):
                    choose(registry, name)


def _draw_headline(analysis):
    registry, endpoint = analysis.registry, analysis.endpoint
    if registry.source:
        st.badge(literal(registry.source), icon=":material/science:", color="gray")
    else:
        st.markdown(f"**{literal(registry.name)}**")
    events = endpoint.event if analysis.n_event == 1 else endpoint.events
    st.markdown(f"#### {len(analysis.cohort):,} of {len(registry):,} patients, {analysis.n_event:,} {events}")


def _add_what_the_link_filters(registry) -> None:
    """A link can filter by a variable without adding its control: the control is added, once per session."""
    if st.session_state.get("_link_filters_added"):
        return
    st.session_state["_link_filters_added"] = True
    asked = asked_for()
    added = asked.get(more_key(registry), [])
    wanted = [
        v.label
        for v in registry.dictionary.filters
        if math.isnan(v.filter_rank) and (filter_key(registry, v) in asked or missing_key(registry, v) in asked)
    ]
    known = [v.label for v in registry.dictionary.filters if v.label in added and math.isnan(v.filter_rank)]
    if set(wanted) - set(known):
        st.session_state[more_key(registry)] = list(dict.fromkeys([*known, *wanted]))


def _shown_variables(registry) -> list[Variable]:
    """Ranked filters first, then those that the reader added or that the link brought."""
    first = [v for v in registry.dictionary.filters if not math.isnan(v.filter_rank)]
    added = st.session_state.get(more_key(registry))
    if added is None:
        added = st.query_params.get_all(more_key(registry))
    return [*first, *(v for v in registry.dictionary.filters if v.label in added and v not in first)]


def _draw_more(registry):
    others = [v.label for v in registry.dictionary.filters if math.isnan(v.filter_rank)]
    if others:
        key = more_key(registry)
        keep_in_address(key, st.session_state.get(key, []), [v for v in st.query_params.get_all(key) if v in others])
        st.multiselect(
            "Add a filter",
            others,
            key=key,
            bind="query-params",
            placeholder="Any other variable",
        )


def _draw_filter(registry, variable):
    """The control of one filter; returns the place below it for its counts."""
    key = filter_key(registry, variable)
    _keep_filter_in_address(registry, variable)
    help_text = literal(variable.description) or None
    with st.container(gap="xsmall"):
        if variable.is_categorical:
            options = list(level_options(registry, variable))
            shared = {"key": key, "bind": "query-params", "help": help_text}
            if len(options) <= MOST_PILLS and all(map(is_plain, options)):
                st.pills(literal(variable.label), options, selection_mode="multi", **shared)
            else:
                st.multiselect(literal(variable.label), options, placeholder="All", **shared)
        else:
            _draw_range(registry, variable, key, help_text)
        return st.container(gap="xsmall")


def _keep_filter_in_address(registry, variable):
    keys = [filter_key(registry, variable), missing_key(registry, variable)]
    query = {key: texts for key in keys if (texts := st.query_params.get_all(key))}
    address = filter_from_query(registry, variable, query, []) or Filter(variable.name)
    control = _filter_of(registry, variable) or Filter(variable.name)
    for key in keys:
        keep_in_address(key, control, address)


def _draw_range(registry, variable, key, help_text):
    limits = registry.limits(variable)
    if limits is None or limits[0] == limits[1]:
        st.caption(f"{literal(variable.label)}: nothing to choose, one value or none is recorded.")
        return
    whole = variable.decimals == 0
    low, high = (int(limits[0]), int(limits[1])) if whole else limits
    step = 1 if whole else 10.0**-variable.decimals
    st.slider(
        literal(variable.label_with_unit),
        low,
        high,
        (low, high),
        step,
        format=f"%.{variable.decimals}f",
        key=key,
        bind="query-params",
        help=help_text,
    )
    if n_missing := registry.n_missing(variable):
        st.selectbox(
            f"{n_missing:,} not recorded",
            list(MISSING_WORDS.values()),
            key=missing_key(registry, variable),
            bind="query-params",
        )


def _filter_of(registry, variable) -> Filter | None:
    """The filter that a control on the screen now says; None where there is nothing to choose."""
    chosen = st.session_state.get(filter_key(registry, variable))
    if variable.is_categorical:
        return filter_from_levels(variable, chosen or ())
    limits = registry.limits(variable)
    if limits is None:
        return None
    words = st.session_state.get(missing_key(registry, variable))
    missing = next((name for name, said in MISSING_WORDS.items() if said == words), AUTO)
    return filter_from_range(registry, variable, chosen or limits, missing)


def _draw_counts(registry, active, variable):
    condition = next((f for f in active if f.variable == variable.name), None)
    if variable.is_categorical:
        counts = level_counts(registry, active, variable)
        text = " · ".join(f"{literal(level)} {n:,} of {n_all:,}" for level, n, n_all in counts.itertuples(index=False))
    else:
        others = select_cohort(registry, [f for f in active if f.variable != variable.name])
        inside = others.mask if condition is None else others.mask & passing(registry, condition)
        text = f"{int(inside.sum()):,} of {len(others):,} patients"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="xsmall"):
        st.caption(text, width="stretch")
        if condition is not None:
            st.button(
                "",
                key=f"_reset_{variable.name}",
                type="tertiary",
                icon=":material/close:",
                help=f"Undo this filter: {literal(variable.label)}",
                on_click=_reset,
                args=(registry, [variable]),
            )


def _reset(registry, variables):
    for variable in variables:
        limits = None if variable.is_categorical else registry.limits(variable)
        if variable.is_categorical:
            st.session_state[filter_key(registry, variable)] = []
        elif limits is not None:
            whole = variable.decimals == 0
            st.session_state[filter_key(registry, variable)] = (int(limits[0]), int(limits[1])) if whole else limits
            if registry.n_missing(variable):
                st.session_state[missing_key(registry, variable)] = MISSING_WORDS[AUTO]
