"""Table 1: every variable for all patients and for each group, how far apart the groups are, and tests on request."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from core.conventions import SMALL_EXPECTED_COUNT, SMALL_STRATUM
from core.errors import NotEstimable
from core.fisher import fisher_exact
from core.registry import Variable
from core.registry.dictionary import Dictionary

ALL = ""  # stands for all patients in a column of groups: no level is without a label
MEAN, MEDIAN = "mean", "median"
WELCH_T, WELCH_ANOVA = "Welch's t test", "Welch's analysis of variance"
RANK_SUM, KRUSKAL_WALLIS = "Wilcoxon rank-sum test", "Kruskal-Wallis test"
CHI_SQUARE, FISHER = "Chi-square test", "Fisher's exact test"
KEPT, LEFT_OUT = "Kept", "Left out"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, eq=False)
class TableOne:
    """The numbers of a Table 1; group "" stands for all patients, also those without a group. NaN: not estimable.

    groups       group n: all patients first, then the groups that have patients, in order
    numbers      variable group n n_missing mean sd median q1 q3 min max, of numeric variables; n counts recorded values
    levels       variable level group count n n_missing percent, of categorical variables; n, the recorded values, is the
                 denominator. Levels that nobody here has are left out
    comparisons  variable smd smd_largest smd_reason method statistic p_value reason, one row a variable; empty without
                 groups. With more than two groups smd is the average over all pairs, as in R's tableone, and smd_largest
                 the largest; method is "" where no test was asked for; a reason says why a number is missing, or why the
                 chi-square test stands where Fisher's was due
    pairs        variable group_a group_b smd
    summary      variable name -> "mean" or "median", of numeric variables
    n_ungrouped  patients whose group is not recorded: only in the column of all
    """

    variables: tuple[Variable, ...]
    groups: pd.DataFrame
    numbers: pd.DataFrame
    levels: pd.DataFrame
    comparisons: pd.DataFrame
    pairs: pd.DataFrame
    summary: dict[str, str]
    n_ungrouped: int

    @property
    def group_levels(self) -> tuple[str, ...]:
        return tuple(self.groups["group"].iloc[1:])

    @property
    def n_tests(self) -> int:
        """How many p values there are."""
        return int(self.comparisons["p_value"].notna().sum())


def table_one(
    patients: pd.DataFrame,
    variables: Sequence[Variable],
    group: pd.Series | None = None,
    *,
    summary: Mapping[str, str] | None = None,
    tests: bool = False,
) -> TableOne:
    """Describe patients by numeric and categorical variables, overall and by group.

    group    one value a patient, aligned by position; categories keep their order
    summary  "mean" or "median" for variables that shall differ from the dictionary
    tests    mean: Welch's t test, Welch's analysis of variance for more than two groups; median: Wilcoxon rank-sum test
             (normal approximation with correction for ties and continuity), Kruskal-Wallis test; categories: chi-square
             test without Yates' correction, Fisher's exact test where an expected count is below 5. No p value where a
             group has fewer than SMALL_STRATUM recorded values

    Quartiles are R's type 7. SMD is absolute: |m1 - m2| / sqrt((s1² + s2²) / 2), and for categories the multinomial form of
    Yang and Dalton, SAS Global Forum 2012, paper 335. Raises ValueError for a variable that is a date or a text.
    """
    for variable in variables:
        if not (variable.is_numeric or variable.is_categorical):
            raise ValueError(f"{variable.name!r} is neither a number nor a category")
    chosen = {v.name: (summary or {}).get(v.name, v.summary) for v in variables if v.is_numeric}
    if set(chosen.values()) - {MEAN, MEDIAN}:
        raise ValueError(f"a summary is {MEAN!r} or {MEDIAN!r}")
    groups = _groups(group, len(patients))
    numbers, levels, comparisons, pairs = [], [], [], []
    for variable in variables:
        if variable.is_numeric:
            described = _samples(patients[variable.name], groups)
            numbers += [(variable.name, name, *sample.described) for name, sample in described.items()]
            samples = {name: sample for name, sample in described.items() if name != ALL}
            smd, test = _smd_numbers, _MEAN_OR_MEDIAN[chosen[variable.name]]
        else:
            present, counts, n_missing = _counts(patients[variable.name], groups)
            levels += _level_rows(variable.name, present, groups.names, counts, n_missing)
            samples = {name: counts[:, i] for i, name in enumerate(groups.names) if name != ALL}
            smd, test = _smd_counts, _test_counts
        if samples:
            differences = [(a, b, *smd(samples[a], samples[b])) for a, b in itertools.combinations(samples, 2)]
            pairs += [(variable.name, a, b, value) for a, b, value, _ in differences]
            comparisons.append((variable.name, *_summed_up(differences), *_tested(test, samples, tests)))
    return TableOne(
        tuple(variables),
        pd.DataFrame({"group": groups.names, "n": groups.sizes}),
        pd.DataFrame(numbers, columns="variable group n n_missing mean sd median q1 q3 min max".split()),
        pd.DataFrame(levels, columns="variable level group count n n_missing percent".split()),
        pd.DataFrame(
            comparisons, columns="variable smd smd_largest smd_reason method statistic p_value reason".split()
        ).astype({"smd": float, "smd_largest": float, "statistic": float, "p_value": float}),
        pd.DataFrame(pairs, columns=["variable", "group_a", "group_b", "smd"]).astype({"smd": float}),
        chosen,
        groups.n_ungrouped,
    )


def described_variables(dictionary: Dictionary, grouping: Variable | None = None) -> tuple[Variable, ...]:
    """What a Table 1 by ``grouping`` describes: everything but the grouping itself, what it was made from, and what else
    was made from that (lesion type, where stage groups), because those differ between the groups by definition."""
    if grouping is None:
        return dictionary.filters
    sources = _sources(grouping, dictionary)
    return tuple(
        v
        for v in dictionary.filters
        if v.name != grouping.name
        and v.name not in sources
        and grouping.name not in _sources(v, dictionary)
        and not sources & _sources(v, dictionary)
    )


def _sources(variable, dictionary):
    """What a variable was made from, dates apart: two lengths of time that share a date are still two things."""
    names = set(_WORD.findall(variable.derived))
    return {v.name for v in dictionary if v.name in names and v.kind != "date"}


def kept_and_left_out(patients: pd.DataFrame, variables: Sequence[Variable], kept: np.ndarray) -> TableOne:
    """How the patients that were left out differ from those kept: a Table 1 with the groups "Kept" and "Left out", without
    tests. ``kept`` is (n,) bool. Differences on what is known at diagnosis say whom a choice of patients leaves out."""
    group = pd.Series(pd.Categorical.from_codes((~np.asarray(kept, dtype=bool)).astype(np.int8), [KEPT, LEFT_OUT]))
    return table_one(patients, variables, group)


@dataclass(frozen=True, eq=False)
class _Groups:
    """The columns of the table, all patients first; groups without patients are left out.

    code  (n,) position among the groups (from 0), -1 without one; None where nothing groups
    """

    names: list[str]
    code: np.ndarray | None
    sizes: list[int]
    n_ungrouped: int

    def tally(self, codes: np.ndarray, k: int) -> np.ndarray:
        """(k + 1, columns) how many patients of each column have each code 0..k-1; the last row counts code -1."""
        codes = np.where(codes < 0, k, codes).astype(np.int64)
        if self.code is None:
            return np.bincount(codes, minlength=k + 1)[:, None]
        n_groups = len(self.names) - 1
        cell = codes * (n_groups + 1) + np.where(self.code < 0, n_groups, self.code)
        counts = np.bincount(cell, minlength=(k + 1) * (n_groups + 1)).reshape(k + 1, n_groups + 1)
        return np.column_stack([counts.sum(axis=1), counts[:, :n_groups]])


def _groups(group, n) -> _Groups:
    if group is None:
        return _Groups([ALL], None, [n], 0)
    if len(group) != n:
        raise ValueError("group needs one value for every patient")
    categories = pd.Categorical(group)
    sizes = np.bincount(categories.codes + 1, minlength=len(categories.categories) + 1)
    present = sizes[1:] > 0
    place = np.where(present, np.cumsum(present) - 1, -1)
    code = np.append(place, -1)[categories.codes]  # -1 is the last
    names = [str(level) for level in categories.categories[present]]
    return _Groups([ALL, *names], code, [n, *sizes[1:][present].tolist()], int(sizes[0]))


@dataclass(frozen=True, eq=False)
class _Sample:
    """Recorded numbers: distinct values in order, how often each occurs, and how many are missing."""

    value: np.ndarray
    count: np.ndarray
    n_missing: int

    @cached_property
    def n(self) -> int:
        return int(self.count.sum())

    def __len__(self) -> int:
        return self.n

    @cached_property
    def mean(self) -> float:
        return float(self.value @ self.count) / self.n

    @cached_property
    def variance(self) -> float:
        return float((self.value - self.mean) ** 2 @ self.count) / (self.n - 1)

    @property
    def is_constant(self) -> bool:
        return len(self.value) == 1

    def quantile(self, p: float) -> float:
        """R's type 7."""
        until = np.cumsum(self.count)
        at = (self.n - 1) * p
        low, high = self.value[np.searchsorted(until, [int(at), min(int(at) + 1, self.n - 1)], side="right")]
        return float(low + (high - low) * (at - int(at)))

    @property
    def described(self) -> tuple:
        """n, n_missing, mean, sd, median, quartiles, smallest and largest."""
        if self.n == 0:
            return (0, self.n_missing, *[np.nan] * 7)
        sd = np.sqrt(self.variance) if self.n > 1 else np.nan
        q1, median, q3 = (self.quantile(p) for p in (0.25, 0.5, 0.75))
        return self.n, self.n_missing, self.mean, sd, median, q1, q3, float(self.value[0]), float(self.value[-1])

    @property
    def each(self) -> np.ndarray:
        return np.repeat(self.value, self.count)


def _samples(values, groups) -> dict[str, _Sample]:
    """The numbers of every column: their few distinct values are counted, not the patients sorted."""
    codes, distinct = pd.factorize(values.to_numpy(dtype=float), sort=True)
    counts = groups.tally(codes, len(distinct))
    found = {}
    for name, count in zip(groups.names, counts.T, strict=True):
        occurs = count[:-1] > 0
        found[name] = _Sample(distinct[occurs], count[:-1][occurs], int(count[-1]))
    return found


def _counts(values, groups):
    """The levels that somebody has, and counts (level, group) of them; missing values by group."""
    categories = pd.Categorical(values)
    counts = groups.tally(categories.codes, len(categories.categories))
    present = counts[:-1, 0] > 0
    return [str(level) for level in categories.categories[present]], counts[:-1][present], counts[-1].tolist()


def _level_rows(name, present, groups, counts, n_missing):
    rows = []
    totals = counts.sum(axis=0)
    for level, of_level in zip(present, counts, strict=True):
        for group, count, total, missing in zip(groups, of_level, totals, n_missing, strict=True):
            percent = 100 * count / total if total else np.nan
            rows.append((name, level, group, int(count), int(total), missing, percent))
    return rows


def _smd_numbers(a, b):
    if min(len(a), len(b)) < 2:
        return np.nan, "fewer than two recorded values in a group"
    if a.is_constant and b.is_constant:
        return (0.0, "") if a.value[0] == b.value[0] else (np.nan, "no spread within the groups")
    return abs(a.mean - b.mean) / np.sqrt((a.variance + b.variance) / 2), ""


def _smd_counts(a, b):
    if not a.sum() or not b.sum():
        return np.nan, "no recorded value in a group"
    present = (a + b) > 0
    p, q = a[present] / a.sum(), b[present] / b.sum()
    if len(p) == 1:
        return 0.0, ""
    if not (p * q).any():  # the covariance is singular in this case only
        return np.nan, "the groups have no level in common"
    p, q = p[1:], q[1:]
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    difference = p - q
    return float(np.sqrt(difference @ np.linalg.solve(covariance, difference))), ""


def _summed_up(differences):
    """The average and the largest SMD over the pairs, and why there is none."""
    values = np.array([value for _, _, value, _ in differences])
    reasons = [why for *_, why in differences if why]
    if not len(values):
        return np.nan, np.nan, "only one group"
    if reasons:
        return np.nan, np.nan, reasons[0]
    return values.mean(), values.max(), ""


def _tested(test, samples, wanted):
    if not wanted:
        return "", np.nan, np.nan, ""
    if len(samples) < 2:
        return "", np.nan, np.nan, "only one group"
    sizes = {name: len(s) if isinstance(s, _Sample) else int(s.sum()) for name, s in samples.items()}
    small = [f"{name} ({n})" for name, n in sizes.items() if n < SMALL_STRATUM]
    if small:
        return "", np.nan, np.nan, f"fewer than {SMALL_STRATUM} recorded values in {', '.join(small)}"
    return test(list(samples.values()))


def _test_means(samples):
    method = WELCH_T if len(samples) == 2 else WELCH_ANOVA
    constant = [sample.is_constant for sample in samples]
    if any(constant) and (len(samples) > 2 or all(constant)):
        return method, np.nan, np.nan, "no spread within a group"
    if len(samples) == 2:
        # from the moments, because scipy warns about a group without spread when it is given the values
        moments = [moment for s in samples for moment in (s.mean, np.sqrt(s.variance), s.n)]
        result = stats.ttest_ind_from_stats(*moments, equal_var=False)
    else:
        result = stats.f_oneway(*(s.each for s in samples), equal_var=False)
    return method, float(result.statistic), float(result.pvalue), ""


def _test_ranks(samples):
    method = RANK_SUM if len(samples) == 2 else KRUSKAL_WALLIS
    samples = [sample.each for sample in samples]
    if (np.concatenate(samples) == samples[0][0]).all():
        return method, np.nan, np.nan, "all values are equal"
    if len(samples) == 2:
        result = stats.mannwhitneyu(*samples, alternative="two-sided", method="asymptotic", use_continuity=True)
    else:
        result = stats.kruskal(*samples)
    return method, float(result.statistic), float(result.pvalue), ""


def _test_counts(samples):
    table = np.column_stack(samples)
    if len(table) < 2:
        return CHI_SQUARE, np.nan, np.nan, "everybody has the same level"
    result = stats.chi2_contingency(table, correction=False)
    chi_square = float(result.statistic), float(result.pvalue)
    if result.expected_freq.min() >= SMALL_EXPECTED_COUNT:
        return CHI_SQUARE, *chi_square, ""
    if table.shape == (2, 2):
        return FISHER, np.nan, float(stats.fisher_exact(table).pvalue), ""
    try:
        return FISHER, np.nan, fisher_exact(table), ""
    except NotEstimable:
        return (
            CHI_SQUARE,
            *chi_square,
            f"expected counts below {SMALL_EXPECTED_COUNT}, but too many for Fisher's exact test",
        )


_MEAN_OR_MEDIAN = {MEAN: _test_means, MEDIAN: _test_ranks}
