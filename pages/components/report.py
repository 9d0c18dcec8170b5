"""The button that makes the report of a view, and the scripts that compute it again."""

import streamlit as st

from core.analysis import Analysis
from core.errors import NotEstimable
from core.export.report import report_of
from core.export.report_html import report_html
from core.export.report_word import report_word
from core.export.scripts import scripts_zip
from core.link import permanent_link
from pages.components.downloads import WORD
from pages.components.literal import literal

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
    if not st.button("Make it", key="_report_make", type="primary", icon=":material/play_arrow:"):
        return
    progress = st.progress(0.0, "Starting")
    link = permanent_link(analysis, str(st.context.url or "").split("?")[0])
    try:
        made = _made(analysis, form, link, progress)
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


def _made(analysis, form, link, progress) -> bytes:
    if form == "Python and R scripts":
        progress.progress(0.3, "Writing data and numbers")
        return scripts_zip(analysis, link)
    report = report_of(
        analysis, link, lambda share, what: progress.progress(0.5 * share, f"Computing: {literal(what)}")
    )
    write = report_word if form == "Word document" else report_html
    return write(report, lambda share, what: progress.progress(0.5 + 0.5 * share, f"Drawing: {literal(what)}"))
