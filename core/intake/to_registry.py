"""From a table and a confirmed mapping to a checked registry, and to a dictionary file that opens it again.

kept + excluded = read, and every row keeps the number that it has in the reader's file.
"""

import datetime as dt
import re
from dataclasses import replace

import numpy as np
import pandas as pd

from core.errors import RegistryError
from core.intake.conversion import RESERVED_LABELS, converted, safe_code
from core.intake.courses import CourseColumns
from core.intake.mapping import Mapping, known_cells
from core.intake.questions import questions
from core.intake.stand_ins import AS_LIMIT, is_beyond_limit, limit_of, without_codes
from core.intake.tables import TextTable
from core.intake.values import POINT, numbers
from core.registry.dictionary import COLUMNS
from core.registry.findings import Finding
from core.registry.reading import COURSES, PATIENTS, build_registry
from core.registry.registry import Registry

PATIENT, FOLLOW_UP, STATUS = "patient_row", "follow_up_days", "end_of_follow_up"
MEANS = {
    "start": "diagnosis_date",
    "last_contact": "last_contact_date",
    "event_date": "death_date",
    "time": "follow_up_time",
    "status": "status",
    "cause": "cause_of_death",
    "onset": "onset_date",
    "resolution": "resolution_date",
}
# what a dictionary that is saved from here says besides: where each variable comes from, and what was answered
INTAKE_COLUMNS = ("column", "part", "read_as", "factor", "rows", "missing", "genuine", "beyond", "event", "competing")
FIRST_ROWS_ONLY = "first of each patient"
DEFAULT_ROLE = {"start": "clinical", "onset": "clinical"}


def open_registry(
    table: TextTable, mapping: Mapping, courses: TextTable | None = None, course_columns: CourseColumns | None = None
) -> Registry:
    """The registry that a table means under a mapping without open questions.

    Patients are named by their row of the file, never by the identifier that stands there. Raises RegistryError with place
    and cure; neither it nor the findings hold a cell of the table.
    """
    opened = questions(mapping, table)
    if opened:
        raise RegistryError(opened[0].text)
    cells = _cells(table, mapping)
    findings = list(table.findings)
    keep = np.ones(len(table), dtype=bool)
    if mapping.only and mapping.only[0]:
        column, value = mapping.only
        others = (cells[column] != value).to_numpy()
        keep &= ~others
        if others.any():
            findings.append(
                Finding("Not among the rows that were chosen", table.name, column, _at(table, others), "excluded")
            )
    _report_what_is_no_value(table, cells, mapping, keep, findings)
    patients, dictionary = _tables(table, cells, mapping, keep, findings)
    _report_the_future(table, mapping, patients, dictionary, keep, findings)
    rows = np.asarray(table.rows)[keep]
    if not keep.any():
        raise RegistryError(f"{table.name}: no row is left. Choose other rows.")
    patients = patients[keep].reset_index(drop=True)
    text_courses = None
    if courses is not None and course_columns is not None:
        text_courses = course_columns.converted(courses, _pseudonyms(table, cells, mapping), mapping.decimal or POINT)
        if "start" not in mapping.roles:
            raise RegistryError("Courses need the date on which each patient's follow-up starts. Choose its column.")
    registry = build_registry(_title(table.name), dictionary, patients, text_courses)
    findings += [_in_the_file(f, table, rows, courses) for f in registry.findings]
    findings += list(courses.findings) if courses is not None else []
    if not len(registry):
        reasons = "; ".join(f"{f.rule} ({f.n_rows} rows)" for f in findings if f.action == "excluded")
        raise RegistryError(f"{table.name}: no patient could be kept. {reasons}.")
    follow_up = registry.follow_up.assign(file_row=rows[registry.follow_up["file_row"].to_numpy() - 2])
    slug = f"u{registry.fingerprint[:8]}"
    return replace(
        registry,
        slug=slug,
        follow_up=follow_up,
        findings=tuple(findings),
        n_read=len(table) + table.n_left_out,
        is_upload=True,
    )


def dictionary_file(table: TextTable, mapping: Mapping) -> pd.DataFrame:
    """The dictionary of the registry in the format of data/sample/README.md, with more columns (INTAKE_COLUMNS) that
    say how the reader's file becomes it. ``core.intake.reuse`` reads it back."""
    cells = _cells(table, mapping)
    _, dictionary = _tables(table, cells, mapping, np.ones(len(table), dtype=bool), [])
    return dictionary


def _title(name):
    return re.sub(r"\.[A-Za-z]{2,5}$", "", name) or name


def _at(table, mask):
    return tuple(int(row) for row in np.asarray(table.rows)[np.asarray(mask)])


def _in_the_file(finding, table, rows, courses):
    if finding.file == COURSES and courses is not None:
        return replace(finding, file=courses.name, rows=tuple(courses.rows[row - 2] for row in finding.rows),
                       rule=finding.rule.replace(PATIENTS, table.name))  # fmt: skip
    if finding.file == PATIENTS:
        return replace(finding, file=table.name, rows=tuple(int(rows[row - 2]) for row in finding.rows))
    return finding


def _cells(table, mapping):
    """The cells of every column, '' where nothing is recorded, whatever stands there for that."""
    found = {}
    for column in mapping.columns:
        cells = known_cells(table.cells[column.name])
        if column.missing:
            cells = without_codes(cells, numbers(cells, mapping.decimal or POINT), column.missing)
        if column.beyond == AS_LIMIT:
            cells = cells.map({cell: limit_of(cell) for cell in cells.unique()})
        elif column.beyond:
            cells = cells.map({cell: "" if is_beyond_limit(cell) else cell for cell in cells.unique()})
        found[column.name] = cells
    return found


def _report_what_is_no_value(table, cells, mapping, keep, findings):
    for column in mapping.columns:
        if not column.use and column.name not in mapping.roles.values():
            continue
        before = table.cells[column.name]
        known = known_cells(before)
        beyond = known.map({cell: is_beyond_limit(cell) for cell in known.unique()}) & bool(column.beyond)
        coded = (known != "") & (cells[column.name] == "") & ~beyond
        codes = ", ".join(f"{code:g}" for code in column.missing)
        limit = column.beyond == AS_LIMIT
        for mask, rule, action in (
            ((before != "") & (known == ""), "Read as not recorded (NA, -, ? and the like)", "set to missing"),
            (coded, f"Stands for not recorded: {codes}", "set to missing"),
            (beyond, "Beyond what can be measured (<0.5): the limit itself" if limit else
             "Beyond what can be measured (<0.5)", "kept" if limit else "set to missing"),
        ):  # fmt: skip
            rows = mask.to_numpy(dtype=bool) & keep
            if rows.any():
                findings.append(Finding(rule, table.name, column.name, _at(table, rows), action))


def _report_the_future(table, mapping, patients, dictionary, keep, findings):
    today = dt.date.today().isoformat()
    for row in dictionary.to_dict("records"):
        if row["kind"] == "date":
            later = patients[row["name"]].str.fullmatch(r"\d{4}-\d\d-\d\d") & (patients[row["name"]] > today)
            rows = later.to_numpy(dtype=bool) & keep
            if rows.any():
                findings.append(Finding("Lies in the future", table.name, row["column"], _at(table, rows), "kept"))


def _pseudonyms(table, cells, mapping):
    """identifier in the file -> "Row 17", the first row in which it stands."""
    if "patient_id" not in mapping.roles:
        return {}
    found = {}
    for identifier, row in zip(cells[mapping.roles["patient_id"]], table.rows, strict=True):
        if identifier:
            found.setdefault(identifier, f"Row {row}")
    return found


def _tables(table, cells, mapping, keep, findings):
    """The patients table and the dictionary that core.registry reads."""
    roles = mapping.roles
    names = _internal_names(mapping)
    out, rows = {}, []
    if "patient_id" in roles:
        pseudonym = _pseudonyms(table, cells, mapping)
        out[PATIENT] = cells[roles["patient_id"]].map(lambda identifier: pseudonym.get(identifier, ""))
    else:
        out[PATIENT] = pd.Series([f"Row {row}" for row in table.rows], dtype=object)
    rows.append(
        dict(
            name=PATIENT, label="Patient", kind="text", role="identifier", means="patient_id", column=roles.get("patient_id", ""),
            rows=_rows_said(mapping), event=mapping.event, competing=mapping.competing, description="The row of the patient in the file.",
        )
    )  # fmt: skip
    by_status = "time" not in roles and ("status" in roles or mapping.event != "death")
    part_of = {column: role for role, column in roles.items()}
    labels = _labels(mapping)
    for column in mapping.columns:
        role = part_of.get(column.name)
        if role == "patient_id" or (role is None and (not column.use or column.kind == "text")):
            continue
        name = names[column.name]
        means = MEANS.get(role, "")
        if by_status and role in ("last_contact", "event_date"):
            means = ""  # used for the length of follow-up below
        if by_status and role == "status":
            means = "status"
        if role in ("last_contact", "event_date", "start", "onset", "resolution"):
            kind = "date"
        elif role == "time":
            kind = "continuous"
        else:
            kind = column.kind
        if role in ("status", "cause"):
            meaning = mapping.states if role == "status" else mapping.causes
            column = replace(column, levels=tuple(level for level in column.levels if meaning[level[0]] != "missing"))
            if role == "status":
                column = replace(column, levels=_named_states(column.levels, mapping))
        values, row = converted(column, kind, cells[column.name], mapping)
        if role in ("status", "cause"):
            row["level_means"] = "|".join(f"{safe_code(v)}={meaning[v]}" for v, _ in column.levels)
            row["kind"] = "nominal"
        row |= dict(
            name=name,
            label=labels[column.name],
            role="outcome" if role and role not in DEFAULT_ROLE else row.get("role") or "clinical",
            timing="post-baseline" if role and role not in DEFAULT_ROLE else column.timing,
            dated_by=names.get(column.dated_by, "") if column.dated_by else "",
            means=means,
            column=column.name,
            part=role or "",
        )
        if role == "time":
            row["unit"] = mapping.time_unit
            row |= dict.fromkeys(("hard_min", "hard_max", "soft_min", "soft_max"), "")
        out[name] = values
        rows.append(row)
    if by_status:
        if "status" not in roles:
            happened = cells[roles["event_date"]] != ""
            out[STATUS] = happened.map({True: "1", False: "0"})
            rows.append(
                dict(
                    name=STATUS, label="End of follow-up", kind="nominal", role="outcome", timing="post-baseline", means="status",
                    levels=f"0=No event|1={_capital(mapping.event)}", level_means="0=alive|1=death",
                )
            )  # fmt: skip
        out[FOLLOW_UP] = _days_between(table, cells, mapping, out, names, keep, findings)
        rows.append(
            dict(
                name=FOLLOW_UP, label="Days of follow-up", kind="continuous", unit="days", role="outcome", timing="post-baseline",
                means="follow_up_time", step="30", description="From the start to the event, or to the last contact.",
            )
        )  # fmt: skip
    dictionary = pd.DataFrame(rows, columns=[*COLUMNS, *INTAKE_COLUMNS]).fillna("").astype(str)
    return pd.DataFrame(out), dictionary


def _rows_said(mapping):
    if mapping.only is None:
        return ""
    return "=".join(map(safe_code, mapping.only)) if mapping.only[0] else FIRST_ROWS_ONLY


def _named_states(levels, mapping):
    """The levels of a status: the event and what competes by the names that the reader gave them."""
    named = []
    for value, label in levels:
        meaning = mapping.states[value]
        name = _capital({"death": mapping.event, "competing": mapping.competing}.get(meaning, ""))
        alone = sum(mapping.states[v] == meaning for v, _ in levels) == 1
        if meaning == "alive":
            named.append((value, "No event" if label == value else label))
        else:
            named.append((value, name if alone else f"{name}: {label}"))
    return tuple(named)


def _capital(name):
    return name[:1].upper() + name[1:]


def _internal_names(mapping):
    taken = {PATIENT, FOLLOW_UP, STATUS, "courses"}
    names = {}
    for i, column in enumerate(mapping.columns):
        name = str(column.dictionary.get("name") or column.name)
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name) or name in taken:
            name = f"column_{i + 1}"
        while name in taken:
            name += "_"
        taken.add(name)
        names[column.name] = name
    return names


def _labels(mapping):
    """Labels, each once, and none with a meaning of its own on the screen."""
    taken, labels = {"patient", "days of follow-up"}, {}
    for column in mapping.columns:
        label = column.label.strip() or column.name
        if label.casefold() in taken or label.casefold() in RESERVED_LABELS:
            label = f"{label} ({column.name})" if label != column.name else f"{label} (column)"
        while label.casefold() in taken:
            label += "′"
        taken.add(label.casefold())
        labels[column.name] = label
    return labels


def _days_between(table, cells, mapping, out, names, keep, findings):
    """Days from the start to the event's date where there was one, otherwise to the last contact; text."""
    roles = mapping.roles
    start = _as_dates(out[names[roles["start"]]])
    last = _as_dates(out[names[roles["last_contact"]]])
    if "status" in roles:
        column = mapping.column(roles["status"])
        meaning = {value.casefold(): mapping.states[value] for value, _ in column.levels}
        state = cells[roles["status"]].map(lambda cell: meaning.get(cell.casefold(), ""))
    else:
        state = (cells[roles["event_date"]] != "").map({True: "death", False: "alive"})
    end = last
    if "event_date" in roles:
        happened_on = _as_dates(out[names[roles["event_date"]]])
        undated = ((state == "death") & happened_on.isna()).to_numpy() & keep
        if undated.any():
            findings.append(
                Finding("Event without a date", table.name, roles["event_date"], _at(table, undated), "excluded")
            )
        end = happened_on.where((state == "death"), last)
        contradicts = (state.isin(["alive"]) & happened_on.notna()).to_numpy() & keep
        if contradicts.any():
            findings.append(
                Finding("Has the date of an event, but the status says none happened", table.name, roles["event_date"],
                        _at(table, contradicts), "kept")
            )  # fmt: skip
    days = (end - start).dt.days
    return days.map(lambda value: "" if pd.isna(value) else str(int(value)))


def _as_dates(text):
    return pd.to_datetime(text.where(text != ""), format="%Y-%m-%d", errors="coerce")
