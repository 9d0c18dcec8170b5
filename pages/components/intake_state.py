"""What the Data page remembers: everything in the state of the session, under one key, and nothing anywhere else."""

import logging
import traceback
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from core.errors import RegistryError
from pages.components.literal import literal

NONE, CHOOSE = "(none)", "Choose …"


def kept() -> dict:
    """The files, their tables, the proposed mapping and every answer."""
    return st.session_state.setdefault("_intake", {"choices": {}})


def forget() -> None:
    st.session_state.pop("_intake", None)


@contextmanager
def said_in_words():
    """What is wrong with a file is said with place and cure; what was not foreseen, without any of its contents."""
    try:
        yield
    except RegistryError as error:
        st.error(literal(str(error)), icon=":material/error:")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        logging.getLogger("calciscope").error(
            "%s at %s:%s", type(error).__name__, Path(place.filename).name, place.lineno
        )
        st.error(
            "This file could not be understood, in a way that was not foreseen. Save the table as CSV UTF-8 with one header row "
            "and try again.",
            icon=":material/error:",
        )


def choose(label, options, default, name, **more):
    """A choice that is still there when the reader comes back to this page."""
    key, before = _before(name, default)
    options = list(options)
    if before not in options and more.get("accept_new_options"):
        options.append(before)
    index = options.index(before) if before in options else options.index(default) if default in options else 0
    if key in st.session_state and st.session_state[key] not in options and not more.get("accept_new_options"):
        del st.session_state[key]
    chosen = st.selectbox(label, options, index, key=key, **more)
    kept()["choices"][key] = chosen
    return chosen


def _before(name, default):
    key = f"_intake_{kept().get('token', '')}_{name}"
    return key, kept()["choices"].get(key, default)
