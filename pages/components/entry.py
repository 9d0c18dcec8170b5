"""The way in: the list of pages, and the guard that keeps deep links whole."""

import gc

import streamlit as st

from core.view import RESERVED, SET_KEY

PAGES = (
    # file, title, icon, url path
    ("pages/overview.py", "Overview", ":material/dashboard:", "overview"),
    ("pages/cohort.py", "Cohort", ":material/groups:", "cohort"),
    ("pages/survival.py", "Survival", ":material/show_chart:", "survival"),
    ("pages/hazard_ratios.py", "Hazard ratios", ":material/balance:", "hazard_ratios"),
    ("pages/outcomes.py", "Outcomes", ":material/stacked_line_chart:", "outcomes"),
    ("pages/treatment.py", "Treatment", ":material/hourglass_top:", "treatment"),
    ("pages/findings.py", "Findings", ":material/fact_check:", "findings"),
    ("pages/compare.py", "Compare", ":material/compare:", "compare"),
    ("pages/data.py", "Data", ":material/upload_file:", "data"),
    ("pages/methods.py", "Methods", ":material/menu_book:", "methods"),
)
# pages that are reached beside the Share button, so that the menu has room for the others
BESIDE_SHARE = ("compare",)


def boot():
    """The page that the reader asked for.

    A server with a folder named pages starts in Streamlit's older multipage mode, in which a deep link runs the page
    without app.py. The first call of st.navigation ends that mode; the first run of a session may still carry its widget
    identities, so it is run once more.
    """
    page = _navigation()
    if "_booted" not in st.session_state:
        st.session_state["_booted"] = True
        st.session_state["_asked"] = {key: st.query_params.get_all(key) for key in st.query_params}
        st.session_state["_asked_page"] = page.url_path or "overview"
        # what a link says of itself would be wrong in the address bar as soon as something is changed
        for key in RESERVED:
            if key in st.query_params and key != SET_KEY:
                del st.query_params[key]
        freeze_what_stays("")
        st.rerun()
    st.session_state["_inside_app"] = True
    return page


def require_app() -> None:
    """The first line of every page: comes back through app.py when Streamlit started the page without it."""
    if st.session_state.pop("_inside_app", False):
        return
    _navigation()
    st.rerun()


def asked_for() -> dict[str, list[str]]:
    """The query that the reader came with, as it was before the controls took what they could use."""
    return st.session_state.get("_asked") or {}


def asked_page() -> str:
    """The page that the session was opened with."""
    return st.session_state.get("_asked_page", "")


def _navigation():
    return st.navigation(
        [
            st.Page(
                file,
                title=title,
                icon=icon,
                url_path=path,
                default=path == "overview",
                visibility="hidden" if path in BESIDE_SHARE else "visible",
            )
            for file, title, icon, path in PAGES
        ],
        position="top",
    )


@st.cache_resource(show_spinner=False)
def freeze_what_stays(page: str) -> None:
    """What was imported, and the layouts that a page has made, live for ever: without this every rerun's garbage collection
    walks over them again. Once for each page, when it has been drawn for the first time."""
    gc.collect()
    gc.freeze()
