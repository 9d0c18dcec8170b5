"""The last step of the Data page: what is still open, what the checks found, and the button that opens the registry."""

import secrets

import streamlit as st

from core.export.tables import Table, csv_bytes
from core.intake.courses import PARTS, CourseColumns, course_order
from core.intake.mapping import Mapping
from core.intake.questions import questions
from core.intake.tables import TextTable
from core.intake.to_registry import dictionary_file, open_registry
from core.intake.values import DATE_ORDERS
from core.registry import Registry
from core.registry.findings import findings_table
from core.view import RESERVED, SOURCE_KEY, source_name
from pages.components.entry import PAGES, asked_for, asked_page
from pages.components.intake_state import CHOOSE, NONE, choose, kept, said_in_words
from pages.components.literal import literal
from pages.components.source import asked_for_file, bring, bring_what_was_asked, is_the_file
from pages.components.tables import text_table


def check_panel(table: TextTable, mapping: Mapping) -> None:
    """Questions while there are any; otherwise the report, the downloads and the button."""
    st.subheader("5. Check and open", anchor=False)
    courses, course_columns = kept().get("courses"), None
    if courses is not None:
        st.caption(f"Courses: {literal(courses.name)}, {len(courses):,} rows.")
        course_columns = _course_columns(courses)
    left = [question.text for question in questions(mapping, table)]
    if course_columns is not None and course_columns.lacking:
        left.append(f"The table of courses lacks: {', '.join(course_columns.lacking)}. Choose the columns.")
    elif course_columns is not None and not course_columns.order:
        left.append("In the table of courses day and month could be exchanged. Which comes first?")
    if left:
        with st.container(border=True, key="intake_questions"):
            st.markdown(":material/help: **Only you know this**")
            for text in left:
                st.markdown(f"- {literal(text)}")
        return
    with said_in_words():
        registry = _checked(table, mapping, courses, course_columns)
        n_event = int((registry.follow_up["state"] == "death").sum())
        st.markdown(
            f"**{registry.n_read:,} rows read, {len(registry):,} patients kept, {registry.n_excluded:,} rows excluded. "
            f"{n_event:,} with the event ({literal(mapping.event)}).**"
        )
        wanted = asked_for_file()
        if wanted and not _is_asked_for(registry):
            st.warning(
                f"The link needs {literal(wanted)}; this is {literal(source_name(registry))}: another file, or the same with other "
                "answers. It can be opened, but the link's numbers are not those of this registry.",
                icon=":material/link_off:",
            )
        _report(registry)
        with st.container(horizontal=True):
            st.button(
                "Open this registry",
                type="primary",
                icon=":material/open_in_browser:",
                key="_open",
                on_click=_open,
                args=(registry,),
            )
            _hand_out(registry, table, mapping)
    if st.session_state.pop("_opened", False):
        _go(registry)


def _checked(table, mapping, courses, course_columns) -> Registry:
    """The registry of these answers; made once, however often the page is drawn."""
    state = kept()
    asked = (mapping, course_columns)
    if state.get("answers") != asked or "registry" not in state:
        state.pop("registry", None)
        with st.spinner("Checking", show_time=True):
            state["registry"] = open_registry(table, mapping, courses, course_columns)
        state["answers"] = asked
    return state["registry"]


def _open(registry):
    # The control of the source has been drawn when the page runs on, and cannot be set any more.
    if not _is_asked_for(registry):
        bring(registry)
    st.session_state["_opened"] = True


def _go(registry):
    """Opens the Overview, or the page and the filters of the link that asked for this file.

    The sidebar has not been drawn for the file of a link yet: its controls take their values from the address.
    """
    page, query = "overview", {}
    if _is_asked_for(registry):
        bring_what_was_asked(registry)
        page = asked_page()
        query = {key: texts for key, texts in asked_for().items() if key not in (*RESERVED, SOURCE_KEY)}
    files = {path: file for file, _, _, path in PAGES if path != "data"}
    st.switch_page(files.get(page, files["overview"]), query_params=query)  # bound parameters stay


def _is_asked_for(registry):
    return is_the_file(registry, asked_for_file())


def _course_columns(courses: TextTable) -> CourseColumns:
    proposed = kept()["course_columns"]
    names = list(courses.cells.columns)
    found = {}
    places = st.columns(len(PARTS))
    for place, (part, (words, _)) in zip(places, PARTS.items(), strict=True):
        with place:
            said = choose(words, [NONE, *names], proposed.columns.get(part, NONE), f"course_{part}")
            if said != NONE:
                found[part] = said
    order = course_order(courses, found)
    if not order:
        said = choose("Dates of the courses", [CHOOSE, *DATE_ORDERS[:3]], CHOOSE, "course_order")
        order = "" if said == CHOOSE else said
    return CourseColumns(found, order)


def _report(registry):
    if not registry.findings:
        st.caption("The checks found nothing to report.")
        return
    text_table(
        findings_table(registry.findings).itertuples(index=False, name=None),
        ("Rule", "File", "Column", "Rows affected", "Where", "What was done"),
    )


def _hand_out(registry, table, mapping):
    """The report with every row number, and the dictionary; names of files that nobody can guess."""
    caption = f"{registry.n_read} rows read, {len(registry)} kept, {registry.n_excluded} excluded."
    frame = findings_table(registry.findings)
    ordered = sorted(registry.findings, key=lambda f: ["excluded", "set to missing", "ignored", "kept"].index(f.action))
    frame["rows"] = [" ".join(map(str, finding.rows)) for finding in ordered]
    token = secrets.token_hex(4)
    st.download_button(
        "Report of the checks",
        data=lambda: csv_bytes(Table("Checks", frame, caption)),
        file_name=f"calciscope_checks_{token}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="_download_checks",
    )
    st.download_button(
        "Dictionary",
        data=lambda: dictionary_file(table, mapping).to_csv(index=False).encode("utf-8-sig"),
        file_name=f"calciscope_dictionary_{token}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="_download_dictionary",
        help="Everything said above; choose it in step 1 next time.",
    )
