"""Results that are not computed twice: shared by all readers of the server's registry, a session's own for what it brought."""

from functools import wraps

import streamlit as st

from pages.components.source import is_brought


def kept(max_entries: int, hold=st.cache_data):
    """Keeps what a function returns. ``hold`` is st.cache_data, or st.cache_resource for what is filled in later."""

    def decorate(function):
        shared = hold(max_entries=max_entries, show_spinner=False)(function)
        own = hold(max_entries=max_entries, show_spinner=False, scope="session")(function)

        @wraps(function)
        def keep(*args, **kwargs):
            return (own if is_brought() else shared)(*args, **kwargs)

        return keep

    return decorate
