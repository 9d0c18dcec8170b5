"""Which registry is on the screen: the server's own, or the one that this reader brought.

What a reader brings lives in the state of the session and nowhere else. The link says so, and where the session no longer
has it the page asks for it: another registry never takes its place.
"""

import logging
import os
import traceback
from contextlib import contextmanager
from pathlib import Path

import streamlit as st
from starlette.formparsers import MultiPartParser

from core.errors import RegistryError
from core.intake.limits import MAX_BYTES
from core.registry import Registry, read_registry
from core.view import SOURCE_KEY, source_name
from pages.components.literal import literal

FOLDER_VARIABLE = "CALCISCOPE_REGISTRY"
SAMPLE = Path(__file__).parents[2] / "data" / "sample"
FILES = (".csv", ".parquet")
SERVERS_OWN = "Sample or server's registry"
_BROUGHT = "_brought"  # in the state of the session
# Uploads above this size would pass through a temporary file on the server's disk.
MultiPartParser.spool_max_size = 2 * MAX_BYTES


def load_registry() -> Registry:
    """The registry that the view is about. Stops with the reason, and with what to do, if it is not there."""
    wanted = _wanted()
    if wanted == SERVERS_OWN:
        return _servers_own()
    brought = brought_registry()
    if brought is None or not is_the_file(brought, wanted):
        _ask_for_file(wanted)
    return brought


def registry_if_there() -> Registry | None:
    """The same without stopping: None where the reader's file is asked for and not there."""
    wanted = _wanted()
    brought = brought_registry()
    if wanted == SERVERS_OWN:
        return _servers_own()
    return brought if brought is not None and is_the_file(brought, wanted) else None


def draw_source(page: str) -> None:
    """The choice between the server's registry and the reader's own, where there is one or the link asks for one.

    On the page that opens files it is always there: only a control that the browser has already drawn is written into the
    address when its value is set.
    """
    wanted, brought = _wanted(), brought_registry()
    options = [SERVERS_OWN]
    if brought is not None:
        options.append(source_name(brought))
    if wanted not in options:
        options.append(wanted)
    if len(options) > 1 or page == "data":
        st.sidebar.selectbox(
            "Registry",
            options,  # the first is the default, which is not written into the address
            key=SOURCE_KEY,
            bind="query-params",  # so that the browser itself keeps it when the page changes
            help="Your own file stays in this window: no link and no other reader can bring it back.",
        )


def brought_registry() -> Registry | None:
    return st.session_state.get(_BROUGHT)


def is_brought() -> bool:
    """Whether the view is about a reader's own registry, of which nothing may be kept outside the session."""
    return _wanted() != SERVERS_OWN


def bring(registry: Registry) -> None:
    """Puts the reader's registry on the screen; for the callback of a button."""
    st.session_state[_BROUGHT] = registry
    st.session_state[SOURCE_KEY] = source_name(registry)


def bring_what_was_asked(registry: Registry) -> None:
    """Puts the file that the link names into its place; the control of the source says so already."""
    st.session_state[_BROUGHT] = registry


def let_go() -> None:
    """Forgets the reader's registry and goes back to the server's; for the callback of a button."""
    st.session_state.pop(_BROUGHT, None)
    st.session_state[SOURCE_KEY] = SERVERS_OWN


def asked_for_file() -> str:
    """The name of the upload that is asked for and not there, "" where nothing is amiss."""
    wanted, brought = _wanted(), brought_registry()
    there = wanted == SERVERS_OWN or (brought is not None and is_the_file(brought, wanted))
    return "" if there else wanted


def is_the_file(registry: Registry, wanted: str) -> bool:
    """Whether a registry is the one that a link names."""
    return source_name(registry) == wanted


@contextmanager
def without_values_in_the_log():
    """An unforeseen error about a reader's own data is logged by type and place only, and said in words on the screen.

    Otherwise the server's log would hold the message of the error, in which values of patients can stand.
    """
    if _wanted() == SERVERS_OWN and not st.session_state.get("_intake"):
        yield
        return
    try:
        yield
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        logging.getLogger("calciscope").error(
            "%s at %s:%s", type(error).__name__, Path(place.filename).name, place.lineno
        )
        st.error(
            "This page could not be made from your file. Nothing of it was written down; the server noted only the kind of error "
            "and the line of the program. Try another page, or change the mapping on the Data page.",
            icon=":material/error:",
        )


def _wanted() -> str:
    if SOURCE_KEY in st.session_state:
        return st.session_state[SOURCE_KEY] or SERVERS_OWN
    asked = st.query_params.get_all(SOURCE_KEY)
    return next((text for text in asked if text and text != SERVERS_OWN), SERVERS_OWN)


def _ask_for_file(wanted):
    st.title("This view needs a file that is not here")
    st.warning(
        f"It was made from {literal(wanted)}: a file that somebody opened in a session of their own. This session does not have "
        "it, because the page was reloaded, the server was restarted, or the link came from somebody else. Uploaded files are "
        "never kept. No other registry is shown in its place.",
        icon=":material/upload_file:",
    )
    st.page_link("pages/data.py", label="Open the file again on the Data page", icon=":material/upload:")
    st.button("Show the server's registry instead", on_click=let_go, type="tertiary", key="_servers_own")
    st.stop()


def _servers_own() -> Registry:
    """The registry of the folder named by CALCISCOPE_REGISTRY, or the sample. Stops with the reason if it cannot be read."""
    folder = Path(os.environ.get(FOLDER_VARIABLE) or SAMPLE)
    stamp = tuple((path.name, path.stat().st_mtime_ns) for path in sorted(folder.glob("*")) if path.suffix in FILES)
    try:
        return _read(str(folder), stamp)
    except RegistryError as error:
        st.title("This registry cannot be opened")
        st.error(literal(str(error)), icon=":material/error:")
        st.caption(f"The folder is named by the environment variable {FOLDER_VARIABLE}; without it the sample opens.")
        st.stop()


@st.cache_resource(show_spinner="Reading the registry", max_entries=4)
def _read(folder: str, stamp: tuple) -> Registry:
    return read_registry(folder)
