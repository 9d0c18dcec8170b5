"""What the curves are grouped by: a categorical variable, a number cut into ranges, or the selection against the rest."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from core.registry import Registry, Variable

NOTHING, SELECTION = "Nothing", "This selection against the rest"
SELECTED, REST = "Selected", "The rest"
MOST_LEVELS = 8
AT_MEDIAN, THIRDS, QUARTERS, AT_VALUE = "at the median", "in thirds", "in quarters", "at a value"
CUTS = (AT_MEDIAN, THIRDS, QUARTERS, AT_VALUE)
_PARTS = {AT_MEDIAN: 2, THIRDS: 3, QUARTERS: 4}


@dataclass(frozen=True, eq=False)
class Grouping:
    """Groups of all patients of a registry.

    ``values`` is (n,) categorical over all patients, in the order of ``levels``; missing where the variable is. A level
    keeps its meaning while the filters change: cut points come from the whole registry.
    """

    label: str
    levels: tuple[str, ...]
    values: pd.Series
    variable: Variable | None = None

    @property
    def is_post_baseline(self) -> bool:
        return self.variable is not None and self.variable.is_post_baseline

    @property
    def is_ordered(self) -> bool:
        """Whether the levels have an order, so that a trend over them means something."""
        return self.variable is not None and self.variable.kind in ("ordinal", "continuous", "count")

    @property
    def against_the_rest(self) -> bool:
        """Whether the groups are over all patients, not only over the filtered ones."""
        return self.label == SELECTION


def grouping_labels(registry: Registry) -> tuple[str, ...]:
    """What a reader can group by, in the order of the filters."""
    variables = [v for v in registry.dictionary.filters if can_group(registry, v)]
    return (NOTHING, *(v.label for v in variables), SELECTION)


def can_group(registry: Registry, variable: Variable) -> bool:
    if variable.is_categorical:
        return 2 <= len(variable.levels) <= MOST_LEVELS
    limits = registry.limits(variable)
    return limits is not None and limits[0] < limits[1]


def default_grouping(registry: Registry) -> str:
    """The first categorical filter, which is what the registry's owner put first."""
    for variable in registry.dictionary.filters:
        if variable.is_categorical and can_group(registry, variable):
            return variable.label
    return NOTHING


def default_cut_point(registry: Registry, variable: Variable) -> float:
    """The dictionary's cut point, or the median, to the digits shown."""
    if not math.isnan(variable.cut):
        return variable.cut
    return round(float(np.nanmedian(registry.patients[variable.name].to_numpy(dtype=float))), variable.decimals)


def group_by_variable(
    registry: Registry, variable: Variable, cut: str = AT_MEDIAN, cut_point: float = math.nan
) -> Grouping:
    """Groups by the levels of a variable, or by ranges of a number.

    ``cut`` is one of CUTS. Quantiles are those of all patients of the registry; equal ones fall together, so that there can
    be fewer groups. A value on a cut point belongs to the upper group.
    """
    values = registry.patients[variable.name]
    if variable.is_categorical:
        return Grouping(variable.label, variable.levels, values, variable)
    key = ("grouping", variable.name, cut, cut_point)
    return registry.remember(key, lambda: _ranges(registry, variable, values, cut, cut_point))


def _ranges(registry, variable, values, cut, cut_point):
    numbers = values.to_numpy(dtype=float)
    if cut == AT_VALUE:
        points = [cut_point]
    else:
        parts = _PARTS[cut]
        quantiles = np.nanquantile(numbers, np.arange(1, parts) / parts)
        points = sorted({round(float(q), variable.decimals) for q in quantiles})
    low, high = registry.limits(variable)
    points = [point for point in points if low < point <= high] or [points[-1]]
    digits = variable.decimals
    whole = variable.kind == "count"
    names = [f"{points[0] - 1:g} or fewer" if whole else f"Below {points[0]:.{digits}f}"]
    for start, stop in pairwise(points):
        last = f"{stop - 1:g}" if whole else f"below {stop:.{digits}f}"
        names.append(f"{start:.{digits}f} to {last}" if not whole or stop - 1 > start else f"{start:g}")
    names.append(f"{points[-1]:.{digits}f} or more")
    codes = np.where(np.isnan(numbers), -1, np.searchsorted(points, numbers, side="right"))
    return Grouping(
        f"{variable.label} ({variable.unit})" if variable.unit else variable.label,
        tuple(names),
        pd.Series(pd.Categorical.from_codes(codes, names, ordered=True), index=values.index),
        variable,
    )


def group_by_selection(registry: Registry, mask: np.ndarray) -> Grouping:
    """The patients that pass the filters against all others."""
    values = pd.Categorical.from_codes(np.where(mask, 0, 1), [SELECTED, REST])
    return Grouping(SELECTION, (SELECTED, REST), pd.Series(values, index=registry.patients.index))
