"""From a folder of three files to a checked registry. kept + excluded = read, always."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.conventions import DAYS_PER_MONTH
from core.errors import RegistryError
from core.registry.cells import Cells, cells_of, read_csv, read_parquet
from core.registry.courses import COURSES, first_rows, kept_courses, read_courses
from core.registry.derived import derive
from core.registry.dictionary import read_dictionary
from core.registry.findings import Finding, file_rows
from core.registry.registry import Registry

PATIENTS, DICTIONARY = "patients.csv", "dictionary.csv"
PARQUET = "patients.parquet"  # in place of patients.csv
DAYS_PER = {"days": 1.0, "months": DAYS_PER_MONTH, "years": 365.25}


def read_registry(folder: str | Path) -> Registry:
    """The registry in a folder with dictionary.csv, patients.csv (or patients.parquet) and, where courses are recorded,
    sts_courses.csv.

    Format: data/sample/README.md. Raises RegistryError with what is wrong, where, and what to do.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RegistryError(f"There is no folder {folder.name!r} to read a registry from. Check the path.")
    file = _patients_file(folder)
    missing = [name for name in (DICTIONARY, file) if not (folder / name).is_file()]
    if missing:
        raise RegistryError(f"The folder {folder.name!r} lacks {' and '.join(missing)}.")
    courses = read_csv(folder / COURSES) if (folder / COURSES).is_file() else None
    patients = read_parquet(folder / file) if file == PARQUET else read_csv(folder / file)
    registry = build_registry(folder.name, read_csv(folder / DICTIONARY), patients, courses)
    if file == PATIENTS:
        return registry
    findings = tuple(replace(f, file=file) if f.file == PATIENTS else f for f in registry.findings)
    return replace(registry, findings=findings)


def build_registry(
    name: str,
    dictionary: pd.DataFrame | Cells,
    patients: pd.DataFrame | Cells,
    courses: pd.DataFrame | Cells | None,
) -> Registry:
    """The registry from its tables of text cells ('' where empty)."""
    dictionary, patients, courses = (
        cells_of(table) if isinstance(table, pd.DataFrame) else table for table in (dictionary, patients, courses)
    )
    fingerprint = _fingerprint(dictionary, patients, courses)
    variables = read_dictionary(dictionary.frame())
    if not len(patients):
        raise RegistryError(f"{PATIENTS} has a header but no patient.")
    findings: list[Finding] = []
    cells = _cells(patients, variables, findings)
    typed = _typed(cells, variables, findings)
    follow_up, keep = _follow_up(typed, variables, findings)
    course_rows = read_courses(courses, typed, follow_up, variables, findings)
    n_courses = None
    if course_rows is not None:
        n_courses = np.bincount(course_rows["row"].to_numpy(), minlength=len(typed))
    for variable in variables:
        if variable.derived:
            typed[variable.name] = derive(variable, typed, n_courses, variables)
    order = np.flatnonzero(keep)
    order = order[np.argsort(follow_up["days"].to_numpy()[order], kind="stable")]
    follow_up = _in_order(follow_up, order, list(follow_up.columns))
    kept = _in_order(typed, order, [variable.name for variable in variables])
    days_to = _days_to(kept, variables)
    source = _source(kept, variables)
    return Registry(
        name=source or name,
        slug=re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "registry",
        source=source,
        dictionary=variables,
        patients=kept,
        follow_up=follow_up,
        days_to=days_to,
        courses=kept_courses(course_rows, order, len(keep)),
        n_read=len(patients),
        findings=tuple(findings),
        fingerprint=fingerprint,
        cut_off=_cut_off(kept, variables),
    )


def _patients_file(folder: Path) -> str:
    """Which of the two ways of writing patients is there. Raises RegistryError where both are."""
    found = [name for name in (PATIENTS, PARQUET) if (folder / name).is_file()]
    if len(found) > 1:
        raise RegistryError(f"The folder {folder.name!r} has both {PATIENTS} and {PARQUET}. Keep one of them.")
    return found[0] if found else PATIENTS


def _fingerprint(*tables: Cells | None) -> str:
    """SHA-256 of the cells, whatever the line ends or the byte order mark of the files."""
    digest = hashlib.sha256()
    for table in tables:
        for name, column in table.columns.items() if table is not None else ():
            digest.update(name.encode() + b"\x1d")
            for part in column.joined("\x1f"):
                digest.update(part)
            digest.update(b"\x1e")
        digest.update(b"\x1c")
    return digest.hexdigest()


def _in_order(frame, order, columns) -> pd.DataFrame:
    """Some rows of a frame, which is taken apart column by column, so that it is never held twice."""
    return pd.DataFrame({name: frame.pop(name).values.take(order) for name in columns}, copy=False)


def _cells(patients, variables, findings):
    """The file's cells, one column per recorded variable of the dictionary; what is only in one of the two is named."""
    recorded = [v for v in variables if not v.derived]
    required = [v.name for v in recorded if v.means and v.name not in patients.columns]
    if required:
        raise RegistryError(
            f"{PATIENTS} lacks {', '.join(map(repr, required))}, which the dictionary says the analysis rests on; it has "
            f"{', '.join(map(repr, list(patients.columns)[:12]))}{' …' if len(patients.columns) > 12 else ''}."
        )
    for column in patients.columns:
        if column not in variables:
            findings.append(Finding("Column is not in the dictionary", PATIENTS, column, (), "ignored"))
    for variable in recorded:
        if variable.name not in patients.columns:
            findings.append(
                Finding("Variable of the dictionary has no column: no values", PATIENTS, variable.name, (), "ignored")
            )
    return {
        v.name: patients[v.name].stripped() if v.name in patients.columns else patients.empty_column() for v in recorded
    }


def _typed(cells, variables, findings):
    typed = {}
    for variable in variables:
        if variable.derived:
            continue
        column = cells[variable.name]
        if variable.kind == "date":
            typed[variable.name] = _dates(column, variable, findings)
        elif variable.is_numeric:
            typed[variable.name] = _numbers(column, variable, findings)
        elif variable.is_categorical:
            typed[variable.name] = _categories(column, variable, findings)
        else:
            typed[variable.name] = column.each(column.texts)
    return pd.DataFrame(typed, copy=False)


def _report(found, rule, column, variable, action, findings) -> None:
    """``found`` says of every different text of a column whether it breaks the rule."""
    if found.any():
        rows = file_rows(column.each(found))
        if rows:
            findings.append(Finding(rule, PATIENTS, variable.label, rows, action))


def _dates(column, variable, findings):
    dates = column.dates
    bad = (column.texts != "") & np.isnat(dates)
    _report(bad, "Not a date written as 2019-07-31", column, variable, "set to missing", findings)
    return column.each(dates)


def _numbers(column, variable, findings):
    numbers = column.numbers.copy()
    bad = ((column.texts != "") & np.isnan(numbers)) | np.isinf(numbers)
    _report(bad, "Not a number", column, variable, "set to missing", findings)
    numbers[bad] = np.nan
    unit = f" {variable.unit}" if variable.unit else ""
    hard = (numbers < variable.hard_min) | (numbers > variable.hard_max)
    rule = f"Outside the possible range {_range(variable.hard_min, variable.hard_max)}{unit}"
    _report(hard, rule, column, variable, "set to missing", findings)
    numbers[hard] = np.nan
    soft = (numbers < variable.soft_min) | (numbers > variable.soft_max)
    rule = f"Outside the usual range {_range(variable.soft_min, variable.soft_max)}{unit}"
    _report(soft, rule, column, variable, "kept", findings)
    return column.each(numbers)


def _range(low, high) -> str:
    if np.isnan(low):
        return f"up to {high:g}"
    if np.isnan(high):
        return f"from {low:g}"
    return f"{low:g} to {high:g}"


def _categories(column, variable, findings):
    codes, levels, ordered = variable.codes, list(variable.levels), variable.kind == "ordinal"
    if not codes:
        codes = levels = sorted({text for text in column.texts if text})
        ordered = False
    position = {code: i for i, code in enumerate(codes)}
    small = np.int8 if len(levels) < 128 else np.int32
    found = np.array([position.get(text, -1) for text in column.texts], dtype=small)
    bad = (column.texts != "") & (found < 0)
    _report(bad, f"None of the levels {', '.join(codes)}", column, variable, "set to missing", findings)
    return pd.Categorical.from_codes(column.each(found), levels, ordered=ordered)


def _follow_up(typed, variables, findings):
    """Days of follow-up and end state of every row read, and which rows can be kept."""
    keep = np.ones(len(typed), dtype=bool)

    def exclude(mask, rule, column):
        mask = np.asarray(mask) & keep
        if mask.any():
            findings.append(Finding(rule, PATIENTS, column, file_rows(mask), "excluded"))
            keep[mask] = False

    patient = variables.meaning("patient_id")
    if patient is None:
        raise RegistryError("dictionary.csv marks no column as the patient identifier. Write patient_id under means.")
    identifiers = typed[patient.name] if patient.kind == "text" else typed[patient.name].astype(str)
    exclude(identifiers == "", "No patient identifier", patient.label)
    exclude(~first_rows(identifiers)[0], "Patient stands in the file a second time", patient.label)

    if variables.meaning("follow_up_time") is not None:
        days, state = _end_from_duration(typed, variables, exclude)
    else:
        days, state = _end_from_dates(typed, variables, exclude)
    exclude(days < 0, "Follow-up ends before it begins", "Follow-up")

    cause = _cause(typed, variables, state, findings, keep)
    start = variables.meaning("diagnosis_date")
    frame = pd.DataFrame(
        {"patient": identifiers, "file_row": np.arange(len(typed)) + 2, "days": days, "state": state, "cause": cause}
    )
    for column, means, sign in (("onset_days", "onset_date", -1), ("resolution_days", "resolution_date", 1)):
        variable = variables.meaning(means)
        frame[column] = np.nan
        if variable is not None and start is not None:
            frame[column] = sign * (typed[variable.name] - typed[start.name]).dt.days.to_numpy(dtype=float)
    _check_order(frame, typed, variables, findings, keep)
    return frame, keep


def _meant(values, level_means) -> np.ndarray:
    """(n,) what the level of each row means; None where it means nothing or is missing."""
    meaning = dict(level_means)
    of_level = np.array([*(meaning.get(level) for level in values.cat.categories), None], dtype=object)
    return of_level[values.cat.codes.to_numpy()]


def _end_from_duration(typed, variables, exclude):
    duration, status = variables.meaning("follow_up_time"), variables.meaning("status")
    if duration.unit not in DAYS_PER:
        raise RegistryError(f"dictionary.csv: the unit of {duration.name!r} must be days, months or years.")
    if status is None or not status.level_means:
        raise RegistryError(
            "dictionary.csv: a follow-up time needs a column with status under means, and level_means that says which of "
            "its levels is alive, death or competing."
        )
    exclude(typed[duration.name].isna(), "No follow-up time", duration.label)
    exclude(typed[status.name].isna(), "No status at the end of follow-up", status.label)
    meaning = dict(status.level_means)
    unsaid = [level for level in status.levels if level not in meaning]
    if unsaid:
        raise RegistryError(f"dictionary.csv: level_means does not say what {unsaid[0]!r} of {status.name!r} is.")
    days = typed[duration.name].to_numpy(dtype=float) * DAYS_PER[duration.unit]
    state = _meant(typed[status.name], status.level_means)
    state[np.equal(state, None)] = "alive"
    return days, state


def _end_from_dates(typed, variables, exclude):
    found = {means: variables.meaning(means) for means in ("diagnosis_date", "last_contact_date", "death_date")}
    lacking = [means for means, variable in found.items() if variable is None]
    if lacking:
        raise RegistryError(
            f"dictionary.csv marks no column as {', '.join(lacking)} under means. Follow-up needs the dates of diagnosis, "
            "last contact and death, or one follow_up_time with a status."
        )
    diagnosis, contact, death = (typed[variable.name] for variable in found.values())
    exclude(diagnosis.isna(), "No date of diagnosis", found["diagnosis_date"].label)
    exclude(
        death.isna() & contact.isna(), "Neither a date of death nor of last contact", found["last_contact_date"].label
    )
    days = (death.fillna(contact) - diagnosis).dt.days.to_numpy(dtype=float)
    return days, np.where(death.notna(), "death", "alive").astype(object)


def _cause(typed, variables, state, findings, keep):
    """specific, other or unknown for the dead where causes are recorded; None for everybody else."""
    cause = np.full(len(typed), None, dtype=object)
    variable = variables.meaning("cause_of_death")
    if variable is None:
        return cause
    given = typed[variable.name].notna().to_numpy()
    dead = state == "death"
    meant = _meant(typed[variable.name], variable.level_means)
    cause[dead] = np.where(np.equal(meant, None), "unknown", meant)[dead]
    uncaused = dead & ~given & keep
    if uncaused.any():
        findings.append(
            Finding("Death without a cause: counted as unknown", PATIENTS, variable.label, file_rows(uncaused), "kept")
        )
    alive = ~dead & given & keep
    if alive.any():
        findings.append(
            Finding("Cause of death without a date of death", PATIENTS, variable.label, file_rows(alive), "ignored")
        )
    return cause


def _check_order(frame, typed, variables, findings, keep):
    """Dates that contradict each other: set to missing where the patient can still be kept."""
    days = frame["days"].to_numpy()

    def report(mask, rule, column, action):
        mask = np.asarray(mask) & keep
        if mask.any():
            findings.append(Finding(rule, PATIENTS, column, file_rows(mask), action))
        return mask

    for column, means, bad, rule in (
        ("onset_days", "onset_date", frame["onset_days"] < 0, "Onset of lesions after diagnosis"),
        ("resolution_days", "resolution_date", frame["resolution_days"] < 0, "Resolution before diagnosis"),
        (
            "resolution_days",
            "resolution_date",
            frame["resolution_days"] > days,
            "Resolution after the end of follow-up",
        ),
    ):
        if variable := variables.meaning(means):
            bad = report(bad, rule, variable.label, "set to missing")
            frame.loc[bad, column] = np.nan
            typed.loc[bad, variable.name] = pd.NaT
    contact, death = variables.meaning("last_contact_date"), variables.meaning("death_date")
    if contact is not None and death is not None:
        report(typed[contact.name] > typed[death.name], "Last contact after death: death counts", contact.label, "kept")
    for variable in variables:
        if variable.kind != "binary" or variable.derived or variable.dated_by not in typed.columns:
            continue
        happened = typed[variable.name] == variable.levels[1]
        dated = typed[variable.dated_by].notna()
        report(happened & ~dated, "Happened, but has no date", variable.label, "kept")
        report(dated & ~happened, "Has a date, but is not marked as happened", variable.label, "kept")


def _days_to(typed, variables):
    start = variables.meaning("diagnosis_date")
    if start is None:
        return pd.DataFrame(index=typed.index)
    zero = typed[start.name]
    return pd.DataFrame(
        {
            v.name: (typed[v.name] - zero).dt.days.astype(float)
            for v in variables
            if v.kind == "date" and v is not start
        },
        index=typed.index,
    )


def _source(kept, variables) -> str:
    variable = variables.meaning("data_source")
    if variable is None or kept.empty:
        return ""
    said = kept[variable.name].unique()
    return str(said[0]) if len(said) == 1 else ""


def _cut_off(kept, variables):
    dates = [kept[v.name].max() for means in ("last_contact_date", "death_date") if (v := variables.meaning(means))]
    dates = [date for date in dates if not pd.isna(date)]
    return max(dates) if dates else None
