"""Variables that are computed from others, as the dictionary's column ``derived`` says.

``months(a, b)``             months from date a to date b
``group(x: new=old|old; …)`` levels of x gathered into new levels (codes)
``count(courses)``           rows of the course table
``given(date)``              whether the date is there
"""

import re

import numpy as np
import pandas as pd

from core.conventions import DAYS_PER_MONTH
from core.errors import RegistryError
from core.registry.dictionary import Dictionary, Variable

_CALL = re.compile(r"(months|group|count|given)\((.*)\)")


def derive(
    variable: Variable, patients: pd.DataFrame, n_courses: np.ndarray | None, dictionary: Dictionary
) -> pd.Series:
    """The values of a derived variable, aligned with ``patients`` (typed columns). Raises RegistryError."""
    call = _CALL.fullmatch(variable.derived.strip())
    if not call:
        raise RegistryError(
            f"dictionary.csv: {variable.name!r} is derived by {variable.derived!r}, which is none of months(a, b), "
            "group(x: new=old|old; ...), count(courses), given(date)."
        )
    what, inside = call.groups()
    if what == "count":
        counts = np.zeros(len(patients)) if n_courses is None else n_courses.astype(float)
        return pd.Series(counts, index=patients.index)
    if what == "months":
        first, last = (_column(name.strip(), patients, variable) for name in inside.split(",", 1))
        return (last - first).dt.days / DAYS_PER_MONTH
    if what == "given":
        there = _column(inside.strip(), patients, variable).notna()
        return pd.Series(pd.Categorical.from_codes(there.astype(np.int8), list(variable.levels)), index=patients.index)
    return _group(variable, inside, patients, dictionary)


def _group(variable, inside, patients, dictionary):
    source_name, _, rules = inside.partition(":")
    values = _column(source_name.strip(), patients, variable)
    source = dictionary[source_name.strip()]
    label_of = dict(zip(source.codes, source.levels, strict=True))
    new_of = {}
    for rule in rules.split(";"):
        new, _, olds = rule.partition("=")
        if new.strip() not in variable.codes:
            raise RegistryError(
                f"dictionary.csv: {variable.name!r} groups into {new.strip()!r}, which is none of its levels."
            )
        for old in olds.split("|"):
            new_of[label_of.get(old.strip(), old.strip())] = variable.codes.index(new.strip())
    codes, distinct = pd.factorize(values)
    new = np.array([*(new_of.get(value, -1) for value in distinct), -1], dtype=np.int8)  # the last for missing values
    return pd.Series(
        pd.Categorical.from_codes(new[codes], list(variable.levels), ordered=variable.kind == "ordinal"),
        index=patients.index,
    )


def _column(name, patients, variable):
    if name not in patients.columns:
        raise RegistryError(
            f"dictionary.csv: {variable.name!r} is derived from {name!r}, which patients.csv does not have."
        )
    return patients[name]
