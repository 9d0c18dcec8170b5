"""From a folder of three files to a checked registry. kept + excluded = read, always."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd

from core.conventions import DAYS_PER_MONTH
from core.errors import RegistryError
from core.registry.derived import derive
from core.registry.dictionary import read_dictionary
from core.registry.findings import Finding
from core.registry.registry import Registry

PATIENTS, COURSES, DICTIONARY = "patients.csv", "sts_courses.csv", "dictionary.csv"
COURSE_COLUMNS = ("patient_id", "course", "start", "stop", "grams_per_infusion", "infusions")
DAYS_PER = {"days": 1.0, "months": DAYS_PER_MONTH, "years": 365.25}


def read_registry(folder: str | Path) -> Registry:
    """The registry in a folder with dictionary.csv, patients.csv and, where courses are recorded, sts_courses.csv.

    Format: data/sample/README.md. Raises RegistryError with what is wrong, where, and what to do.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RegistryError(f"There is no folder {folder.name!r} to read a registry from. Check the path.")
    missing = [name for name in (DICTIONARY, PATIENTS) if not (folder / name).is_file()]
    if missing:
        raise RegistryError(f"The folder {folder.name!r} lacks {' and '.join(missing)}.")
    courses = _text_table(folder / COURSES) if (folder / COURSES).is_file() else None
    return build_registry(folder.name, _text_table(folder / DICTIONARY), _text_table(folder / PATIENTS), courses)


def build_registry(
    name: str, dictionary: pd.DataFrame, patients: pd.DataFrame, courses: pd.DataFrame | None
) -> Registry:
    """The registry from its tables of text cells ('' where empty)."""
    fingerprint = _fingerprint(dictionary, patients, courses)
    variables = read_dictionary(dictionary)
    if patients.empty:
        raise RegistryError(f"{PATIENTS} has a header but no patient.")
    findings: list[Finding] = []
    cells = _cells(patients, variables, findings)
    typed = _typed(cells, variables, findings)
    follow_up, keep = _follow_up(typed, variables, findings)
    course_rows = _courses(courses, typed, follow_up, variables, findings)
    n_courses = None
    if course_rows is not None:
        n_courses = np.bincount(course_rows["row"].to_numpy(), minlength=len(typed))
    for variable in variables:
        if variable.derived:
            typed[variable.name] = derive(variable, typed, n_courses, variables)
    typed = typed[[variable.name for variable in variables]]
    days_to = _days_to(typed, variables)

    order = np.flatnonzero(keep)
    order = order[np.argsort(follow_up["days"].to_numpy()[order], kind="stable")]
    follow_up = follow_up.iloc[order].reset_index(drop=True)
    kept = typed.iloc[order].reset_index(drop=True)
    source = _source(kept, variables)
    return Registry(
        name=source or name,
        slug=re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "registry",
        source=source,
        dictionary=variables,
        patients=kept,
        follow_up=follow_up,
        days_to=days_to.iloc[order].reset_index(drop=True),
        courses=_kept_courses(course_rows, order),
        n_read=len(patients),
        findings=tuple(findings),
        fingerprint=fingerprint,
        cut_off=_cut_off(kept, variables),
    )


def _text_table(path: Path) -> pd.DataFrame:
    try:  # the header is read as a row: pandas would rename a column that stands twice
        table = pd.read_csv(
            path, header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig", skip_blank_lines=False
        ).fillna("")
    except UnicodeDecodeError:
        raise RegistryError(f'{path.name} is not in UTF-8. Save it as "CSV UTF-8".') from None
    except pd.errors.EmptyDataError:
        raise RegistryError(f"{path.name} is empty.") from None
    except pd.errors.ParserError:
        raise RegistryError(
            f"{path.name} has rows with more cells than its header names. Check for commas inside cells without quotes."
        ) from None
    header = table.iloc[0].str.strip()
    if header.duplicated().any():
        raise RegistryError(f"{path.name} has two columns named {header[header.duplicated()].iloc[0]!r}. Rename one.")
    return table.iloc[1:].set_axis(list(header), axis="columns").reset_index(drop=True)


def _fingerprint(*tables) -> str:
    """SHA-256 of the cells, whatever the line ends or the byte order mark of the files."""
    digest = hashlib.sha256()
    for table in tables:
        for column in [] if table is None else table.columns:
            digest.update(column.encode() + b"\x1d")
            digest.update("\x1f".join(table[column]).encode())
            digest.update(b"\x1e")
        digest.update(b"\x1c")
    return digest.hexdigest()


def _rows(mask) -> tuple[int, ...]:
    """File rows of a mask over the rows read; the header is row 1."""
    return tuple(int(row) + 2 for row in np.flatnonzero(mask))


def _cells(patients, variables, findings):
    """The file's cells, one column per recorded variable of the dictionary; what is only in one of the two is named."""
    recorded = [v for v in variables if not v.derived]
    required = [v.name for v in recorded if v.means and v.name not in patients.columns]
    if required:
        raise RegistryError(
            f"{PATIENTS} lacks {', '.join(map(repr, required))}, which the dictionary says the analysis rests on; it has "
            f"{', '.join(map(repr, patients.columns[:12]))}{' …' if len(patients.columns) > 12 else ''}."
        )
    for column in patients.columns:
        if column not in variables:
            findings.append(Finding("Column is not in the dictionary", PATIENTS, column, (), "ignored"))
    for variable in recorded:
        if variable.name not in patients.columns:
            findings.append(
                Finding("Variable of the dictionary has no column: no values", PATIENTS, variable.name, (), "ignored")
            )
    return pd.DataFrame(
        {v.name: patients[v.name].str.strip() if v.name in patients.columns else "" for v in recorded},
        index=patients.index,
    )


def _typed(cells, variables, findings):
    typed = {}
    for variable in variables:
        if variable.derived:
            continue
        text = cells[variable.name]
        if variable.kind == "date":
            typed[variable.name] = _dates(text, variable, findings)
        elif variable.is_numeric:
            typed[variable.name] = _numbers(text, variable, findings)
        elif variable.is_categorical:
            typed[variable.name] = _categories(text, variable, findings)
        else:
            typed[variable.name] = text
    return pd.DataFrame(typed, index=cells.index)


def _dates(text, variable, findings):
    dates = pd.to_datetime(text.where(text != ""), format="%Y-%m-%d", errors="coerce")
    bad = (text != "") & dates.isna()
    if bad.any():
        findings.append(
            Finding("Not a date written as 2019-07-31", PATIENTS, variable.label, _rows(bad), "set to missing")
        )
    return dates


def _numbers(text, variable, findings):
    numbers = pd.to_numeric(text.where(text != ""), errors="coerce").astype(float)
    bad = ((text != "") & numbers.isna()) | np.isinf(numbers)
    if bad.any():
        findings.append(Finding("Not a number", PATIENTS, variable.label, _rows(bad), "set to missing"))
        numbers = numbers.mask(bad)
    unit = f" {variable.unit}" if variable.unit else ""
    hard = (numbers < variable.hard_min) | (numbers > variable.hard_max)
    if hard.any():
        rule = f"Outside the possible range {_range(variable.hard_min, variable.hard_max)}{unit}"
        findings.append(Finding(rule, PATIENTS, variable.label, _rows(hard), "set to missing"))
        numbers = numbers.mask(hard)
    soft = (numbers < variable.soft_min) | (numbers > variable.soft_max)
    if soft.any():
        rule = f"Outside the usual range {_range(variable.soft_min, variable.soft_max)}{unit}"
        findings.append(Finding(rule, PATIENTS, variable.label, _rows(soft), "kept"))
    return numbers


def _range(low, high) -> str:
    if np.isnan(low):
        return f"up to {high:g}"
    if np.isnan(high):
        return f"from {low:g}"
    return f"{low:g} to {high:g}"


def _categories(text, variable, findings):
    if not variable.codes:
        found = sorted({value for value in text if value})
        return pd.Series(pd.Categorical(text.where(text != ""), found), index=text.index)
    position = {code: i for i, code in enumerate(variable.codes)}
    codes = text.map(position)
    bad = (text != "") & codes.isna()
    if bad.any():
        rule = f"None of the levels {', '.join(variable.codes)}"
        findings.append(Finding(rule, PATIENTS, variable.label, _rows(bad), "set to missing"))
    return pd.Series(
        pd.Categorical.from_codes(
            codes.fillna(-1).astype(int), list(variable.levels), ordered=variable.kind == "ordinal"
        ),
        index=text.index,
    )


def _follow_up(typed, variables, findings):
    """Days of follow-up and end state of every row read, and which rows can be kept."""
    keep = np.ones(len(typed), dtype=bool)

    def exclude(mask, rule, column):
        mask = np.asarray(mask) & keep
        if mask.any():
            findings.append(Finding(rule, PATIENTS, column, _rows(mask), "excluded"))
            keep[mask] = False

    patient = variables.meaning("patient_id")
    if patient is None:
        raise RegistryError("dictionary.csv marks no column as the patient identifier. Write patient_id under means.")
    identifiers = typed[patient.name].astype(str)
    exclude(identifiers == "", "No patient identifier", patient.label)
    exclude(identifiers.duplicated(), "Patient stands in the file a second time", patient.label)

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
    state = typed[status.name].astype(object).map(meaning)
    return days, state.where(state.notna(), "alive").to_numpy(dtype=object)


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
    given = typed[variable.name].astype(object)
    dead = state == "death"
    meant = given.map(dict(variable.level_means))
    cause[dead] = meant.where(meant.notna(), "unknown").to_numpy(dtype=object)[dead]
    uncaused = dead & given.isna().to_numpy() & keep
    if uncaused.any():
        findings.append(
            Finding("Death without a cause: counted as unknown", PATIENTS, variable.label, _rows(uncaused), "kept")
        )
    alive = ~dead & given.notna().to_numpy() & keep
    if alive.any():
        findings.append(
            Finding("Cause of death without a date of death", PATIENTS, variable.label, _rows(alive), "ignored")
        )
    return cause


def _check_order(frame, typed, variables, findings, keep):
    """Dates that contradict each other: set to missing where the patient can still be kept."""
    days = frame["days"].to_numpy()

    def report(mask, rule, column, action):
        mask = np.asarray(mask) & keep
        if mask.any():
            findings.append(Finding(rule, PATIENTS, column, _rows(mask), action))
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


def _courses(courses, typed, follow_up, variables, findings):
    """The course table with positions of patients; None where the registry has no such table."""
    if courses is None:
        return None
    lacking = [column for column in ("patient_id", "start") if column not in courses.columns]
    if lacking:
        raise RegistryError(f"{COURSES} lacks {' and '.join(map(repr, lacking))}.")
    text = {
        column: courses[column].str.strip() if column in courses.columns else pd.Series("", index=courses.index)
        for column in COURSE_COLUMNS
    }
    position = pd.Series(np.arange(len(typed)), index=follow_up["patient"]).groupby(level=0).first()
    row = text["patient_id"].map(position)
    start_of = variables.meaning("diagnosis_date")
    table = pd.DataFrame({"row": row, "course": pd.to_numeric(text["course"], errors="coerce")})
    for column, dates in (("start_days", text["start"]), ("stop_days", text["stop"])):
        parsed = pd.to_datetime(dates.where(dates != ""), format="%Y-%m-%d", errors="coerce")
        known = row.notna() & (start_of is not None)
        table[column] = np.nan
        if known.any():
            zero = typed[start_of.name].to_numpy()[row[known].astype(int)]
            table.loc[known, column] = (parsed[known].to_numpy() - zero) / np.timedelta64(1, "D")
    for column in ("grams_per_infusion", "infusions"):
        table[column] = pd.to_numeric(text[column], errors="coerce")

    end = pd.Series(follow_up["days"].to_numpy(), index=np.arange(len(typed))).reindex(row).to_numpy()
    kept = np.ones(len(table), dtype=bool)
    for bad, rule in (
        (table["row"].isna(), "Course of a patient who is not in patients.csv"),
        (table["start_days"].isna(), "Course without a start written as 2019-07-31"),
        (table["start_days"] < 0, "Course starts before diagnosis"),
        (table["start_days"] > end, "Course starts after the end of follow-up"),
        (table["stop_days"] < table["start_days"], "Course stops before it starts"),
    ):
        bad = bad.to_numpy() & kept
        if bad.any():
            findings.append(Finding(rule, COURSES, "start", _rows(bad), "excluded"))
            kept[bad] = False
    return table[kept].astype({"row": int}).sort_values(["row", "start_days"], kind="stable").reset_index(drop=True)


def _kept_courses(course_rows, order):
    if course_rows is None:
        return pd.DataFrame(
            {
                c: pd.Series(dtype=float)
                for c in ("row", "course", "start_days", "stop_days", "grams_per_infusion", "infusions")
            }
        )
    new = pd.Series(np.arange(len(order)), index=order)
    kept = course_rows[course_rows["row"].isin(new.index)].copy()
    kept["row"] = new.loc[kept["row"]].to_numpy()
    return kept.sort_values(["row", "start_days"], kind="stable").reset_index(drop=True)


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
