"""The log-rank family by hand, against R, by its properties, and on awkward input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NotEstimable
from core.survival.logrank import METHODS, adjusted, logrank_test, pairwise_logrank, trend_test
from core.survival.outcome import Outcome
from tests.reference.loading import assert_close
from tests.reference.nonparametric import as_list, having, public_set

TESTED = having("tests")
# the weights that nonparametric.R uses
PARAMETERS = {"rho": 0.5, "gamma": 2.0}


def test_the_statistic_by_hand():
    # a: 1, 3+; b: 2, 4. At 1: 2 of 4 at risk in a, E = 1/2, V = 1/4; at 2: 1 of 3, E = 1/3, V = 2/9; at 4: only b.
    # O - E in a = 1 - 5/6 = 1/6; V = 17/36; chi2 = (1/36) / (17/36) = 1/17
    result = logrank_test(Outcome([1, 3, 2, 4], [1, 0, 1, 1]), pd.Series(["a", "a", "b", "b"]))
    assert result.statistic == pytest.approx(1 / 17)
    assert result.df == 1
    assert result.groups["observed"].tolist() == [1, 2]
    assert_close(result.groups["expected"], [5 / 6, 13 / 6], "expected")


@pytest.mark.parametrize("name", TESTED)
@pytest.mark.parametrize("weights", list(METHODS))
def test_the_weighted_tests_equal_r(name, weights):
    given_set = public_set(name)
    want = given_set.expected["tests"][weights]
    if want["statistic"] is None:
        with pytest.raises(NotEstimable):
            logrank_test(given_set.outcome, given_set.strata, weights=weights, **PARAMETERS)
        return
    result = logrank_test(given_set.outcome, given_set.strata, weights=weights, **PARAMETERS)
    assert_close(result.statistic, want["statistic"], f"{name} {weights}")
    assert result.df == want["df"]
    assert_close(result.p_value, want["p_value"], f"{name} {weights} p")
    assert_close(result.groups["observed"], want["observed"], f"{name} {weights} observed")
    assert_close(result.groups["expected"], want["expected"], f"{name} {weights} expected")
    assert result.n_excluded == len(given_set.outcome) - given_set.expected["n"]


@pytest.mark.parametrize("name", having("tests", "stratified"))
def test_the_stratified_tests_equal_r(name):
    given_set = public_set(name)
    want = given_set.expected["tests"]["stratified"]
    result = logrank_test(given_set.outcome, given_set.strata, stratify=given_set.layer)
    assert_close(result.statistic, want["statistic"], f"{name} stratified")
    assert result.df == want["df"]
    assert_close(result.groups["observed"], want["observed"], f"{name} observed")
    assert_close(result.groups["expected"], want["expected"], f"{name} expected")
    assert result.groups["n"].sum() == want["n"]
    assert result.n_excluded == len(given_set.outcome) - want["n"]
    gehan = logrank_test(given_set.outcome, given_set.strata, weights="gehan", stratify=given_set.layer)
    assert_close(gehan.statistic, want["gehan"], f"{name} stratified Gehan")


@pytest.mark.parametrize("name", TESTED)
def test_the_trend_equals_r(name):
    given_set = public_set(name)
    want, n_levels = given_set.expected["tests"], len(as_list(given_set.expected["levels"]))
    result = trend_test(given_set.outcome, given_set.strata)
    assert_close(result.statistic, want["trend"], f"{name} trend")
    squares = trend_test(given_set.outcome, given_set.strata, scores=np.arange(1, n_levels + 1) ** 2)
    assert_close(squares.statistic, want["trend_squares"], f"{name} trend, squared scores")
    assert result.df == 1


@pytest.mark.parametrize("scores", [None, [0, 1, 2, 3], [10, 20, 30, 40], [4, 3, 2, 1], [-1e6, 0, 1e6, 2e6]])
def test_the_trend_over_larynx_stages_does_not_depend_on_linear_scores(scores):
    given_set = public_set("larynx")
    assert round(trend_test(given_set.outcome, given_set.strata, scores=scores).statistic, 2) == 13.83


@pytest.mark.parametrize("name", having("tests", "pairwise"))
def test_the_pairs_equal_r(name):
    given_set = public_set(name)
    want = given_set.expected["tests"]["pairwise"]
    for adjust, column in (("holm", "holm"), ("bonferroni", "bonferroni"), ("none", "p_value")):
        got = pairwise_logrank(given_set.outcome, given_set.strata, adjust=adjust)
        assert got["stratum_a"].tolist() == as_list(want["a"])
        assert got["stratum_b"].tolist() == as_list(want["b"])
        assert_close(got["statistic"], as_list(want["statistic"]), f"{name} pairs")
        assert_close(got["p_value"], as_list(want["p_value"]), f"{name} pairs p")
        assert_close(got["p_adjusted"], as_list(want[column]), f"{name} pairs {adjust}")


def test_holm_by_hand():
    # sorted 0.01, 0.02, 0.03 times 3, 2, 1: 0.03, 0.04, 0.03 raised to 0.04; the missing one is not counted
    got = adjusted(np.array([0.03, np.nan, 0.01, 0.02]), "holm")
    assert_close(got, [0.04, np.nan, 0.03, 0.04], "Holm")


patients = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 1), st.sampled_from(["a", "b", "c"]), st.integers(0, 1)),
    min_size=3,
    max_size=40,
)


def _or_none(test, *arguments, **options):
    try:
        return test(*arguments, **options)
    except NotEstimable:
        return None


@settings(max_examples=50, deadline=None)
@given(patients, st.randoms(use_true_random=False), st.sampled_from(list(METHODS)))
def test_order_and_names_do_not_matter(rows, random, weights):
    def made(rows, names):
        time, cause, group, layer = zip(*rows, strict=True)
        outcome = Outcome(np.array(time, dtype=float), cause)
        strata = pd.Series(group).map(names)
        return _or_none(logrank_test, outcome, strata, weights=weights, **PARAMETERS, stratify=pd.Series(layer))

    first = made(rows, {"a": "a", "b": "b", "c": "c"})
    shuffled = list(rows)
    random.shuffle(shuffled)
    second = made(shuffled, {"a": "z", "b": "y", "c": "x"})
    assert (first is None) == (second is None)
    if first is not None:
        assert second.statistic == pytest.approx(first.statistic, rel=1e-9, abs=1e-12)
        assert second.df == first.df
        assert first.statistic >= 0
        assert 0 <= first.p_value <= 1
        assert first.groups["observed"].sum() == pytest.approx(first.groups["expected"].sum())


def test_weights_one_by_two_names_agree():
    given_set = public_set("veteran")
    for weights, rho in (("log-rank", 0), ("peto", 1)):
        named = logrank_test(given_set.outcome, given_set.strata, weights=weights)
        general = logrank_test(given_set.outcome, given_set.strata, weights="fleming-harrington", rho=rho, gamma=0)
        assert general.statistic == pytest.approx(named.statistic, rel=1e-12)


def test_one_group_is_not_a_comparison():
    with pytest.raises(NotEstimable, match=r"at least two groups.*only a"):
        logrank_test(Outcome([1, 2], [1, 1]), pd.Series(["a", "a"]))
    with pytest.raises(NotEstimable, match="only a"):
        logrank_test(Outcome([1, 2], [1, 1]), pd.Series(["a", None]))
    with pytest.raises(NotEstimable, match="there are no patients"):
        trend_test(Outcome([], []), pd.Series([], dtype=object))


def test_no_event_is_nothing_to_compare():
    outcome, strata = Outcome([1, 2, 3], [0, 0, 2]), pd.Series(["a", "b", "a"])
    for test in (logrank_test, trend_test, pairwise_logrank):
        with pytest.raises(NotEstimable, match="No event happened in these groups"):
            test(outcome, strata)


def test_groups_never_at_risk_together_cannot_be_compared():
    outcome = Outcome([1, 2, 5, 6], [1, 1, 1, 1], [0, 0, 3, 3])
    for test in (logrank_test, trend_test):
        with pytest.raises(NotEstimable, match="follow-up overlaps"):
            test(outcome, pd.Series(["a", "a", "b", "b"]))


def test_everybody_dying_at_once_says_nothing():
    with pytest.raises(NotEstimable, match="cannot be compared"):
        logrank_test(Outcome([5] * 4, [1] * 4), pd.Series(["a", "b"] * 2))


def test_a_group_never_at_risk_costs_its_degree_of_freedom():
    # c is censored before the first event
    outcome = Outcome([1, 3, 2, 4, 0.5], [1, 0, 1, 1, 0])
    result = logrank_test(outcome, pd.Series(["a", "a", "b", "b", "c"]))
    assert result.df == 1
    assert result.statistic == pytest.approx(1 / 17)
    pairs = pairwise_logrank(outcome, pd.Series(["a", "a", "b", "b", "c"]))
    assert pairs["statistic"].isna().tolist() == [False, True, True]


def test_a_level_whose_layer_is_missing_drops_out():
    outcome, strata = Outcome([1, 2, 3, 4, 5], [1, 1, 1, 1, 1]), pd.Series(["a", "b", "a", "b", "c"])
    result = logrank_test(outcome, strata, stratify=pd.Series([1, 1, 1, 1, None]))
    assert result.groups["stratum"].tolist() == ["a", "b"]
    assert result.n_excluded == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda o, s: logrank_test(o, s, weights="wilcoxon"),
        lambda o, s: trend_test(o, s, scores=[1, 2, 3]),
        lambda o, s: trend_test(o, s, scores=[1, 1]),
        lambda o, s: pairwise_logrank(o, s, adjust="fdr"),
        lambda o, s: logrank_test(o, s, stratify=pd.Series([1])),
    ],
)
def test_mistakes_of_the_programmer_are_value_errors(wrong):
    with pytest.raises(ValueError, match="must"):
        wrong(Outcome([1, 2, 3], [1, 1, 0]), pd.Series(["a", "b", "a"]))
