"""What is not recorded: by variable, by pattern, and what it costs an analysis."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.registry import Variable


def missing_values(patients: pd.DataFrame, variables: Sequence[Variable], event: np.ndarray) -> pd.DataFrame:
    """How much of each variable is missing, and what an analysis that needs it loses; one row a variable.

    ``event`` is (n,) bool, aligned with ``patients``. Columns:
    variable label n n_missing percent   n counts patients; percent is of them
    n_event n_missing_event percent_event            the same among patients with the event: the events that an analysis of
                                                     this variable loses are n_missing_event
    n_no_event n_missing_no_event percent_no_event   the same among the others
    n_only                               patients that miss nothing but this: a model of all these variables together would
                                         gain them without it
    Percentages are NaN of nobody.
    """
    event = np.asarray(event, dtype=bool)
    missing = _missing(patients, variables)
    n_missing_each = missing.sum(axis=1)
    rows = []
    for variable, absent in zip(variables, missing.T, strict=True):
        counted = [_share(absent), _share(absent[event]), _share(absent[~event])]
        only = int((absent & (n_missing_each == 1)).sum())
        rows.append((variable.name, variable.label, *(number for three in counted for number in three), only))
    return pd.DataFrame(
        rows,
        columns=(
            "variable label n n_missing percent n_event n_missing_event percent_event n_no_event n_missing_no_event "
            "percent_no_event n_only"
        ).split(),
    )


def missing_patterns(patients: pd.DataFrame, variables: Sequence[Variable], event: np.ndarray) -> pd.DataFrame:
    """Which variables are missing together; one row for each pattern that occurs.

    Columns: missing (tuple of variable names, empty for complete patients), n_missing (how many variables), n (patients),
    n_event. Complete patients first, then the most frequent pattern.
    """
    event = np.asarray(event, dtype=bool)
    missing = _missing(patients, variables)
    patterns, which = np.unique(missing, axis=0, return_inverse=True)
    which = which.ravel()
    n = np.bincount(which, minlength=len(patterns))
    names = np.array([variable.name for variable in variables], dtype=object)
    frame = pd.DataFrame(
        {
            "missing": [tuple(names[pattern]) for pattern in patterns],
            "n_missing": patterns.sum(axis=1),
            "n": n,
            "n_event": np.bincount(which[event], minlength=len(patterns)),
        }
    )
    frame = frame.assign(incomplete=frame["n_missing"] > 0, rarity=-frame["n"])
    ordered = frame.sort_values(["incomplete", "rarity", "n_missing"], kind="stable")
    return ordered.drop(columns=["incomplete", "rarity"]).reset_index(drop=True)


def complete_cases(patients: pd.DataFrame, variables: Sequence[Variable]) -> np.ndarray:
    """(n,) bool: who has every one of these variables, and so takes part in a model of all of them."""
    return ~_missing(patients, variables).any(axis=1)


def _missing(patients, variables):
    """(n, number of variables) bool."""
    if not len(variables):
        return np.zeros((len(patients), 0), dtype=bool)
    return patients[[variable.name for variable in variables]].isna().to_numpy()


def _share(absent):
    n, n_missing = len(absent), int(absent.sum())
    return n, n_missing, 100 * n_missing / n if n else np.nan
