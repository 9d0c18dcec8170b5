"""The button that makes the report of a view, and the scripts that compute it again."""

import streamlit as st

from core.analysis import Analysis
from core.errors import NotEstimable
from core.export.report import KeptView, report_of
from core.export.report_html import report_html
from core.export.report_word import report_word
from core.export.scripts import scripts_zip
from core.link import permanent_link
from pages.components.downloads import WORD
from pages.components.link import base_address
from pages.components.literal import literal
from pages.components.named import in_order

FORMS = {
    "Word document": ("docx", WORD),
    "Web page": ("html", "text/html"),
    "Python and R scripts": ("zip", "application/zip"),
}
WHAT = {
    "Word document": "Methods with all conventions, attrition, Table 1, figures, hazard ratios, competing risks, treatment, cautions, "
    "limitations, the STROBE checklist and the link to this view.",
    "Web page": "The same as one file for any browser, with the figures inside.",
    "Python and R scripts": "The filtered data (days from diagnosis, no dates and no identifiers), the expected numbers, and scripts "
    "that compute them again and print PASS or FAIL for each.",
}


def draw_report(analysis: Analysis) -> None:
    """The button that opens the choice of forms."""
    if st.button(
        "Report", icon=":material/description:", type="tertiary", key="_report", help="This view on paper or as code"
    ):
        _dialog(analysis)


@st.dialog("Report on this view")
def _dialog(analysis):
    form = st.radio("As", list(FORMS), captions=list(WHAT.values()), key="_report_form")
    ending, mime = FORMS[form]
    others, with_kept = _kept(analysis), False
    if others and ending != "zip":
        views = "the view" if len(others) == 1 else f"the {len(others)} views"
        with_kept = st.toggle(
            f"Also {views} that you kept",
            True,
            key="_report_kept",
            help="A section each, with its figure, its headline numbers and its link.",
        )
    if not st.button("Make it", key="_report_make", type="primary", icon=":material/play_arrow:"):
        return
    progress = st.progress(0.0, "Starting")
    try:
        made = _made(analysis, form, others if with_kept else [], progress)
    except NotEstimable as reason:
        progress.empty()
        st.info(literal(str(reason)), icon=":material/info:")
        return
    progress.progress(1.0, "Done")
    st.download_button(
        "Save",
        made,
        file_name=f"calciscope_{'scripts' if ending == 'zip' else 'report'}.{ending}",
        mime=mime,
        icon=":material/download:",
        type="primary",
        on_click="ignore",
        key="_report_save",
    )


def _kept(analysis) -> list[KeptView]:
    """The kept views of the registry, except the one on the screen."""
    registry = analysis.registry
    found = []
    for named in in_order(registry):
        if named.view != analysis.view:
            other = Analysis(registry, named.view)
            found.append(KeptView(named.name, other, permanent_link(other, page_address(analysis, named.view.page))))
    return found


def page_address(analysis: Analysis, page: str) -> str:
    """Scheme, host and path of a page; the address on the screen is that of ``analysis``'s page."""
    base = base_address().rstrip("/").removesuffix(f"/{analysis.view.page}")
    return f"{base}/" if page == "overview" else f"{base}/{page}"


def _made(analysis, form, others, progress) -> bytes:
    link = permanent_link(analysis, base_address())
    if form == "Python and R scripts":
        progress.progress(0.3, "Writing data and numbers")
        return scripts_zip(analysis, link)

    def computing(share, what):
        progress.progress(0.5 * share, f"Computing: {literal(what)}")

    def drawing(share, what):
        progress.progress(0.5 + 0.5 * share, f"Drawing: {literal(what)}")

    write = report_word if form == "Word document" else report_html
    return write(report_of(analysis, link, computing, others), drawing)
