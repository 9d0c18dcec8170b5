"""What can happen to a patient after diagnosis, and since when: treatment courses, infection, any dated yes or no."""

from dataclasses import dataclass

import numpy as np

from core.conventions import DAYS_PER_MONTH
from core.endpoints import RESOLUTION, Endpoint
from core.registry import Registry, Variable

COURSES = "courses"  # what dated_by says of a number of courses
START, STOP = "start", "stop"
COURSES_LABEL = "STS courses"  # where no variable of the dictionary counts them


@dataclass(frozen=True)
class Exposure:
    """Something that begins during follow-up.

    ``name`` is unique within a registry ("sts_courses.3", "infection"); ``variable`` is the dictionary's name of it;
    ``courses`` is k for "at least k courses", 0 for everything else.
    """

    name: str
    label: str
    variable: str
    courses: int = 0

    def definition(self, counted_from: str = START) -> str:
        """Since when a patient counts as exposed, in words."""
        if not self.courses:
            return f"Exposed from the day after the recorded date of {self.label} on; before it not exposed."
        moment = "the start" if counted_from == START else "the last day"
        return f"Exposed from the day after {moment} of course {self.courses} on; before it not exposed."


def exposures_of(registry: Registry, endpoint: Endpoint | None = None) -> tuple[Exposure, ...]:
    """What the registry records with dates: at least 1, 2, .. courses, then every dated yes or no in dictionary order.

    Resolution is no exposure where it is the ``endpoint`` itself.
    """
    found = []
    resolving = endpoint is not None and endpoint.name == RESOLUTION.name
    counted = _counting_variable(registry)
    for k in range(1, course_months(registry).shape[1] + 1):
        label = counted.label if counted else COURSES_LABEL
        if k == 1:
            label = label.removesuffix("s") if label.endswith("courses") else label
        name = counted.name if counted else COURSES
        found.append(Exposure(f"{name}.{k}", f"At least {k} {label}", name, k))
    for variable in registry.dictionary:
        if not _is_dated(registry, variable):
            continue
        if resolving and registry.dictionary[variable.dated_by].means == "resolution_date":
            continue
        found.append(Exposure(variable.name, variable.label, variable.name))
    return tuple(found)


def undated(registry: Registry) -> tuple[tuple[Variable, str], ...]:
    """What is known only after diagnosis but has no usable date: (variable, why it cannot be analysed as an exposure)."""
    found = []
    has_diagnosis = registry.dictionary.meaning("diagnosis_date") is not None
    for variable in registry.dictionary:
        if not (variable.is_post_baseline and variable.is_filter) or _is_dated(registry, variable):
            continue
        if variable.dated_by == COURSES:
            if len(registry.courses):
                continue
            why = "only the number of courses is recorded; a table with the start of each course is needed."
        elif not has_diagnosis:
            why = "follow-up is given as a duration, so that no date can be placed on it; dates are needed."
        elif not variable.dated_by:
            why = "no date says since when it was so; a column with the date and its name under dated_by are needed."
        elif variable.kind != "binary":
            why = "it has more than two values; only a yes or no can begin on a date."
        else:
            why = f"its date ({variable.dated_by}) is not in the file."
        found.append((variable, f"{variable.label}: {why}"))
    return tuple(found)


def exposure_months(registry: Registry, exposure: Exposure, *, counted_from: str = START) -> np.ndarray:
    """(n,) months from diagnosis to the exposure for every patient of the registry; NaN for never; 0 at the earliest.

    ``counted_from`` "start": a course counts from its first day, because from then on the decision to give it is known;
    "stop": only once it has been given to its end. The start is the default because a course that death cuts short ends just
    before the death: counted from its last day, it would be blamed for it. This matters only for courses. A recorded date counts even where the yes or no beside it says no. Patients of whom it is not known whether or
    when it happened have NaN too: leave them out, see ``exposure_known``.
    """
    if exposure.courses:
        return course_months(registry, counted_from=counted_from)[:, exposure.courses - 1]
    return np.maximum(_days(registry, exposure) / DAYS_PER_MONTH, 0.0)


def exposure_known(registry: Registry, exposure: Exposure, *, counted_from: str = START) -> np.ndarray:
    """(n,) bool: it is known whether and when the patient was exposed. False: it happened without a date, or is missing."""
    dated = ~np.isnan(exposure_months(registry, exposure, counted_from=counted_from))
    if exposure.courses:
        begun = np.bincount(registry.courses["row"].to_numpy(dtype=int), minlength=len(registry))
        return dated | (begun < exposure.courses) | (counted_from == START)
    variable = registry.dictionary[exposure.variable]
    return dated | (registry.values(exposure.variable) == variable.levels[0]).to_numpy()


def course_months(registry: Registry, *, counted_from: str = START) -> np.ndarray:
    """(n, k) months from diagnosis to the 1st, 2nd, .. k-th course of every patient of the registry, NaN where not given.

    k is the largest number that anybody has had. Courses are numbered in the order of their dates, whatever number stands in
    the file. ``counted_from`` as in ``exposure_months``; a course whose last day is not recorded counts after all others.
    """
    if counted_from not in (START, STOP):
        raise ValueError(f'counted_from must be "start" or "stop", not {counted_from!r}')

    def find():
        row = registry.courses["row"].to_numpy(dtype=int)
        days = registry.courses[f"{counted_from}_days"].to_numpy(dtype=float)
        order = np.lexsort((days, row))
        row, days = row[order], days[order]
        n_courses = np.bincount(row, minlength=len(registry))
        number = np.arange(len(row)) - np.repeat(np.cumsum(n_courses) - n_courses, n_courses)
        months = np.full((len(registry), n_courses.max(initial=0)), np.nan)
        months[row, number] = np.maximum(days / DAYS_PER_MONTH, 0.0)
        months.flags.writeable = False
        return months

    return registry.remember(("courses", counted_from), find)


def _is_dated(registry: Registry, variable: Variable) -> bool:
    return (
        variable.is_post_baseline
        and variable.kind == "binary"
        and not variable.means
        and variable.dated_by in registry.days_to.columns
    )


def _days(registry: Registry, exposure: Exposure) -> np.ndarray:
    return registry.days_to[registry.dictionary[exposure.variable].dated_by].to_numpy(dtype=float)


def _counting_variable(registry: Registry) -> Variable | None:
    return next((v for v in registry.dictionary if v.dated_by == COURSES), None)
