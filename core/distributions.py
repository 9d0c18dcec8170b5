"""How one variable, or two together, are distributed in a cohort and in the whole registry."""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from core.cohort import KEEP, ONLY, Filter
from core.errors import NotEstimable
from core.registry import Registry, Variable

NOT_RECORDED = "Not recorded"
MOST_BINS = 12
MOST_POINTS = 1_000  # more cover one another, and take a browser seconds
STEPS = (1, 2, 5, 10)
LEVEL, RANGE, MISSING = "level", "range", "missing"


def distribution(registry: Registry, mask: np.ndarray, variable: Variable) -> pd.DataFrame:
    """How many patients have each level of a variable, or a number within each range; "Not recorded" last where it occurs.

    mask  (n,) bool over all patients of the registry: the cohort

    Columns: label, kind ("level", "range", "missing"), level ("" for ranges), low, high (a filter's limits, both included;
    NaN for levels), start, stop (the edges of a range as drawn), n (of the cohort), n_all (of the registry). Levels are
    those that somebody in the registry has; ranges are the same for every cohort.
    """
    values = registry.patients[variable.name]
    missing = values.isna().to_numpy()
    nan = np.nan
    rows = []
    if variable.is_categorical:
        for level in registry.levels_present(variable):
            has = (values == level).to_numpy()
            rows.append((level, LEVEL, level, nan, nan, nan, nan, int((has & mask).sum()), int(has.sum())))
    elif not missing.all():
        edges, on_grid = registry.remember(("bins", variable.name), lambda: _edges(registry, variable))
        cell = np.searchsorted(edges, values.to_numpy(dtype=float), side="right") - 1
        unit = 10.0**-variable.decimals
        for i, (start, stop) in enumerate(itertools.pairwise(edges)):
            has = (cell == i) & ~missing
            low = round(float(start), variable.decimals) + 0.0  # no -0
            high = round(float(stop - unit if on_grid else stop), variable.decimals)
            rows.append(
                (_range_label(variable, low, high), RANGE, "", low, high, start, stop, int((has & mask).sum()), int(has.sum()))
            )  # fmt: skip
    if missing.any():
        rows.append((NOT_RECORDED, MISSING, "", nan, nan, nan, nan, int((missing & mask).sum()), int(missing.sum())))
    return pd.DataFrame(rows, columns="label kind level low high start stop n n_all".split())


def _range_label(variable, low, high):
    digits = variable.decimals
    return f"{low:.{digits}f}" if low == high else f"{low:.{digits}f} to {high:.{digits}f}"


def _edges(registry, variable):
    """Round edges of at most twelve ranges over all recorded values, and whether every value has the digits shown."""
    values = registry.patients[variable.name].dropna().to_numpy(dtype=float)
    unit = 10.0**-variable.decimals
    on_grid = bool(np.allclose(values / unit, np.round(values / unit), rtol=0, atol=1e-6))
    width = max((values.max() - values.min()) / MOST_BINS, unit)
    power = 10.0 ** np.floor(np.log10(width) + 1e-9)
    candidates = (step * scale for scale in (power, 10 * power) for step in STEPS)
    for step in candidates:
        first = np.floor(values.min() / step + 1e-9)
        last = np.floor(values.max() / step + 1e-9) + 1
        if step > unit * (1 - 1e-9) and last - first <= MOST_BINS:
            break
    edges = np.arange(first, last + 1) * step
    # an edge and a value that are equal but for rounding are equal
    return np.round(edges - 1e-9 * step, 12) if on_grid else edges, on_grid


def chosen_bar(bar, condition: Filter | None) -> bool:
    """Whether a filter on the variable is exactly what a bar of its distribution stands for."""
    if condition is None:
        return False
    if bar.kind == LEVEL:
        return bar.level in condition.levels
    if bar.kind == MISSING:
        return condition.missing == ONLY or (condition.missing == KEEP and bool(condition.levels))
    return condition.missing != ONLY and (condition.low, condition.high) == (bar.low, bar.high)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two variables of the patients that have both.

    points  x y, one row a patient (two numbers), or level x (a category and a number); of more than MOST_POINTS patients
            so many, evenly spaced in the order of follow-up (two numbers) or of the values of each level
    boxes   level n median q1 q3 min max (a category and a number)
    counts  level other n percent (two categories): percent of the patients of ``level``
    n, n_missing  patients with both, and without either
    correlation   Spearman's, NaN where it is not estimable; of two numbers only
    """

    first: Variable
    second: Variable
    n: int
    n_missing: int
    points: pd.DataFrame
    boxes: pd.DataFrame
    counts: pd.DataFrame
    correlation: float = np.nan


def _evenly(n: int, most: int) -> np.ndarray:
    """Positions of at most so many of n, evenly spaced, the first and the last among them."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(int)


def pair_of(registry: Registry, mask: np.ndarray, one: Variable, other: Variable) -> Pair:
    """Two variables of the masked patients. A category comes first beside a number; of two categories the one with more
    levels. Raises NotEstimable when it is the same variable twice or nobody has both."""
    if one.name == other.name:
        raise NotEstimable("A pair needs two different variables. Choose another one.")
    if one.is_numeric != other.is_numeric:
        first, second = (other, one) if one.is_numeric else (one, other)
    elif one.is_categorical:
        first, second = (one, other) if len(one.levels) >= len(other.levels) else (other, one)
    else:
        first, second = one, other
    columns = [registry.patients[variable.name] for variable in (first, second)]
    there = np.asarray(mask, dtype=bool) & columns[0].notna().to_numpy() & columns[1].notna().to_numpy()
    both = pd.DataFrame({column.name: column[there] for column in columns})
    n = len(both)
    if n == 0:
        raise NotEstimable(f"No patient here has both {one.label} and {other.label} recorded.")
    a, b = both[first.name], both[second.name]
    empty = pd.DataFrame()
    sizes = n, int(np.count_nonzero(mask)) - n
    if first.is_numeric:
        x, y = a.to_numpy(dtype=float), b.to_numpy(dtype=float)
        varies = n > 2 and x.min() < x.max() and y.min() < y.max()
        rho = float(spearmanr(x, y).statistic) if varies else np.nan
        shown = _evenly(n, MOST_POINTS)
        return Pair(first, second, *sizes, pd.DataFrame({"x": x[shown], "y": y[shown]}), empty, empty, rho)
    present = [level for level in first.levels if (a == level).any()]
    if second.is_numeric:
        boxes, points = [], []
        for level in present:
            values = np.sort(b[(a == level).to_numpy()].to_numpy(dtype=float))
            q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
            boxes.append((level, len(values), median, q1, q3, values[0], values[-1]))
            shown = values[_evenly(len(values), max(2, round(MOST_POINTS * len(values) / n)) if n > MOST_POINTS else n)]
            points.append(pd.DataFrame({"level": level, "x": shown}))
        points = pd.concat(points, ignore_index=True)
        return Pair(
            first, second, *sizes, points, pd.DataFrame(boxes, columns="level n median q1 q3 min max".split()), empty
        )
    rows = []
    for level in present:
        inside = b[a == level]
        for name in second.levels:
            count = int((inside == name).sum())
            rows.append((level, name, count, 100 * count / len(inside)))
    return Pair(first, second, *sizes, empty, empty, pd.DataFrame(rows, columns="level other n percent".split()))
