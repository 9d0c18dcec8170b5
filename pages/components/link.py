"""The permanent link to what is on the screen, and what a link could not bring back."""

import streamlit as st

from core.analysis import Analysis
from core.view import FINGERPRINT_KEY, FINGERPRINT_LENGTH, view_from_query
from pages.components.entry import asked_for
from pages.components.literal import literal


def draw_share(analysis: Analysis) -> None:
    """The button that opens the permanent link to what is on the screen."""
    if st.button("Share", icon=":material/link:", type="tertiary", key="_share", help="A link to exactly this view"):
        _dialog(analysis)


@st.dialog("Share this view")
def _dialog(analysis):
    base = str(st.context.url or "").split("?")[0]
    st.markdown("This link brings back exactly this view: every filter and every setting.")
    st.code(analysis.view.link(analysis.registry, base), language=None, wrap_lines=True)
    st.caption(
        f"It carries choices, never data. Whoever opens it sees the numbers of the registry loaded there; if that is not "
        f"the one shown here ({literal(analysis.registry.name)}, {analysis.registry.fingerprint[:FINGERPRINT_LENGTH]}), "
        "they are told."
    )


def report_on_link(analysis: Analysis) -> None:
    """Once per session: what the link that opened it asked for and could not have."""
    asked = asked_for()
    if not asked or st.session_state.get("_link_read"):
        return
    _, ignored = view_from_query(analysis.registry, analysis.view.page, asked)
    said = []
    theirs = (asked.get(FINGERPRINT_KEY) or [""])[0]
    if theirs and theirs != analysis.registry.fingerprint[:FINGERPRINT_LENGTH]:
        said.append("The link was made with other data than those loaded here, so the numbers differ.")
    said += [f"{part.parameter} = {part.value}: {part.reason}." for part in ignored]
    if said:
        with st.container(border=True):
            st.markdown(":material/link_off: **Not everything in the link could be applied**")
            for sentence in said:
                st.markdown(f"- {literal(sentence)}")
            st.button("Understood", key="_link_understood", on_click=_read, type="tertiary")


def _read():
    st.session_state["_link_read"] = True
