"""A link at the moment it is opened: what the controls would misread is written into the address as the view has it."""

import streamlit as st

from core.registry import Registry
from core.settings import settings_of
from core.view import filter_key, missing_key, view_from_query
from pages.components.entry import asked_for, asked_page


def set_address_right(registry: Registry, page: str) -> None:
    """Once a session: a control drops a value that is out of its range, and takes the last of two; the view does not.

    Both have to mean the same, or a banner about the link would speak of another cohort than the one on the screen.
    """
    if st.session_state.get("_address_right") or page != asked_page():
        return
    st.session_state["_address_right"] = True
    asked = asked_for()
    meant = view_from_query(registry, page, asked)[0].to_query(registry)
    own = {setting.key(registry) for setting in settings_of(registry, page)}
    for variable in registry.dictionary.filters:
        own |= {filter_key(registry, variable), missing_key(registry, variable)}
    wrong = [key for key in asked if key in own and asked[key] != meant.get(key, [])]
    for key in wrong:
        if key in meant:
            st.query_params[key] = meant[key]
        elif key in st.query_params:
            del st.query_params[key]
    if wrong:
        st.rerun()
