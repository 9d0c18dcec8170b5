"""The first two steps of the Data page: which files, how they were read, and what is open now."""

import hashlib

import streamlit as st

from core.intake.courses import propose_courses
from core.intake.limits import MAX_BYTES, MAX_CELLS, MAX_COLUMNS, MAX_ROWS
from core.intake.proposals import propose
from core.intake.redcap import from_redcap, is_data_dictionary
from core.intake.reuse import reused
from core.intake.tables import TextTable, is_workbook, read_table
from core.intake.text import ENCODINGS
from core.intake.workbook import sheet_names
from pages.components.intake_state import choose, forget, kept, said_in_words
from pages.components.literal import literal
from pages.components.source import asked_for_file, brought_registry, let_go

RECOGNISE = "Recognise"
ENDINGS = ["csv", "tsv", "txt", "xlsx", "xlsm"]
FIRST_ROWS = 5
LARGE_WORKBOOK = 1_000_000  # bytes; takes seconds
PARTS = ("patients", "courses", "dictionary")


def now_open() -> None:
    """What is asked for and not there, and what is open now."""
    if wanted := asked_for_file():
        st.warning(
            f"The view you came from needs {literal(wanted)}. Choose that file below; if it is the same, its name in the list of "
            "registries will be the same, and its page opens with the filters of the link.",
            icon=":material/upload_file:",
        )
    registry = brought_registry()
    if registry is not None:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Open now:** {literal(registry.name)}, {len(registry)} patients")
            st.button("Forget this file", key="_let_go", icon=":material/delete:", on_click=_forget, type="tertiary")


def _forget():
    forget()
    let_go()


def upload_panel() -> TextTable | None:
    """Step 1: the files. Returns the table of patients once it can be read."""
    st.subheader("1. Choose the file", anchor=False)
    patients = st.file_uploader(
        "Patients: CSV, TSV or Excel, one row per patient; or a REDCap export", type=ENDINGS, key="_file_patients"
    )
    st.caption(
        f"At most {MAX_BYTES // 1_000_000} MB, {MAX_ROWS:,} rows, {MAX_COLUMNS:,} columns and {MAX_CELLS / 1e6:g} million cells. "
        "Large workbooks take several times as long as the same table saved as CSV."
    )
    left, right = st.columns(2)
    courses = left.file_uploader(
        "Treatment courses, if recorded: one row per course", type=ENDINGS, key="_file_courses"
    )
    codebook = right.file_uploader(
        "Dictionary, if you have one: saved from here, written by hand, or REDCap's data dictionary",
        type=ENDINGS,
        key="_file_dictionary",
    )
    files = _files({"patients": patients, "courses": courses, "dictionary": codebook})
    if "patients" not in files:
        return None
    options = {}
    name, data, digest = files["patients"]
    with said_in_words():
        if is_workbook(name, data):
            sheets = _sheets(name, data, digest)
            if len(sheets) > 1:
                options["sheet"] = choose(
                    "Sheet with the patients",
                    sheets,
                    next(iter(sheets)),
                    f"sheet_{len(data)}",
                    format_func=lambda sheet: f"{sheet} (hidden)" if sheets[sheet] else sheet,
                )
        elif not data.startswith(b"PK"):
            said = choose("Characters", [RECOGNISE, *ENCODINGS], RECOGNISE, f"encoding_{len(data)}")
            options["encoding"] = None if said == RECOGNISE else said
        state = kept()
        token = _token(files, options)
        if state.get("token") != token:
            with st.spinner(_reading(name, data), show_time=True):
                read = _read(files, options)
            again = {key: state[key] for key in ("digests", "sheets", "sheets_of") if key in state}
            state.clear()
            state.update(files=files, token=token, choices={}, **again, **read)
        return state["table"]
    return None


def _files(given):
    """part -> (name, bytes, digest) of what is chosen now; of what was chosen before the reader left this page otherwise."""
    state = kept()
    known = state.setdefault("digests", {})
    files = {}
    for part, file in given.items():
        if file is None:
            continue
        if file.file_id not in known:
            known[file.file_id] = hashlib.sha256(file.getvalue()).hexdigest()
        files[part] = (file.name, file.getvalue(), known[file.file_id])
    return files or state.get("files", {})


def _sheets(name, data, digest):
    """The sheets of a workbook; looked up once, however often the page is drawn."""
    state = kept()
    if state.get("sheets_of") != digest:
        state.pop("sheets", None)
        state["sheets"] = sheet_names(data, name)
        state["sheets_of"] = digest
    return state["sheets"]


def _reading(name, data):
    size = f"{len(data) / 1e6:.1f} MB"
    if is_workbook(name, data) and len(data) > LARGE_WORKBOOK:
        return (
            f"Reading a workbook of {size}: about {2 * len(data) / 1e6:.0f} seconds. Saved as CSV it is read at once."
        )
    return f"Reading {size}"


def _token(files, options):
    said = [(part, name, digest) for part, (name, _, digest) in sorted(files.items())]
    return hashlib.sha256(repr((said, sorted(options.items()))).encode()).hexdigest()[:12]


def _read(files, options):
    """The tables and the proposed mapping of the chosen files."""
    (name, data, _), rest = files["patients"], {part: files[part][:2] for part in PARTS[1:] if part in files}
    table, courses, known = read_table(data, name, **options), None, None
    if "courses" in rest:
        courses = read_table(rest["courses"][1], rest["courses"][0])
    mapping = None
    if "dictionary" in rest:
        codebook = read_table(rest["dictionary"][1], rest["dictionary"][0])
        if is_data_dictionary(codebook):
            export = from_redcap(table, codebook)
            table, known = export.patients, export.known
            courses = courses or export.courses
        else:
            mapping = reused(table, codebook)
    mapping = mapping or propose(table, known)
    return {
        "table": table,
        "courses": courses,
        "proposed": mapping,
        "course_columns": propose_courses(courses) if courses is not None else None,
    }


def look_panel(table: TextTable) -> None:
    """Step 2: how the file was read, and its first rows without what tells who somebody is."""
    st.subheader("2. Look", anchor=False)
    proposed = kept()["proposed"]
    hidden = [c for c in proposed.columns if c.identifier]
    st.caption(
        f"{literal(table.name)}: {len(table):,} rows, {len(table.cells.columns):,} columns. Read as "
        f"{literal('; '.join(table.said))}."
    )
    for finding in table.findings:
        st.caption(f"{literal(finding.rule)}: {literal(finding.place)}, {finding.action}.")
    if hidden:
        listed = ", ".join(f"{literal(c.name)} ({c.identifier})" for c in hidden)
        st.warning(
            f"These columns seem to tell who somebody is: {listed}. They are not shown and not used. Better delete them from the "
            "file.",
            icon=":material/visibility_off:",
        )
    patient = proposed.roles.get("patient_id")
    shown = [name for name in table.cells.columns if name not in {c.name for c in hidden} and name != patient]
    first = table.cells[shown].head(FIRST_ROWS)
    first.insert(0, "Row", [str(row) for row in table.rows[:FIRST_ROWS]], allow_duplicates=True)
    seen = first.set_axis([f"c{i}" for i in range(first.shape[1])], axis="columns")
    config = {f"c{i}": st.column_config.TextColumn(str(name)) for i, name in enumerate(first.columns)}
    st.dataframe(seen, hide_index=True, column_config=config, width="stretch")
