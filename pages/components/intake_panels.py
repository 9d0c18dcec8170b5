"""The steps from a reader's file to a registry. Everything is kept in the state of the session, under one key."""

import hashlib
import logging
import secrets
import traceback
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from core.errors import RegistryError
from core.export.tables import Table, csv_bytes
from core.intake.courses import PARTS, CourseColumns, course_order, propose_courses
from core.intake.mapping import (
    CAUSES,
    KINDS,
    ROLES,
    STATES,
    Mapping,
    distinct,
    known_cells,
    plain_causes,
    plain_states,
    propose,
    questions,
    row_choices,
)
from core.intake.redcap import from_redcap, is_data_dictionary
from core.intake.reuse import reused
from core.intake.tables import TextTable, is_workbook, read_table
from core.intake.text import ENCODINGS
from core.intake.to_registry import dictionary_file, open_registry
from core.intake.values import COMMA, DATE_ORDERS, POINT, SERIAL
from core.intake.workbook import sheet_names
from core.registry.findings import findings_table
from pages.components.literal import literal
from pages.components.source import asked_for_file, bring, brought_registry, let_go
from pages.components.tables import text_table

NONE, CHOOSE, RECOGNISE = "(none)", "Choose …", "Recognise"
AT_START, LATER = "at the start", "later"
ENDINGS = ["csv", "tsv", "txt", "xlsx", "xlsm"]
FIRST_ROWS = 5
ALL_ROWS = "The first row of each patient"


def _kept() -> dict:
    return st.session_state.setdefault("_intake", {"choices": {}})


@contextmanager
def _said_in_words():
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


def _choose(label, options, default, name, **more):
    """A choice that is still there when the reader comes back to this page."""
    kept = _kept()
    key = f"_intake_{kept.get('token', '')}_{name}"
    options = list(options)
    before = kept["choices"].get(key, default)
    index = options.index(before) if before in options else options.index(default) if default in options else 0
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]
    chosen = st.selectbox(label, options, index, key=key, **more)
    kept["choices"][key] = chosen
    return chosen


def now_open() -> None:
    """What is asked for and not there, and what is open now."""
    if wanted := asked_for_file():
        st.warning(
            f"The view you came from needs {literal(wanted)}. Choose that file below; if it is the same, its name in the list of "
            "registries will be the same.",
            icon=":material/upload_file:",
        )
    registry = brought_registry()
    if registry is not None:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Open now:** {literal(registry.name)}, {len(registry)} patients")
            st.button("Forget this file", key="_let_go", icon=":material/delete:", on_click=_forget, type="tertiary")


def _forget():
    st.session_state.pop("_intake", None)
    let_go()


def upload_panel() -> TextTable | None:
    """Step 1: the files. Returns the table of patients once it can be read."""
    st.subheader("1. Choose the file", anchor=False)
    patients = st.file_uploader(
        "Patients: CSV, TSV or Excel, one row per patient; or a REDCap export", type=ENDINGS, key="_file_patients"
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
    kept = _kept()
    given = {"patients": patients, "courses": courses, "dictionary": codebook}
    files = {part: (file.name, file.getvalue()) for part, file in given.items() if file is not None}
    if not files:
        files = kept.get("files", {})
    if "patients" not in files:
        return None
    options = {}
    name, data = files["patients"]
    with _said_in_words():
        if is_workbook(name, data):
            sheets = sheet_names(data, name)
            if len(sheets) > 1:
                options["sheet"] = _choose(
                    "Sheet with the patients",
                    sheets,
                    next(iter(sheets)),
                    f"sheet_{len(data)}",
                    format_func=lambda sheet: f"{sheet} (hidden)" if sheets[sheet] else sheet,
                )
        elif not data.startswith(b"PK"):
            said = _choose("Characters", [RECOGNISE, *ENCODINGS], RECOGNISE, f"encoding_{len(data)}")
            options["encoding"] = None if said == RECOGNISE else said
        token = _token(files, options)
        if kept.get("token") != token:
            read = _read(files, options)
            kept.clear()
            kept.update(files=files, token=token, choices={}, **read)
        return kept["table"]
    return None


def _token(files, options):
    digest = hashlib.sha256(repr(sorted(options.items())).encode())
    for part, (name, data) in sorted(files.items()):
        digest.update(f"{part} {name} {len(data)} ".encode() + data)
    return digest.hexdigest()[:12]


def _read(files, options):
    """The tables and the proposed mapping of the chosen files."""
    name, data = files["patients"]
    table, courses, known = read_table(data, name, **options), None, None
    if "courses" in files:
        courses = read_table(files["courses"][1], files["courses"][0])
    mapping = None
    if "dictionary" in files:
        codebook = read_table(files["dictionary"][1], files["dictionary"][0])
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
    hidden = [c for c in _kept()["proposed"].columns if c.identifier]
    st.caption(
        f"{literal(table.name)}: {len(table):,} rows, {len(table.cells.columns):,} columns. Read as "
        f"{literal('; '.join(table.said))}."
    )
    for finding in table.findings:
        st.caption(f"{literal(finding.rule)}: {finding.place}, {finding.action}.")
    if hidden:
        listed = ", ".join(f"{literal(c.name)} ({c.identifier})" for c in hidden)
        st.warning(
            f"These columns seem to tell who somebody is: {listed}. They are not shown and not used. Better delete them from the "
            "file.",
            icon=":material/visibility_off:",
        )
    patient = _kept()["proposed"].roles.get("patient_id")
    shown = [name for name in table.cells.columns if name not in {c.name for c in hidden} and name != patient]
    first = table.cells[shown].head(FIRST_ROWS)
    first.insert(0, "Row", [str(row) for row in table.rows[:FIRST_ROWS]], allow_duplicates=True)
    seen = first.set_axis([f"c{i}" for i in range(first.shape[1])], axis="columns")
    config = {f"c{i}": st.column_config.TextColumn(str(name)) for i, name in enumerate(first.columns)}
    st.dataframe(seen, hide_index=True, column_config=config, width="stretch")


def follow_up_panel(table: TextTable) -> Mapping:
    """Step 3: which columns carry patients and follow-up, and what their codes mean."""
    st.subheader("3. Say which columns carry the follow-up", anchor=False)
    st.caption(
        "Either the length of follow-up with a status at its end, or the dates of its start and of the last contact with the date "
        "of the event or a status. Leave the others at (none). CalciScope calls the event death, whatever it is in your file."
    )
    proposed = _kept()["proposed"]
    names = list(table.cells.columns)
    roles = {}
    places = st.columns(3)
    for i, (role, (words, _, _)) in enumerate(ROLES.items()):
        with places[i % 3]:
            chosen = _choose(words, [NONE, *names], proposed.roles.get(role, NONE), f"role_{role}")
            if chosen != NONE:
                roles[role] = chosen
                st.caption(literal(_first(proposed, chosen)))
    mapping = replace(proposed, roles=roles)
    if mapping.decimal is None:
        said = _choose(
            "Numbers such as 1,234 mean", [CHOOSE, "1.234 (decimal comma)", "1234 (thousands)"], CHOOSE, "decimal"
        )
        mapping = replace(mapping, decimal={"1.234 (decimal comma)": COMMA, "1234 (thousands)": POINT}.get(said))
    if "time" in roles:
        unit = _choose(
            f"Unit of {roles['time']}",
            [CHOOSE, "days", "months", "years"],
            mapping.time_unit or CHOOSE,
            f"unit_{roles['time']}",
        )
        mapping = replace(mapping, time_unit="" if unit == CHOOSE else unit)
    if "status" in roles:
        mapping = replace(mapping, states=_codes(mapping, "status", STATES, plain_states))
    if "cause" in roles:
        mapping = replace(mapping, causes=_codes(mapping, "cause", CAUSES, plain_causes))
    mapping = _orders(mapping)
    return _rows_to_keep(mapping, table)


def _first(mapping, name):
    column = mapping.column(name)
    if column.identifier:
        return f"not shown: {column.identifier}"
    if name == mapping.roles.get("patient_id"):
        return "not shown: patients are called by their row"
    return "such as " + ", ".join(value[:30] for value in column.first)


def _codes(mapping, role, meanings, plain):
    """The meaning of every code; only what is plain is proposed."""
    column = mapping.column(mapping.roles[role])
    before = (mapping.states if role == "status" else mapping.causes) if role in _kept()["proposed"].roles else {}
    proposed = before if column.name == _kept()["proposed"].roles.get(role) else plain(column)
    if not column.levels:
        return {}
    means = {}
    st.markdown(f"What the codes of **{literal(column.name)}** mean")
    places = st.columns(min(4, len(column.levels)))
    back = {words: meaning for meaning, words in meanings.items()}
    for i, (value, label) in enumerate(column.levels):
        with places[i % len(places)]:
            shown = value if value == label else f"{value}: {label}"
            default = meanings.get(proposed.get(value), CHOOSE)
            said = _choose(literal(shown), [CHOOSE, *back], default, f"{role}_{column.name}_{i}")
            if said != CHOOSE:
                means[value] = back[said]
    return means


def _orders(mapping):
    """The order of day and month wherever it has to be asked."""
    asked = [q for q in questions(mapping, _kept()["table"]) if q.kind == "order"]
    ambiguous = [c for c in mapping.columns if any(q.about == c.name for q in asked)]
    changes = {}
    for column in ambiguous:
        serial = column.kind != "date"
        orders = [SERIAL] if serial else [order for order in DATE_ORDERS if order != SERIAL]
        said = _choose(f"Dates in {literal(column.name)}", [CHOOSE, *orders], CHOOSE, f"order_{column.name}")
        if said != CHOOSE:
            changes[column.name] = {"order": said}
    return mapping.with_columns(**changes) if changes else mapping


def _rows_to_keep(mapping, table):
    if not any(q.kind == "rows" for q in questions(mapping, table)):
        return mapping
    choices = {f"Rows in which {column} is {value}": (column, value) for column, value in row_choices(mapping, table)}
    said = _choose("Some patients stand in more than one row. Keep", [CHOOSE, *choices, ALL_ROWS], CHOOSE, "rows")
    if said == CHOOSE:
        return mapping
    return replace(mapping, only=choices.get(said, ("", "")))


def variables_panel(table: TextTable, mapping: Mapping) -> Mapping:
    """Step 4: every other column: used or not, its name on the screen, its kind, its unit."""
    st.subheader("4. Say what the other columns are", anchor=False)
    st.caption("Change a name, a kind or a unit where the proposal is wrong; take out what should not be used.")
    kept = _kept()
    others = [c for c in mapping.columns if c.name not in mapping.roles.values()]
    key = f"_intake_{kept['token']}_columns_{hash(tuple(c.name for c in others))}"
    if key not in st.session_state:
        kept["base"] = _merged(pd.DataFrame([_line(c) for c in others]), kept.get("edited"))
    if others:
        edited = st.data_editor(
            kept["base"],
            key=key,
            hide_index=True,
            width="stretch",
            disabled=["Column", "First values", "Note"],
            column_config={
                "Kind": st.column_config.SelectboxColumn(options=list(KINDS), required=True),
                "Known": st.column_config.SelectboxColumn(options=[AT_START, LATER], required=True),
                "Name on screen": st.column_config.TextColumn(required=True, max_chars=100),
            },
        )
        kept["edited"] = edited
        changes = {}
        for row in edited.to_dict("records"):
            changes[row["Column"]] = _as_changes(mapping.column(row["Column"]), row)
        mapping = mapping.with_columns(**changes)
    mapping = _levels(mapping, table)
    return _units(mapping)


def _line(column):
    return {
        "Use": column.use,
        "Column": column.name,
        "First values": f"not shown: {column.identifier}"
        if column.identifier
        else ", ".join(v[:20] for v in column.first),
        "Name on screen": column.label,
        "Kind": column.kind,
        "Unit": column.unit,
        "Known": AT_START if column.timing == "baseline" else LATER,
        "Note": column.said or (f"{column.n_missing} not recorded" if column.n_missing else ""),
    }


def _merged(frame, edited):
    if edited is None or frame.empty:
        return frame
    before = edited.set_index("Column")
    for i, name in enumerate(frame["Column"]):
        if name in before.index:
            frame.loc[i, list(before.columns)] = before.loc[name]
    return frame


def _as_changes(column, row):
    kind = row["Kind"]
    changes = {
        "use": bool(row["Use"]),
        "label": str(row["Name on screen"] or column.name),
        "unit": str(row["Unit"] or ""),
        "timing": "baseline" if row["Known"] == AT_START else "post-baseline",
        "kind": kind,
    }
    if kind in ("binary", "nominal", "ordinal") and not column.levels:
        changes["levels"] = _values_of(column.name)
    return changes


def _values_of(name):
    return tuple((value, value) for value in distinct(known_cells(_kept()["table"].cells[name]))[:50])


def _levels(mapping, table):
    """Names of levels, where codes stand in the file."""
    rows = [
        {"Column": c.name, "Value": value, "Name on screen": label}
        for c in mapping.columns
        if c.use and c.levels and not c.identifier
        for value, label in c.levels
    ]
    if not rows:
        return mapping
    kept = _kept()
    with st.expander("Names of levels"):
        frame = pd.DataFrame(rows)
        key = f"_intake_{kept['token']}_levels_{hash(tuple(frame['Column'] + frame['Value']))}"
        if kept.get("levels_key") != key or key not in st.session_state:
            kept["levels_base"], kept["levels_key"] = frame, key
        edited = st.data_editor(
            kept["levels_base"], key=key, hide_index=True, width="stretch", disabled=["Column", "Value"]
        )
    changes = {}
    for name, part in edited.groupby("Column", sort=False):
        changes[name] = {
            "levels": tuple(zip(part["Value"], part["Name on screen"].fillna("").astype(str), strict=True))
        }
    return mapping.with_columns(**changes)


def _units(mapping):
    """Numbers that seem to be in another unit than usual: converted with one click, or kept."""
    changes = {}
    for column in mapping.columns:
        trap = column.trap
        if trap is None or not column.use or column.kind not in ("continuous", "count"):
            continue
        keep, convert = f"Keep {trap.found}", f"Convert to {trap.expected} (times {trap.factor:g})"
        said = _choose(
            f"{literal(column.label)} seems to be in {trap.found}; {trap.expected} is usual here",
            [keep, convert],
            keep,
            f"trap_{column.name}",
        )
        if said == convert:
            changes[column.name] = {"factor": trap.factor, "unit": trap.expected}
        else:
            changes[column.name] = {"unit": column.unit or trap.found}
    return mapping.with_columns(**changes) if changes else mapping


def _course_columns(courses: TextTable) -> CourseColumns:
    proposed = _kept()["course_columns"]
    names = list(courses.cells.columns)
    found = {}
    places = st.columns(len(PARTS))
    for place, (part, (words, _)) in zip(places, PARTS.items(), strict=True):
        with place:
            said = _choose(words, [NONE, *names], proposed.columns.get(part, NONE), f"course_{part}")
            if said != NONE:
                found[part] = said
    order = course_order(courses, found)
    if not order:
        said = _choose("Dates of the courses", [CHOOSE, *DATE_ORDERS[:3]], CHOOSE, "course_order")
        order = "" if said == CHOOSE else said
    return CourseColumns(found, order)


def check_panel(table: TextTable, mapping: Mapping) -> None:
    """Step 5: what is still open, what the checks found, and the button that opens the registry."""
    st.subheader("5. Check and open", anchor=False)
    courses, course_columns = _kept().get("courses"), None
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
    with _said_in_words():
        registry = open_registry(table, mapping, courses, course_columns)
        n_event = int((registry.follow_up["state"] == "death").sum())
        st.markdown(
            f"**{registry.n_read:,} rows read, {len(registry):,} patients kept, {registry.n_excluded:,} rows excluded. "
            f"{n_event:,} events.**"
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
        st.switch_page("pages/overview.py", query_params={})  # bound parameters stay


def _open(registry):
    bring(registry)
    st.session_state["_opened"] = True


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
