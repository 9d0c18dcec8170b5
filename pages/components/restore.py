"""Bringing a view back to the controls, and opening its page."""

import math

import streamlit as st

from core.cohort import AUTO
from core.registry import Registry
from core.settings import EVERYWHERE, settings_of
from core.view import MISSING_WORDS, View, filter_key, missing_key, more_key

_ASKED = "_open_page"


def ask_for(registry: Registry, view: View, files) -> None:
    """In a callback: sets every control that shapes the view; the page is opened in the run that follows.

    The controls of the sidebar are there and take their value from the state; those of the other page take it from the link.
    """
    _set_filters(registry, view)
    query = {}
    for setting in settings_of(registry, view.page):
        key, value = setting.key(registry), view[setting.name]
        if setting.kind != "tab":
            st.session_state[key] = list(value) if setting.kind == "choices" else value
        if setting.page != EVERYWHERE:
            query[key] = view.to_query(registry).get(key, [])
    st.session_state[_ASKED] = files.get(view.page, files["overview"]), {k: v for k, v in query.items() if v}


def go_where_asked() -> None:
    """Opens the page that a button asked for."""
    asked = st.session_state.pop(_ASKED, None)
    if asked is not None:
        page, query = asked
        st.switch_page(page, query_params=query)


def _set_filters(registry, view):
    conditions = {f.variable: f for f in view.filters}
    st.session_state[more_key(registry)] = [
        registry.dictionary[name].label for name in conditions if math.isnan(registry.dictionary[name].filter_rank)
    ]
    for variable in registry.dictionary.filters:
        condition = conditions.get(variable.name)
        key = filter_key(registry, variable)
        if variable.is_categorical:
            query = [] if condition is None else view.to_query(registry)[key]
            st.session_state[key] = list(query)
            continue
        limits = registry.limits(variable)
        if limits is None or limits[0] == limits[1]:
            continue
        low, high = limits
        if condition is not None:
            low = low if math.isnan(condition.low) else condition.low
            high = high if math.isnan(condition.high) else condition.high
        whole = variable.decimals == 0
        st.session_state[key] = (int(low), int(high)) if whole else (low, high)
        if registry.n_missing(variable):
            st.session_state[missing_key(registry, variable)] = MISSING_WORDS[condition.missing if condition else AUTO]
