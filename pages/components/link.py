"""The permanent link to what is on the screen, and what became of the link that opened it."""

import pandas as pd
import segno
import streamlit as st

from core.analysis import Analysis
from core.headline import Change
from core.link import LinkReport, permanent_link, read_link
from core.release import RELEASE
from core.view import FINGERPRINT_LENGTH
from pages.components.entry import asked_for, asked_page
from pages.components.literal import literal
from pages.components.named import keep_panel, set_address

LONG_LINK = 2000
COMPARE = "compare"


def draw_share(analysis: Analysis) -> None:
    """The button that opens the permanent link to what is on the screen, and keeps the view."""
    if st.button("Share", icon=":material/link:", type="tertiary", key="_share", help="A link to exactly this view"):
        _dialog(analysis)


def base_address() -> str:
    """Scheme, host and path of the page."""
    return str(st.context.url or "").split("?")[0]


@st.dialog("Share or keep this view", width="medium")
def _dialog(analysis):
    if analysis.view.page == COMPARE:
        _share_set(analysis.registry)
        return
    st.markdown(
        "This link brings back exactly this view: every filter and every setting of the page, defaults too. Other pages open "
        "with the same cohort."
    )
    with_numbers = st.toggle(
        "Carry the headline numbers",
        True,
        key="_link_numbers",
        help="Patients, events, median, test and first hazard ratios: whoever opens the link is told whether they still hold.",
    )
    link = permanent_link(analysis, base_address(), with_numbers=with_numbers)
    show_link(link)
    registry = analysis.registry
    st.caption(
        f"Made with {literal(registry.name)} ({registry.fingerprint[:FINGERPRINT_LENGTH]}), release {RELEASE}. The link carries "
        f"choices{' and these few results' if with_numbers else ''}, no patient's data. Whoever opens it sees the registry that "
        "is loaded there. If that is another one, or the numbers have changed, a banner says so and lists each number then and "
        "now; if the registry lacks a variable, that choice is named and left out."
        + (" These data are your own file: whoever opens the link is asked for it." if registry.is_upload else "")
    )
    keep_panel(analysis)


def _share_set(registry):
    link = set_address(registry, base_address())
    if link is None:
        st.markdown("No view is kept yet, so there is nothing to share here.")
        return
    st.markdown("One link for all views that are kept here; the two that are compared come first.")
    show_link(link)
    st.caption("It carries choices and the headline numbers of each view, no patient's data.")


def show_link(link: str) -> None:
    """A link to copy, and to take over to a phone."""
    st.code(link, language=None, wrap_lines=True, height=130)
    try:
        drawn = segno.make(link, error="l", micro=False).svg_inline(scale=3, border=3, light="#ffffff", dark="#000000")
    except segno.DataOverflowError:
        drawn = ""
    length = f"{len(link):,} characters."
    if len(link) > LONG_LINK:
        length += " Some mail programs cut links of more than 2,000: send the file instead."
    st.caption(length)
    if drawn:
        with st.expander("As a QR code", icon=":material/qr_code_2:"):
            st.image(drawn, width=360)


def report_on_link(analysis: Analysis) -> None:
    """On the page that a link opened: whether it shows what its sender saw, and if not what differs."""
    asked = asked_for()
    page = analysis.view.page
    if not asked or page != asked_page() or st.session_state.get("_link_read"):
        return
    report = st.session_state.get("_link_report")
    if report is None or report.registry is not analysis.registry:
        report = st.session_state["_link_report"] = read_link(analysis.registry, page, asked)
    if report.is_reproduced:
        if analysis.view == report.view:
            st.caption(":material/check_circle: Same numbers as when this link was made.")
        return
    if not report.sentences:
        return
    with st.container(border=True, key="link_report"):
        title = "Not everything in the link could be applied" if report.ignored else "This is not what the sender saw"
        if report.same_numbers and not report.ignored:
            title = "Something differs from when this link was made"
        st.markdown(f":material/link_off: **{title}**")
        show_report(report)
        st.button("Understood", key="_link_understood", on_click=_read, type="tertiary")


def show_report(report: LinkReport) -> None:
    """What differs from what the sender of a link saw, and each headline number then and now."""
    for sentence in report.sentences:
        st.markdown(f"- {literal(sentence)}")
    if report.changes and not report.same_numbers:
        changes_table(report.changes)


def changes_table(changes: tuple[Change, ...]) -> None:
    """Headline numbers when a link was made, and now."""
    rows = [(c.label, _written(c.before), _written(c.after), _verdict(c)) for c in changes]
    frame = pd.DataFrame(rows, columns=["Number", "When the link was made", "Now", "Is it the same?"])
    st.table(frame.map(literal), border="horizontal", hide_index=True)


def _written(number) -> str:
    return "not there" if number is None else number.text


def _verdict(change) -> str:
    if change.same:
        return "same"
    if change.before and change.after and change.before.text == change.after.text:
        return f"differs: {change.before.exact} and {change.after.exact}"
    return "differs"


def _read():
    st.session_state["_link_read"] = True
