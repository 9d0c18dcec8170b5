"""The way in: the list of pages, and the guard that keeps deep links whole."""

import gc

import streamlit as st

PAGES = (
    # file, title, icon, url path
    ("pages/overview.py", "Overview", ":material/dashboard:", "overview"),
    ("pages/cohort.py", "Cohort", ":material/groups:", "cohort"),
    ("pages/survival.py", "Survival", ":material/show_chart:", "survival"),
    ("pages/hazard_ratios.py", "Hazard ratios", ":material/balance:", "hazard_ratios"),
    ("pages/outcomes.py", "Outcomes", ":material/stacked_line_chart:", "outcomes"),
    ("pages/treatment.py", "Treatment", ":material/hourglass_top:", "treatment"),
    ("pages/findings.py", "Findings", ":material/fact_check:", "findings"),
    ("pages/methods.py", "Methods", ":material/menu_book:", "methods"),
)


def boot():
    """The page that the reader asked for.

    A server with a folder named pages starts in Streamlit's older multipage mode, in which a deep link runs the page
    without app.py. The first call of st.navigation ends that mode; the first run of a session may still carry its widget
    identities, so it is run once more.
    """
    page = _navigation()
    if "_booted" not in st.session_state:
        st.session_state["_booted"] = True
        st.session_state["_asked"] = st.query_params.to_dict() and {
            key: st.query_params.get_all(key) for key in st.query_params
        }
        _freeze_imports()
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
    """The query that opened this session, as it was before the controls took what they could use."""
    return st.session_state.get("_asked") or {}


def _navigation():
    return st.navigation(
        [
            st.Page(file, title=title, icon=icon, url_path=path, default=path == "overview")
            for file, title, icon, path in PAGES
        ],
        position="top",
    )


@st.cache_resource
def _freeze_imports() -> None:
    """What was imported lives for ever: without this every rerun's garbage collection walks over it again."""
    gc.collect()
    gc.freeze()
