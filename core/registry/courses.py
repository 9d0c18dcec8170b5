"""The course table: which patient, when, how much; and which rows of it can be used."""

import numpy as np
import pandas as pd

from core.errors import RegistryError
from core.registry.findings import Finding, file_rows

COURSES = "sts_courses.csv"
COURSE_COLUMNS = ("patient_id", "course", "start", "stop", "grams_per_infusion", "infusions")


def read_courses(courses, typed, follow_up, variables, findings):
    """The course table with positions of patients; None where the registry has no such table."""
    if courses is None:
        return None
    lacking = [column for column in ("patient_id", "start") if column not in courses.columns]
    if lacking:
        raise RegistryError(f"{COURSES} lacks {' and '.join(map(repr, lacking))}.")
    cells = {
        name: courses[name].stripped() if name in courses.columns else courses.empty_column() for name in COURSE_COLUMNS
    }
    first, identifiers = first_rows(follow_up["patient"])
    found = pd.Index(identifiers).get_indexer(cells["patient_id"].texts)
    row_of = np.where(found >= 0, np.flatnonzero(first)[found], -1)
    row = cells["patient_id"].each(row_of)
    known = row >= 0
    table = pd.DataFrame({"row": row, "course": _counts(cells["course"])}, copy=False)
    diagnosis = variables.meaning("diagnosis_date")
    for name, dates in (("start_days", cells["start"]), ("stop_days", cells["stop"])):
        table[name] = np.nan
        if diagnosis is not None:
            zero = typed[diagnosis.name].to_numpy()[row]
            days = (dates.each(dates.dates) - zero) / np.timedelta64(1, "D")
            table[name] = np.where(known, days, np.nan)
    for name in ("grams_per_infusion", "infusions"):
        table[name] = _counts(cells[name])

    end = np.where(known, follow_up["days"].to_numpy()[row], np.nan)
    kept = np.ones(len(table), dtype=bool)
    for bad, rule in (
        (~known, "Course of a patient who is not in patients.csv"),
        (table["start_days"].isna().to_numpy(), "Course without a start written as 2019-07-31"),
        (table["start_days"].to_numpy() < 0, "Course starts before diagnosis"),
        (table["start_days"].to_numpy() > end, "Course starts after the end of follow-up"),
        ((table["stop_days"] < table["start_days"]).to_numpy(), "Course stops before it starts"),
    ):
        bad = bad & kept
        if bad.any():
            findings.append(Finding(rule, COURSES, "start", file_rows(bad), "excluded"))
            kept[bad] = False
    return table[kept]


def _counts(column) -> np.ndarray:
    """The numbers of a column, as whole ones where all are."""
    numbers = column.each(column.numbers)
    whole = np.isfinite(numbers).all() and (np.abs(numbers) < 2**53).all() and (numbers == np.round(numbers)).all()
    return numbers.astype(np.int64) if whole else numbers


def kept_courses(course_rows, order, n_rows):
    if course_rows is None:
        return pd.DataFrame(
            {
                c: pd.Series(dtype=float)
                for c in ("row", "course", "start_days", "stop_days", "grams_per_infusion", "infusions")
            }
        )
    new = np.full(n_rows, -1)
    new[order] = np.arange(len(order))
    row = new[course_rows["row"].to_numpy()]
    kept = course_rows.assign(row=row)[row >= 0]
    return kept.iloc[np.lexsort((kept["start_days"].to_numpy(), kept["row"].to_numpy()))].reset_index(drop=True)


def first_rows(identifiers) -> tuple[np.ndarray, np.ndarray]:
    """Which rows hold an identifier for the first time, and these identifiers in order."""
    codes, distinct = pd.factorize(identifiers.to_numpy(dtype=object))  # numbered as they come
    first = np.ones(len(codes), dtype=bool)
    first[1:] = codes[1:] > np.maximum.accumulate(codes)[:-1]
    return first, distinct
