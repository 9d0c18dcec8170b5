"""Cox's model against formulas worked by hand, R's coxph, and what must hold for any cohort."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from core.errors import NotEstimable
from core.survival import Outcome, cox, interaction_test
from tests.core.survival.cox_cases import SETS, as_list, case, cohorts, fitted_rows
from tests.reference.loading import assert_close, data, reference

SIX = Outcome([1, 1, 6, 6, 8, 9], [1, 0, 1, 1, 0, 1])
SIX_X = pd.DataFrame({"x": [1.0, 1, 1, 0, 0, 0]})


def test_six_patients_by_hand_breslow():
    # 2b - log(3r + 3) - 2 log(r + 3) with r = exp(b) is highest where r^2 - 3r - 6 = 0 ... r = (3 + sqrt 33) / 2
    r = (3 + np.sqrt(33)) / 2
    result = cox(SIX, SIX_X, ties="breslow")
    assert result.terms["estimate"][0] == pytest.approx(r, rel=1e-9)
    information = r / (r + 1) ** 2 + 2 * 3 * r / (r + 3) ** 2
    assert result.terms["std_error"][0] == pytest.approx(information**-0.5, rel=1e-9)
    null, best = result.log_likelihood
    assert null == pytest.approx(-np.log(6) - 2 * np.log(4), rel=1e-12)
    assert best == pytest.approx(2 * np.log(r) - np.log(3 * r + 3) - 2 * np.log(r + 3), rel=1e-12)
    # score at zero: 2 - 1/2 - 2/4 = 1, information 1/4 + 2 * 3/16 = 5/8
    assert result.tests["statistic"][2] == pytest.approx(1 / (5 / 8), rel=1e-12)


def test_six_patients_by_hand_efron():
    # at time 6 the second of the tied deaths leaves half of each: (r + 3) then (r + 3) - (r + 1) / 2
    def score(b):
        r = np.exp(b)
        return 2 - r / (r + 1) - r / (r + 3) - r / (r + 5)

    b = brentq(score, -5, 5, xtol=1e-14)
    result = cox(SIX, SIX_X)
    assert result.terms["coef"][0] == pytest.approx(b, rel=1e-9)
    r = np.exp(b)
    information = r / (r + 1) ** 2 + 3 * r / (r + 3) ** 2 + 5 * r / (r + 5) ** 2
    assert result.terms["std_error"][0] == pytest.approx(information**-0.5, rel=1e-9)
    assert result.log_likelihood[0] == pytest.approx(-np.log(6) - np.log(4) - np.log(3), rel=1e-12)


def test_two_groups_without_ties_by_hand():
    # order of death: a b a; likelihood 1/(2r'+..)... with x = 1 for b: r/(r+2)-type factors, worked out below
    outcome = Outcome([1, 2, 3, 4], [1, 1, 1, 0])
    result = cox(outcome, pd.DataFrame({"x": [0.0, 1, 0, 1]}))
    # l(b) = b - log(2 + 2r) - log(1 + 2r) - log(1 + r); l' = 0  <=>  1 = 2r/(1+r) + 2r/(1+2r)
    r = brentq(lambda r: 1 - r / (1 + r) - 2 * r / (1 + 2 * r) - r / (1 + r), 1e-3, 10, xtol=1e-15)
    assert result.terms["estimate"][0] == pytest.approx(r, rel=1e-9)


def test_concordance_by_hand():
    # pairs whose order is known: (1,2) (1,3) (1,4) (3,4) by time; risk 3 1 2 2 -> 3 right, 1 tie
    outcome = Outcome([1, 2, 3, 4], [1, 0, 1, 0])
    from core.survival.concordance import concordance

    estimate, _ = concordance(outcome, np.array([3, 1, 2, 2]))
    assert estimate == pytest.approx(3.5 / 4)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", [s for s in SETS if s not in ("no_events_in_level", "collinear")])
def test_equal_to_r(name, ties):
    outcome, covariates, strata, expected = case(name)
    want = expected[ties]["model"]
    result = cox(outcome, covariates, ties=ties, stratify=strata)
    rows = fitted_rows(result)
    assert_close(rows["coef"], as_list(want["coef"]), f"{name} {ties} coef")
    assert_close(rows["std_error"], as_list(want["std_error"]), f"{name} {ties} std_error")
    assert_close(result.log_likelihood, want["log_likelihood"], f"{name} {ties} log-likelihood")
    assert_close(result.tests["statistic"][[0, 2]], [want["tests"][0], want["tests"][2]], f"{name} {ties} tests")
    # R prints the Wald statistic with two decimals only
    assert result.tests["statistic"][1] == pytest.approx(want["tests"][1], abs=0.00501)
    assert (result.tests["df"] == want["df"]).all()
    assert_close(list(result.concordance.values()), want["concordance"], f"{name} {ties} concordance")
    assert (result.n, result.n_event) == (want["n"], want["n_event"])
    assert result.n + result.n_excluded == len(outcome)


def test_a_level_without_events_leaves_the_rest_as_r_has_it():
    outcome, covariates, _, expected = case("no_events_in_level")
    want = expected["efron"]["model"]
    result = cox(outcome, covariates)
    rows = fitted_rows(result).set_index("level")
    assert np.isnan(
        rows.loc["c", ["coef", "std_error", "estimate", "conf_low", "conf_high", "p_value"]].astype(float)
    ).all()
    assert rows.loc["c", "note"] == "not estimable: no events in this group"
    kept = [want["term"].index(term) for term in ("wardb", "age", "wt_loss")]
    assert_close(rows["coef"].dropna(), [want["coef"][i] for i in kept], "coef")
    assert_close(rows["std_error"].dropna(), [want["std_error"][i] for i in kept], "std_error")
    assert_close(result.log_likelihood, want["log_likelihood"], "log-likelihood")
    assert_close(result.tests["statistic"][2], want["tests"][2], "score test")
    assert_close(result.concordance["estimate"], want["concordance"][0], "concordance")


def test_a_determined_covariate_is_left_out_and_named():
    outcome, covariates, _, expected = case("collinear")
    want = expected["efron"]["model"]
    result = cox(outcome, covariates)
    assert_close(result.terms["coef"], want["coef"], "coef")
    assert result.left_out == (("double", "it is determined by age, wt_loss"),)
    assert result.terms["note"].iloc[2] == "left out: it is determined by age, wt_loss"
    assert (result.tests["df"] == 2).all()


@pytest.mark.parametrize("name", ["lung", "colon", "veteran", "pbc"])
def test_interaction_equal_to_r(name):
    outcome, covariates, _, _ = case(name)
    want = reference("cox")["interactions"][name]
    result = interaction_test(outcome, covariates[want["a"]], covariates[want["b"]])
    assert_close([result.statistic], [want["statistic"]], f"{name} statistic", atol=1e-7)
    assert result.df == want["df"]
    assert_close(result.effects["coef"], want["coef"], f"{name} coef")
    assert_close(result.effects["std_error"], want["std_error"], f"{name} std_error")
    product = cox(outcome, covariates[[want["a"], want["b"]]])
    assert product.n == result.n


def test_product_columns_are_an_interaction():
    outcome, covariates, _, _ = case("lung")
    female = (covariates["sex"] == "female").astype(float)
    frame = pd.DataFrame({"age": covariates["age"], "female": female})
    full = cox(outcome, frame.assign(product=frame["age"] * frame["female"]))
    result = interaction_test(outcome, frame["age"], frame["female"].astype(bool))
    assert result.statistic == pytest.approx(
        2 * (full.log_likelihood[1] - cox(outcome, frame).log_likelihood[1]), abs=1e-9
    )
    assert result.effects["coef"][0] == pytest.approx(full.terms["coef"][0], rel=1e-8)


def test_interaction_effects_of_a_number_at_quartiles():
    outcome, covariates, _, _ = case("lung")
    result = interaction_test(outcome, covariates["sex"], covariates["age"])
    assert result.df == 1
    assert list(result.effects["within"].unique()) == list(np.quantile(covariates["age"], [0.25, 0.5, 0.75]))
    slope = np.diff(result.effects["coef"].dropna())
    assert np.all(slope < 0)


def test_interaction_in_an_empty_cell_says_so():
    outcome, covariates, _, _ = case("lung")
    a = covariates["ph_ecog"]
    b = pd.Series(np.where(covariates["age"] > 60, "older", "younger"), name="band")
    b[a == "3"] = "older"
    result = interaction_test(outcome, a, b)
    row = result.effects[(result.effects["within"] == "younger") & (result.effects["level"] == "3")].iloc[0]
    assert np.isnan(row["estimate"])
    assert row["note"] == "not estimable: nobody is in this group"


@settings(max_examples=40, deadline=None)
@given(cohorts(), st.floats(0.1, 100), st.sampled_from(["efron", "breslow"]))
def test_scaling_and_order_of_rows_change_nothing(cohort, factor, ties):
    outcome, covariates = cohort
    rescaled = covariates.assign(x=covariates["x"] * factor)
    try:
        result = cox(outcome, covariates, ties=ties)
    except NotEstimable:
        with pytest.raises(NotEstimable):
            cox(outcome, rescaled, ties=ties)
        return
    scaled = cox(outcome, rescaled, ties=ties)
    np.testing.assert_allclose(scaled.terms["statistic"], result.terms["statistic"], rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(scaled.terms["coef"][0] * factor, result.terms["coef"][0], rtol=1e-7, atol=1e-9)
    order = np.random.default_rng(0).permutation(len(outcome))
    shuffled = cox(outcome.take(order), covariates.iloc[order], ties=ties)
    np.testing.assert_allclose(shuffled.terms["coef"], result.terms["coef"], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(shuffled.tests["statistic"], result.tests["statistic"], rtol=1e-8, atol=1e-8)
    assert shuffled.concordance["estimate"] == pytest.approx(result.concordance["estimate"], abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(cohorts())
def test_swapping_two_groups_inverts_the_ratio(cohort):
    outcome, covariates = cohort
    group = pd.Series(covariates["group"] == "a")
    assume(group.nunique() == 2)
    assume(outcome.event[group].any())
    assume(outcome.event[~group].any())
    try:
        one = cox(outcome, group).terms
    except NotEstimable:
        return
    other = cox(outcome, ~group).terms
    assert one["estimate"][1] * other["estimate"][1] == pytest.approx(1, rel=1e-8)
    assert one["conf_low"][1] * other["conf_high"][1] == pytest.approx(1, rel=1e-8)


@settings(max_examples=40, deadline=None)
@given(cohorts(max_rows=40), st.booleans())
def test_concordance_counts_every_pair(cohort, stratified):
    from core.survival.concordance import concordance

    outcome, _ = cohort
    n = len(outcome)
    rng = np.random.default_rng(n)
    risk, stratum = rng.integers(0, 6, n), rng.integers(0, 2, n) if stratified else np.zeros(n, dtype=int)
    time, event = outcome.time, outcome.event
    entry = np.full(n, -np.inf) if outcome.entry is None else outcome.entry
    share, compared = np.zeros(n), np.zeros(n)
    for i in np.flatnonzero(event):
        for j in range(n):
            outlives = time[j] > time[i] or (time[j] == time[i] and not event[j])
            if stratum[i] == stratum[j] and outlives and entry[j] < time[i]:
                for k in (i, j):
                    share[k] += (risk[i] > risk[j]) + (risk[i] == risk[j]) / 2
                    compared[k] += 1
    estimate, std_error = concordance(outcome, risk, stratum)
    if not compared.any():
        assert np.isnan(estimate)
        return
    want = share.sum() / compared.sum()
    assert estimate == pytest.approx(want, abs=1e-12)
    assert std_error == pytest.approx(np.sqrt(((share - want * compared) ** 2).sum()) / (compared.sum() / 2), abs=1e-12)


def test_missing_values_are_left_out_and_counted():
    frame = data("cox_lung")
    outcome = Outcome(frame["time"], frame["cause"])
    result = cox(outcome, frame[["age", "wt_loss"]])
    missing = int(frame["wt_loss"].isna().sum())
    assert result.n_excluded == missing
    assert result.n == len(frame) - missing


def test_the_first_level_with_rows_is_the_reference():
    outcome = Outcome([1, 2, 3, 4, 5, 6, 7, 8], [1] * 8)
    group = pd.Series(pd.Categorical(list("bcbcbcbc"), categories=["a", "b", "c"]), name="g")
    terms = cox(outcome, group).terms
    assert list(terms["level"]) == ["b", "c"]
    assert list(terms["is_reference"]) == [True, False]
    assert list(terms["n"]) == [4, 4]
    assert terms["estimate"][0] == 1
    assert np.isnan(terms["conf_low"][0])


def test_yes_no_and_text_are_categories():
    outcome = Outcome([1, 2, 3, 4, 5, 6, 7, 8], [1] * 8)
    flag = pd.Series([True, False, True, False, False, True, False, True], name="flag")
    text = flag.map({True: "yes", False: "no"})
    nullable = flag.astype("boolean")
    coefs = [cox(outcome, values).terms["coef"][1] for values in (flag, text, nullable)]
    assert coefs[0] == coefs[1] == coefs[2]


def test_conf_level_changes_the_interval_only():
    outcome, covariates, _, _ = case("veteran")
    wide, narrow = cox(outcome, covariates, conf_level=0.99).terms, cox(outcome, covariates, conf_level=0.9).terms
    assert (wide["estimate"] == narrow["estimate"]).all()
    inside = narrow["conf_low"].dropna().to_numpy() > wide["conf_low"].dropna().to_numpy()
    assert inside.all()


def test_wrong_arguments():
    outcome = Outcome([1, 2, 3], [1, 0, 1])
    with pytest.raises(ValueError, match="2 rows"):
        cox(outcome, pd.DataFrame({"x": [1, 2]}))
    with pytest.raises(ValueError, match="ties"):
        cox(outcome, pd.DataFrame({"x": [1, 2, 3]}), ties="exact")
    with pytest.raises(ValueError, match="infinite"):
        cox(outcome, pd.DataFrame({"x": [1, 2, np.inf]}))
    with pytest.raises(ValueError, match="different names"):
        cox(outcome, pd.DataFrame([[1, 2]] * 3, columns=["x", "x"]))
    with pytest.raises(ValueError, match="neither"):
        cox(outcome, pd.DataFrame({"x": pd.to_datetime(["2020-01-01"] * 3)}))
    with pytest.raises(ValueError, match="stratify"):
        cox(outcome, pd.DataFrame({"x": [1, 2, 3]}), stratify=pd.Series([1, 2]))
    with pytest.raises(ValueError, match="at least one"):
        cox(outcome, pd.DataFrame(index=range(3)))
