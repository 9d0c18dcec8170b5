"""Table 1 equals R on the sample and on two public data sets: every statistic, test and standardised mean difference."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.errors import NotEstimable
from core.fisher import fisher_exact
from core.registry import Variable, read_registry
from core.table_one import (
    ALL,
    CHI_SQUARE,
    FISHER,
    KRUSKAL_WALLIS,
    RANK_SUM,
    WELCH_ANOVA,
    WELCH_T,
    described_variables,
    kept_and_left_out,
    table_one,
)
from tests.reference.loading import assert_close, data, reference

ROOT = Path(__file__).parents[2]
NUMBERS = ("n", "n_missing", "mean", "sd", "median", "q1", "q3", "min", "max")
AGE = Variable("age", "Age", "continuous", unit="years")
SITE = Variable("site", "Site", "nominal", codes=("a", "b", "c"), levels=("A", "B", "C"))


def sample():
    registry = read_registry(ROOT / "data" / "sample")
    return registry.patients


def pbc():
    return pd.read_csv(ROOT / "tests" / "registries" / "pbc_source.csv")


DATA = {
    "sample_by_stage": (sample, "stage"),
    "sample_by_biopsy": (sample, "biopsy"),
    "pbc_by_treatment": (pbc, "trt"),
    "pbc_by_stage": (pbc, "stage"),
    "colon_by_treatment": (lambda: data("table_one_colon"), "rx"),
    "colon_by_extent": (lambda: data("table_one_colon"), "extent"),
}


def described(name, summary):
    """Table 1 of the variables that R was asked for, levels in R's order (of the alphabet or of the numbers)."""
    load, by = DATA[name]
    frame, expected = load(), reference("table_one")[name]
    variables = []
    for column, truth in expected.items():
        if truth["levels"]:
            frame[column] = pd.Categorical(
                frame[column].astype(object), sorted(frame[column].dropna().unique(), key=code)
            )
            variables.append(Variable(column, column, "nominal"))
        else:
            variables.append(Variable(column, column, "continuous"))
    group = pd.Categorical(frame[by].astype(object), sorted(frame[by].dropna().unique(), key=code))
    chosen = {variable.name: summary for variable in variables}
    return table_one(frame, variables, pd.Series(group), summary=chosen, tests=True), expected


def code(level):
    """Sorts levels as R has them: the sample's by their codes, the treatments of colon as published."""
    return {"Central and distal": "both", "Obs": ""}.get(level, level.lower()) if isinstance(level, str) else level


@pytest.mark.parametrize("name", DATA)
def test_statistics_are_those_of_r(name):
    table, expected = described(name, "mean")
    for variable, truth in expected.items():
        columns = [truth["all"], *truth["groups"].values()]
        if truth["levels"]:
            rows = table.levels[table.levels["variable"] == variable]
            for group, wanted in zip(table.groups["group"], columns, strict=True):
                here = rows[rows["group"] == group]
                for column in ("count", "percent"):
                    assert_close(here[column], wanted[column], f"{name} {variable} {group} {column}")
                assert set(here["n"]) == {wanted["n"]}
                assert set(here["n_missing"]) == {wanted["n_missing"]}
        else:
            rows = table.numbers[table.numbers["variable"] == variable]
            for column in NUMBERS:
                assert_close(rows[column], [wanted[column] for wanted in columns], f"{name} {variable} {column}")


@pytest.mark.parametrize("name", DATA)
def test_differences_are_those_of_the_formulas_in_r(name):
    table, expected = described(name, "mean")
    for variable, truth in expected.items():
        pairs = table.pairs[table.pairs["variable"] == variable]["smd"]
        row = table.comparisons[table.comparisons["variable"] == variable].iloc[0]
        assert_close(pairs, np.atleast_1d(truth["smd_pairs"]), f"{name} {variable} pairs")
        assert_close(row["smd"], truth["smd"], f"{name} {variable} smd")
        assert_close(row["smd_largest"], np.max(truth["smd_pairs"]), f"{name} {variable} largest")
        assert row["smd_reason"] == ""


@pytest.mark.parametrize("summary", ["mean", "median"])
@pytest.mark.parametrize("name", DATA)
def test_tests_are_those_of_r(name, summary):
    table, expected = described(name, summary)
    two = len(table.group_levels) == 2
    methods = {"mean": (WELCH_ANOVA, WELCH_T), "median": (KRUSKAL_WALLIS, RANK_SUM)}[summary]
    for row in table.comparisons.itertuples():
        truth = expected[row.variable]["tests"]
        if not expected[row.variable]["levels"]:
            assert row.method == methods[two]
            assert_close(row.statistic, truth[summary]["statistic"], f"{name} {row.variable} statistic")
            assert_close(row.p_value, truth[summary]["p_value"], f"{name} {row.variable} p")
        elif truth["smallest_expected"] < 5:
            assert row.method == FISHER
            assert_close(row.p_value, truth["fisher"], f"{name} {row.variable} p")
        else:
            assert row.method == CHI_SQUARE
            assert_close(row.statistic, truth["statistic"], f"{name} {row.variable} statistic")
            assert_close(row.p_value, truth["chi_square"], f"{name} {row.variable} p")


def test_the_reference_holds_every_kind_of_test():
    methods = set()
    for name in DATA:
        for summary in ("mean", "median"):
            methods |= set(described(name, summary)[0].comparisons["method"])
    assert methods == {WELCH_T, WELCH_ANOVA, RANK_SUM, KRUSKAL_WALLIS, CHI_SQUARE, FISHER}


def test_fishers_test_is_exact_for_tables_of_any_shape():
    cases = reference("table_one")["fisher"]
    assert len(cases) == 48
    for case in cases:
        assert_close(fisher_exact(case["table"]), case["p_value"], f"Fisher {case['table']}")


@given(st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), min_size=2, max_size=2))
@settings(deadline=None)
def test_fishers_test_agrees_with_scipy_on_two_by_two(table):
    if sum(map(sum, table)) == 0:
        return
    assert fisher_exact(table) == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-9)


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=2, max_size=4),
    st.randoms(use_true_random=False),
)
@settings(deadline=None)
def test_fishers_test_does_not_depend_on_the_order_of_levels_or_groups(table, shuffle):
    rows = [list(row) for row in table]
    shuffle.shuffle(rows)
    assert fisher_exact(np.array(rows).T) == pytest.approx(fisher_exact(table), rel=1e-9)


def test_a_table_too_large_to_count_through_is_refused_and_the_chi_square_test_says_so():
    wide = np.full((9, 6), 40)
    wide[0] = 1
    with pytest.raises(NotEstimable, match="too large for Fisher's exact test"):
        fisher_exact(wide)
    levels = [str(i) for i in range(9)]
    frame = pd.DataFrame({"site": pd.Categorical(np.repeat(levels, wide.sum(axis=1)), levels)})
    group = pd.Series(np.concatenate([np.repeat(list("abcdef"), row) for row in wide]))
    row = table_one(frame, [SITE], group, tests=True).comparisons.iloc[0]
    assert row["method"] == CHI_SQUARE
    assert row["p_value"] == pytest.approx(stats.chi2_contingency(wide, correction=False).pvalue)
    assert "expected counts below 5" in row["reason"]


def patients(ages, sites=None):
    frame = pd.DataFrame({"age": np.array(ages, dtype=float)})
    return frame.assign(site=pd.Categorical(sites or ["A"] * len(ages), ["A", "B", "C"]))


def groups(*sizes):
    return pd.Series(np.repeat(list("xyz")[: len(sizes)], sizes))


def only_row(frame, variable, group, **options):
    return table_one(frame, [variable], group, tests=True, **options).comparisons.iloc[0]


def test_missing_values_are_never_a_group_or_a_level():
    frame = patients([40, 50, np.nan, 70], ["A", None, "B", "B"])
    table = table_one(frame, [AGE, SITE], pd.Series(["x", "x", "y", None]))
    assert table.n_ungrouped == 1
    assert table.groups.to_dict("list") == {"group": [ALL, "x", "y"], "n": [4, 2, 1]}
    assert table.numbers["n"].tolist() == [3, 2, 0]
    assert table.numbers["n_missing"].tolist() == [1, 0, 1]
    assert table.levels["level"].unique().tolist() == ["A", "B"]
    of_all = table.levels[table.levels["group"] == ALL]
    assert of_all["count"].tolist() == [1, 2]
    assert of_all["percent"].tolist() == pytest.approx([100 / 3, 200 / 3])
    assert of_all["n_missing"].tolist() == [1, 1]


def test_what_cannot_be_estimated_says_why():
    ten = groups(5, 5)
    constant = only_row(patients([3.3] * 10), AGE, ten)
    assert (constant["smd"], constant["method"], constant["reason"]) == (0, WELCH_T, "no spread within a group")
    apart = only_row(patients([3] * 5 + [4] * 5), AGE, ten)
    assert np.isnan(apart["smd"])
    assert apart["smd_reason"] == "no spread within the groups"
    ranks = only_row(patients([3] * 10), AGE, ten, summary={"age": "median"})
    assert (ranks["method"], ranks["reason"]) == (RANK_SUM, "all values are equal")
    assert np.isnan(ranks["p_value"])
    few = only_row(patients(range(9)), AGE, groups(5, 4))
    assert np.isnan(few["p_value"])
    assert few["reason"] == "fewer than 5 recorded values in y (4)"
    same = only_row(patients(range(10)), SITE, ten)
    assert (same["smd"], same["reason"]) == (0, "everybody has the same level")
    split = only_row(patients(range(10), ["A"] * 5 + ["B"] * 5), SITE, ten)
    assert (split["smd_reason"], split["method"]) == ("the groups have no level in common", FISHER)
    assert split["p_value"] == pytest.approx(2 / 252)
    nobody = only_row(patients([1, 2, 3, 4, 5] + [np.nan] * 5), AGE, ten)
    assert nobody["smd_reason"] == "fewer than two recorded values in a group"
    alone = only_row(patients(range(5)), AGE, groups(5))
    assert (alone["smd_reason"], alone["reason"]) == ("only one group", "only one group")


def test_one_group_without_spread_is_still_compared_by_two_means():
    row = only_row(patients([5.1] * 6 + [1, 2, 3, 4, 5, 6]), AGE, groups(6, 6))
    assert row["statistic"] == pytest.approx((5.1 - 3.5) / np.sqrt(3.5 / 6))
    assert row["p_value"] == pytest.approx(2 * stats.t.sf((5.1 - 3.5) / np.sqrt(3.5 / 6), 5))


def test_no_patients_and_no_groups():
    table = table_one(patients([]), [AGE, SITE])
    assert table.numbers["n"].tolist() == [0]
    assert table.numbers["mean"].isna().all()
    assert table.levels.empty
    assert table.comparisons.empty
    assert table.n_tests == 0
    with pytest.raises(ValueError, match="neither a number nor a category"):
        table_one(patients([1]), [Variable("age", "Age", "date")])
    with pytest.raises(ValueError, match="one value for every patient"):
        table_one(patients([1]), [AGE], groups(2))
    with pytest.raises(ValueError, match="mean"):
        table_one(patients([1]), [AGE], summary={"age": "mode"})


def test_tests_are_made_only_when_asked_for():
    table = table_one(patients(range(12)), [AGE, SITE], groups(6, 6))
    assert table.n_tests == 0
    assert set(table.comparisons["method"]) == {""}


@given(st.lists(st.sampled_from(["A", "B", "C", None]), min_size=1, max_size=40), st.data())
@settings(deadline=None, max_examples=60)
def test_counts_and_missing_values_add_up(sites, more):
    group = pd.Series(
        more.draw(st.lists(st.sampled_from(["x", "y", None]), min_size=len(sites), max_size=len(sites))), dtype=object
    )
    table = table_one(patients(range(len(sites)), sites), [SITE], group)
    sizes = table.groups.set_index("group")["n"]
    assert sizes[ALL] == len(sites) == sizes.drop(ALL).sum() + table.n_ungrouped
    for name, rows in table.levels.groupby("group"):
        assert rows["count"].sum() == rows["n"].iloc[0]
        assert rows["n"].iloc[0] + rows["n_missing"].iloc[0] == sizes[name]
        assert rows["n"].iloc[0] == 0 or rows["percent"].sum() == pytest.approx(100)


def test_who_was_left_out_is_a_table_of_two_groups():
    frame = patients([30, 40, 50, 60, 70, 80])
    kept = np.array([True, True, True, False, False, False])
    table = kept_and_left_out(frame, [AGE], kept)
    assert table.groups.to_dict("list") == {"group": [ALL, "Kept", "Left out"], "n": [6, 3, 3]}
    assert table.comparisons["smd"].tolist() == pytest.approx([3.0])
    assert table.numbers["mean"].tolist() == [55, 40, 70]
    nobody = kept_and_left_out(frame, [AGE], np.ones(6, dtype=bool))
    assert nobody.group_levels == ("Kept",)
    assert nobody.comparisons["smd_reason"].tolist() == ["only one group"]


def test_what_the_groups_are_made_from_is_not_described_by_them():
    dictionary = read_registry(ROOT / "data" / "sample").dictionary
    by_stage = {v.name for v in described_variables(dictionary, dictionary["stage"])}
    assert not {"stage", "lesion_type"} & by_stage
    assert {"age", "lesion_duration", "sts_courses"} <= by_stage
    by_type = {v.name for v in described_variables(dictionary, dictionary["lesion_type"])}
    assert not {"stage", "lesion_type"} & by_type
    assert {v.name for v in dictionary.filters} - {
        v.name for v in described_variables(dictionary, dictionary["sex"])
    } == {"sex"}
    assert described_variables(dictionary) == dictionary.filters
