"""Which patients are meant: filters, the cohort they leave, and how they lead to it."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.registry import Registry, Variable

KEEP, DROP, ONLY, AUTO = "keep", "drop", "only", "auto"


@dataclass(frozen=True)
class Filter:
    """A condition on one variable.

    ``levels`` for a categorical variable; ``low`` and ``high`` (both included, NaN for no limit) for a number. ``missing``
    says what happens to patients without a value: "keep" them, "drop" them, "only" them, or "auto": dropped as soon as
    levels or a range are chosen.
    """

    variable: str
    levels: tuple[str, ...] = ()
    low: float = math.nan
    high: float = math.nan
    missing: str = AUTO

    def __eq__(self, other):
        return isinstance(other, Filter) and self._key() == other._key()

    def __hash__(self):
        return hash(self._key())

    def _key(self):  # NaN is not equal to itself
        return (self.variable, self.levels, str(self.low), str(self.high), self.missing)

    @property
    def narrows(self) -> bool:
        return bool(self.levels) or not (math.isnan(self.low) and math.isnan(self.high))

    @property
    def is_active(self) -> bool:
        return self.narrows or self.missing in (DROP, ONLY)


@dataclass(frozen=True, eq=False)
class Cohort:
    """The patients of a registry that pass the filters.

    ``mask`` is over all patients of the registry, in its order, so that a cohort stays sorted by follow-up.
    """

    registry: Registry
    filters: tuple[Filter, ...]
    mask: np.ndarray

    def __len__(self) -> int:
        return int(np.count_nonzero(self.mask))

    @property
    def patients(self) -> pd.DataFrame:
        return self.registry.patients[self.mask]

    def values(self, name: str) -> pd.Series:
        return self.registry.patients[name][self.mask]


def select_cohort(registry: Registry, filters=()) -> Cohort:
    """The patients that pass every filter."""
    mask = np.ones(len(registry), dtype=bool)
    for condition in filters:
        mask &= passing(registry, condition)
    return Cohort(registry, tuple(filters), mask)


def passing(registry: Registry, condition: Filter) -> np.ndarray:
    """(n,) bool over all patients of the registry: who meets one condition."""
    values = registry.patients[condition.variable]
    missing = values.isna().to_numpy()
    if condition.missing == ONLY:
        return missing
    if registry.dictionary[condition.variable].is_categorical:
        inside = values.isin(condition.levels).to_numpy() if condition.levels else ~missing
    else:
        numbers = values.to_numpy(dtype=float)
        inside = ~missing
        if not math.isnan(condition.low):
            inside &= ~(numbers < condition.low)
        if not math.isnan(condition.high):
            inside &= ~(numbers > condition.high)
    keeps_missing = condition.missing == KEEP or (condition.missing == AUTO and not condition.narrows)
    return inside | missing if keeps_missing else inside & ~missing


def describe_filter(variable: Variable, condition: Filter) -> str:
    """The condition in words: "Stage: Later", "Age: 40 to 60 years, missing kept"."""
    digits = variable.decimals
    if condition.missing == ONLY:
        return f"{variable.label}: not recorded"
    if variable.is_categorical:
        what = " or ".join(condition.levels)
    elif math.isnan(condition.low) and math.isnan(condition.high):
        what = ""
    else:
        unit = f" {variable.unit}" if variable.unit else ""
        low = "" if math.isnan(condition.low) else f"{condition.low:.{digits}f}"
        high = "" if math.isnan(condition.high) else f"{condition.high:.{digits}f}"
        if low and high:
            what = f"{low}{unit}" if low == high else f"{low} to {high}{unit}"
        else:
            what = f"at least {low}{unit}" if low else f"at most {high}{unit}"
    if condition.missing == DROP and not what:
        return f"{variable.label}: recorded"
    if condition.missing == KEEP:
        return f"{variable.label}: {what} or not recorded" if what else variable.label
    return f"{variable.label}: {what}"


def attrition(registry: Registry, filters, event: np.ndarray) -> pd.DataFrame:
    """How the filters lead from all patients to the cohort, in their order.

    ``event`` is (n,) bool over all patients of the registry. Columns: criterion, n_excluded, n_missing (those of the
    excluded that have no value), n_remaining, events_excluded, events_remaining. The first row is the registry itself.
    """
    mask = np.ones(len(registry), dtype=bool)
    rows = [("All patients", 0, 0, len(registry), 0, int(event.sum()))]
    for condition in filters:
        if not condition.is_active:
            continue
        variable = registry.dictionary[condition.variable]
        passed = mask & passing(registry, condition)
        lost = mask & ~passed
        missing = registry.patients[condition.variable].isna().to_numpy()
        rows.append(
            (
                describe_filter(variable, condition),
                int(lost.sum()),
                int((lost & missing).sum()),
                int(passed.sum()),
                int(event[lost].sum()),
                int(event[passed].sum()),
            )
        )
        mask = passed
    return pd.DataFrame(
        rows, columns=["criterion", "n_excluded", "n_missing", "n_remaining", "events_excluded", "events_remaining"]
    )


def level_counts(registry: Registry, filters, variable: Variable) -> pd.DataFrame:
    """For each level of a categorical variable: n among the patients that pass the other filters, and n of all.

    Columns: level, n, n_all; levels that nobody in the registry has are left out; "Not recorded" last, where it occurs.
    """
    others = select_cohort(registry, [f for f in filters if f.variable != variable.name])
    values = registry.patients[variable.name]
    every = values.value_counts(dropna=False)
    here = values[others.mask].value_counts(dropna=False)
    rows = [(level, int(here.get(level, 0)), int(every[level])) for level in registry.levels_present(variable)]
    n_missing = int(values.isna().sum())
    if n_missing:
        rows.append(("Not recorded", int(values[others.mask].isna().sum()), n_missing))
    return pd.DataFrame(rows, columns=["level", "n", "n_all"])
