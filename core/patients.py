"""Patients one by one: the table of a cohort with chosen columns, and what happened to one patient, day by day."""

import numpy as np
import pandas as pd

from core.conventions import DAYS_PER_MONTH
from core.endpoints import OVERALL, event_name
from core.registry import Registry, Variable

PATIENT, FOLLOW_UP, END = "Patient", "Follow-up (days)", "Ended with"
ENDS = {"death": "Death", "alive": "Last contact", "competing": "Another end of follow-up"}
BEGINNING = "Diagnosis"


def patients_table(
    registry: Registry, mask: np.ndarray, variables, *, dates: bool = False, most: int | None = None
) -> pd.DataFrame:
    """The masked patients in the order of the file, one row each; the index holds their positions in the registry.

    ``most``: only the first so many.

    Columns: Patient (pseudonym), Follow-up (days), Ended with, then one for each variable, named as ``column_name`` says.
    Dates are whole days from diagnosis unless ``dates`` are wanted. Only what is asked for is in the frame.
    """
    order = registry.remember(
        "file order", lambda: np.argsort(registry.follow_up["file_row"].to_numpy(), kind="stable")
    )
    table = registry.follow_up.iloc[order[mask[order]][:most]]
    columns = {
        PATIENT: table["patient"].astype(str),
        FOLLOW_UP: table["days"].round().astype("Int64"),
        END: table["state"].astype(object).map(ends_of(registry)),
    }
    for variable in variables:
        if variable.kind == "date" and not dates:
            values = registry.days_to[variable.name].loc[table.index].round().astype("Int64")
        else:
            values = registry.patients[variable.name].loc[table.index]
            if variable.is_categorical:
                values = values.astype(object)
            elif variable.is_numeric and variable.decimals == 0 and (values.dropna() % 1 == 0).all():
                values = values.astype("Int64")
        columns[column_name(variable, dates)] = values
    return pd.DataFrame(columns, index=table.index)


def ends_of(registry: Registry) -> dict[str, str]:
    """What each state at the end of follow-up is called: the event by the name that the registry gives it."""
    event = event_name(registry)
    return ENDS if event == OVERALL.event else {**ENDS, "death": event[:1].upper() + event[1:]}


def column_name(variable: Variable, dates: bool = False) -> str:
    if variable.kind == "date" and not dates:
        return f"{variable.label} (days from diagnosis)"
    return variable.label_with_unit


def position_of(registry: Registry, patient: str) -> int | None:
    """Where a pseudonym stands in the registry."""
    found = np.flatnonzero(registry.follow_up["patient"].to_numpy() == patient)
    return int(found[0]) if len(found) else None


def history(registry: Registry, position: int) -> pd.DataFrame:
    """What happened to one patient, in order of time.

    Columns: what, detail, day (from diagnosis; NaN where only that it happened is known), until (of a course), month.
    """
    rows = [(BEGINNING, "", 0.0, np.nan)]
    happened = {v.dated_by: v.label for v in registry.dictionary if v.dated_by and v.kind == "binary"}
    for variable in registry.dictionary:
        if variable.kind != "date" or variable.means in ("diagnosis_date", "last_contact_date", "death_date"):
            continue
        day = registry.days_to[variable.name].iat[position]
        if not pd.isna(day):
            rows.append((happened.get(variable.name, variable.label), "", float(day), np.nan))
    courses = registry.courses[registry.courses["row"] == position]
    for course in courses.itertuples(index=False):
        rows.append((f"Course {course.course}", _doses(course), float(course.start_days), float(course.stop_days)))
    end = registry.follow_up.iloc[position]
    cause = registry.dictionary.meaning("cause_of_death")
    detail = ""
    if cause is not None and end["state"] == "death" and not pd.isna(registry.patients[cause.name].iat[position]):
        detail = str(registry.patients[cause.name].iat[position])
    rows.append((ends_of(registry)[end["state"]], detail, float(end["days"]), np.nan))
    frame = pd.DataFrame(rows, columns=["what", "detail", "day", "until"])
    frame["month"] = frame["day"] / DAYS_PER_MONTH
    return frame.sort_values("day", kind="stable", ignore_index=True)


def _doses(course) -> str:
    parts = []
    if hasattr(course, "infusions") and not pd.isna(course.infusions):
        parts.append(f"{course.infusions:g} infusion{'s' * (course.infusions != 1)}")
    if hasattr(course, "grams_per_infusion") and not pd.isna(course.grams_per_infusion):
        parts.append(f"of {course.grams_per_infusion:g} g")
    return " ".join(parts)
