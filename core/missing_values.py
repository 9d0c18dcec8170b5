"""What is not recorded: by variable, by pattern, and what it costs an analysis."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.registry import Registry, Variable


@dataclass(frozen=True, eq=False)
class Absence:
    """Which of some variables each of n patients lacks: the patterns that occur, and which of them each patient has.

    patterns  (k, number of variables) bool: missing
    which     (n,) position in ``patterns``
    """

    variables: tuple[Variable, ...]
    patterns: np.ndarray
    which: np.ndarray

    def of(self, mask: np.ndarray) -> "Absence":
        """The same of some patients: a bool mask or positions."""
        return Absence(self.variables, self.patterns, self.which[mask])

    def only(self, variables: Sequence[Variable]) -> "Absence":
        """The same of some of the variables."""
        names = [variable.name for variable in self.variables]
        places = [names.index(variable.name) for variable in variables]
        return Absence(tuple(variables), self.patterns[:, places], self.which)

    @property
    def complete(self) -> np.ndarray:
        """(n,) bool: who lacks none of the variables, and so takes part in a model of all of them."""
        return ~self.patterns.any(axis=1)[self.which]

    def counts(self, event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Patients, and patients with the event, of every pattern."""
        k = len(self.patterns)
        return np.bincount(self.which, minlength=k), np.bincount(self.which[event], minlength=k)


def absence(patients: pd.DataFrame, variables: Sequence[Variable]) -> Absence:
    """What each patient lacks of these variables."""
    which, patterns = np.zeros(len(patients), dtype=np.int64), np.zeros((1, 0), dtype=bool)
    for variable in variables:  # every pattern so far, without this one and with it
        split = 2 * which + patients[variable.name].isna().to_numpy()
        occurs = np.bincount(split, minlength=2 * len(patterns)) > 0
        which, kept = (np.cumsum(occurs) - 1)[split], np.flatnonzero(occurs)
        patterns = np.hstack([patterns[kept // 2], (kept % 2 == 1)[:, None]])
    return Absence(tuple(variables), patterns, which)


def absence_in(registry: Registry, variables: Sequence[Variable]) -> Absence:
    """What each patient of a registry lacks; kept, because every view needs it."""
    variables = tuple(variables)
    key = ("absence", *(variable.name for variable in variables))
    return registry.remember(key, lambda: absence(registry.patients, variables))


def missing_values(missing: Absence, event: np.ndarray) -> pd.DataFrame:
    """How much of each variable is missing, and what an analysis that needs it loses; one row a variable.

    ``event`` is (n,) bool, one value a patient. Columns:
    variable label n n_missing percent   n counts patients; percent is of them
    n_event n_missing_event percent_event            the same among patients with the event: the events that an analysis of
                                                     this variable loses are n_missing_event
    n_no_event n_missing_no_event percent_no_event   the same among the others
    n_only                               patients that miss nothing but this: a model of all these variables together would
                                         gain them without it
    Percentages are NaN of nobody.
    """
    n, n_event = missing.counts(np.asarray(event, dtype=bool))
    alone = missing.patterns.sum(axis=1) == 1
    rows = []
    for variable, absent in zip(missing.variables, missing.patterns.T, strict=True):
        counted = [_share(absent, counts) for counts in (n, n_event, n - n_event)]
        rows.append(
            (
                variable.name,
                variable.label,
                *(number for three in counted for number in three),
                int(n[absent & alone].sum()),
            )
        )
    return pd.DataFrame(
        rows,
        columns=(
            "variable label n n_missing percent n_event n_missing_event percent_event n_no_event n_missing_no_event "
            "percent_no_event n_only"
        ).split(),
    )


def missing_patterns(missing: Absence, event: np.ndarray) -> pd.DataFrame:
    """Which variables are missing together; one row for each pattern that occurs.

    Columns: missing (tuple of variable names, empty for complete patients), n_missing (how many variables), n (patients),
    n_event. Complete patients first, then the most frequent pattern.
    """
    n, n_event = missing.counts(np.asarray(event, dtype=bool))
    names = np.array([variable.name for variable in missing.variables], dtype=object)
    frame = pd.DataFrame(
        {
            "missing": [tuple(names[pattern]) for pattern in missing.patterns],
            "n_missing": missing.patterns.sum(axis=1),
            "n": n,
            "n_event": n_event,
        }
    )
    frame = frame[frame["n"] > 0]
    frame = frame.assign(incomplete=frame["n_missing"] > 0, rarity=-frame["n"])
    ordered = frame.sort_values(["incomplete", "rarity", "n_missing"], kind="stable")
    return ordered.drop(columns=["incomplete", "rarity"]).reset_index(drop=True)


def patients_with_gaps(
    registry: Registry, mask: np.ndarray, variables: Sequence[Variable], *, most: int
) -> tuple[pd.DataFrame, int]:
    """Who of the masked patients lacks what, and how many they are: columns patient and missing (labels in words).

    In the order of their pseudonyms; beyond ``most`` the first of the file.
    """
    missing = absence_in(registry, variables)
    rows = np.flatnonzero(mask & ~missing.complete)
    n, table = len(rows), registry.follow_up
    if n > most:
        rows = rows[np.argpartition(table["file_row"].to_numpy()[rows], most)[:most]]
        rows = rows[np.argsort(table["file_row"].to_numpy()[rows])]
    labels = np.array([variable.label for variable in variables], dtype=object)
    said = [", ".join(labels[missing.patterns[pattern]]) for pattern in missing.which[rows]]
    frame = pd.DataFrame({"patient": table["patient"].iloc[rows].astype(str).to_numpy(), "missing": said})
    return (frame if n > most else frame.sort_values("patient", ignore_index=True)), n


def complete_cases(patients: pd.DataFrame, variables: Sequence[Variable]) -> np.ndarray:
    """(n,) bool: who has every one of these variables, and so takes part in a model of all of them."""
    complete = np.ones(len(patients), dtype=bool)
    for variable in variables:
        complete &= patients[variable.name].notna().to_numpy()
    return complete


def _share(absent, counts):
    n, n_missing = int(counts.sum()), int(counts[absent].sum())
    return n, n_missing, 100 * n_missing / n if n else np.nan
