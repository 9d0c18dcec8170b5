"""Groups of patients: their levels, in order, and which patient belongs to which."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import NotEstimable
from core.survival.outcome import Outcome

EVERYBODY = "All"  # the level when there are no strata


@dataclass(frozen=True, eq=False)
class Strata:
    """The rows that belong to a stratum, stratum by stratum.

    levels      the levels that have rows: in the order of the categories, else sorted
    code        (n,) position in levels of every row kept
    kept        (rows given,) bool, or None where every row is kept
    n_excluded  rows left out because their stratum is missing
    """

    levels: tuple
    code: np.ndarray
    kept: np.ndarray | None
    n_excluded: int

    def __len__(self) -> int:
        return len(self.levels)

    def rows_of(self, outcome: Outcome) -> Outcome:
        return outcome if self.kept is None else outcome.take(self.kept)


def strata_of(outcome: Outcome, values) -> Strata:
    """The strata of an outcome from one value a row, aligned by position; None puts everybody into one stratum, "All".

    Missing values belong to no stratum; levels without rows are absent. Raises ValueError when the lengths differ.
    """
    if values is None:
        return Strata((EVERYBODY,) if len(outcome) else (), np.zeros(len(outcome), dtype=np.int16), None, 0)
    if len(values) != len(outcome):
        raise ValueError("strata must hold one value for each row of the outcome")
    if isinstance(getattr(values, "dtype", None), pd.CategoricalDtype):
        categorical = values.array if isinstance(values, pd.Series) else values
        code, categories = np.asarray(categorical.codes), categorical.categories
    else:
        code, categories = pd.factorize(np.asarray(values) if isinstance(values, list | tuple) else values, sort=True)
    kept = None
    n_excluded = int(np.count_nonzero(code < 0))
    if n_excluded:
        kept = code >= 0
        code = code[kept]
    size = np.bincount(code, minlength=len(categories))
    present = size > 0
    if not present.all():
        code = (np.cumsum(present) - 1)[code]
    levels = tuple(category for category, here in zip(categories.tolist(), present.tolist(), strict=True) if here)
    # a radix sort, and so a fast one, needs 16 bits
    return Strata(levels, code.astype(np.int16 if len(levels) < 2**15 else np.int64), kept, n_excluded)


def split(outcome: Outcome, code: np.ndarray, n_levels: int) -> list[Outcome]:
    """The rows of each stratum, sorted by time. Rows already in order of time are not sorted again."""
    time = outcome.time
    order = None
    if len(time) > 1 and (time[1:] < time[:-1]).any():
        order = np.argsort(time, kind="stable")
    if n_levels <= 1:
        return [outcome if order is None else outcome.take(order)]
    by_level = np.argsort(code if order is None else code[order], kind="stable")
    grouped = outcome.take(by_level if order is None else order[by_level])
    ends = np.cumsum(np.bincount(code, minlength=n_levels)).tolist()
    return [grouped.take(slice(start, end)) for start, end in zip([0, *ends], ends, strict=False)]


def require_rows(strata: Strata) -> None:
    """Raises NotEstimable when no row is left."""
    if not len(strata.code):
        left_out = f" ({strata.n_excluded} left out: group not known)" if strata.n_excluded else ""
        raise NotEstimable(f"There are no patients to count{left_out}. Widen the filters.")
