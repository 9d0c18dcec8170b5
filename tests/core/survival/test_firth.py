"""Firth's penalised likelihood against its formula, an independent maximiser and firthmodels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from scipy.optimize import brentq, minimize_scalar

from core.errors import NotEstimable
from core.survival import Outcome, cox, firth_cox
from tests.core.survival.cox_cases import case, cohorts

firthmodels = pytest.importorskip("firthmodels")


def penalised(outcome, x, b, efron):
    """The log partial likelihood of one covariate plus half the log of its information, risk set by risk set."""
    entry = np.full(len(outcome), -np.inf) if outcome.entry is None else outcome.entry
    value = information = 0.0
    for t in np.unique(outcome.time[outcome.event]):
        at_risk = (entry < t) & (outcome.time >= t)
        dying = outcome.event & (outcome.time == t)
        d = np.count_nonzero(dying)
        for k in range(d):
            weight = np.exp(b * x) * (at_risk - (k / d if efron else 0) * dying)
            mean = (weight * x).sum() / weight.sum()
            information += (weight * (x - mean) ** 2).sum() / weight.sum()
            value -= np.log(weight.sum())
        value += b * x[dying].sum()
    return value + np.log(information) / 2 if information > 1e-12 else -np.inf


@settings(max_examples=40, deadline=None)
@given(cohorts(max_rows=30))
def test_one_covariate_by_the_formula(cohort):
    outcome, covariates = cohort
    group = (covariates["group"] == "a").to_numpy().astype(float)
    for ties in ("efron", "breslow"):
        try:
            row = firth_cox(outcome, pd.Series(group), ties=ties)
        except NotEstimable:
            assert penalised(outcome, group, 0.0, False) == -np.inf
            return

        def f(b, efron=ties == "efron"):
            return penalised(outcome, group, b, efron)

        best = minimize_scalar(lambda b: -f(b), bounds=(-15, 15), method="bounded", options={"xatol": 1e-9})
        terms = row.terms.iloc[0]
        assert terms["coef"] == pytest.approx(best.x, abs=1e-5)
        assert row.log_likelihood == pytest.approx((f(0.0), -best.fun), abs=1e-9)
        assert terms["statistic"] ** 2 == pytest.approx(2 * (-best.fun - f(0.0)), abs=1e-8)
        for limit in np.log([terms["conf_low"], terms["conf_high"]]):
            assert f(limit) == pytest.approx(-best.fun - 3.841458820694124 / 2, abs=1e-7)


def test_everybody_with_the_event_in_one_group():
    # no ties, every event in group 1: l(b) = sum over events of log(r / (n1 r + n0)) + log(information) / 2
    outcome = Outcome([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0])
    x = pd.Series([1.0, 1, 1, 0, 0, 0], name="x")
    with pytest.raises(NotEstimable):
        cox(outcome, x)

    def slope(b, h=1e-6):
        f = penalised
        return (f(outcome, x.to_numpy(), b + h, False) - f(outcome, x.to_numpy(), b - h, False)) / (2 * h)

    result = firth_cox(outcome, x)
    assert result.terms["coef"][0] == pytest.approx(brentq(slope, 0, 10), abs=1e-6)
    assert np.isfinite(result.terms[["conf_low", "conf_high", "p_value"]].to_numpy()).all()


@pytest.mark.parametrize(
    ("name", "columns"),
    [("lung", ["age", "wt_loss"]), ("veteran", ["karno", "age", "trt"]), ("larynx", ["age", "diagyr"])],
)
def test_equal_to_firthmodels(name, columns):
    outcome, covariates, _, _ = case(name)
    kept = covariates[columns].notna().all(axis=1).to_numpy()
    x = covariates.loc[kept, columns]
    other = firthmodels.FirthCoxPH(backend="numpy", gtol=1e-8, xtol=1e-8, max_iter=500)
    other.fit(x.to_numpy(float), (outcome.event[kept], outcome.time[kept]))
    interval = other.conf_int(method="pl", tol=1e-10, max_iter=500)
    other.lrt()
    result = firth_cox(outcome, covariates[columns], ties="breslow")
    terms = result.terms
    np.testing.assert_allclose(terms["coef"], other.coef_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(terms["std_error"], other.bse_, rtol=1e-6)
    np.testing.assert_allclose(np.log(terms[["conf_low", "conf_high"]]), interval, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(terms["p_value"], other.lrt_pvalues_, rtol=1e-6, atol=1e-9)
    assert result.log_likelihood[1] == pytest.approx(other.loglik_, abs=1e-9)
    assert result.n_excluded == np.count_nonzero(~kept)


def test_units_and_entry_and_strata():
    outcome, covariates, _, _ = case("heart")
    frame = covariates[["age", "year"]]
    surgery = covariates["surgery"]
    result = firth_cox(outcome, frame, stratify=surgery)
    scaled = firth_cox(outcome, frame * [100, 0.01], stratify=surgery)
    np.testing.assert_allclose(scaled.terms["statistic"], result.terms["statistic"], rtol=1e-6)
    np.testing.assert_allclose(scaled.terms["coef"] * [100, 0.01], result.terms["coef"], rtol=1e-7)
    plain = cox(outcome, frame, stratify=surgery)
    # with 75 events the penalty moves a coefficient by a fraction of its standard error
    assert (abs(plain.terms["coef"] - result.terms["coef"]) < 0.3 * plain.terms["std_error"]).all()


def test_a_group_without_events_beside_others():
    outcome, covariates, _, _ = case("no_events_in_level")
    result = firth_cox(outcome, covariates)
    assert np.isfinite(result.terms.loc[~result.terms["is_reference"], "estimate"]).all()
    row = result.terms[result.terms["level"] == "c"].iloc[0]
    assert row["conf_low"] < row["estimate"] < row["conf_high"] < 1
    assert list(result.tests["test"]) == ["penalised likelihood ratio", "Wald"]


def test_refusals():
    with pytest.raises(NotEstimable, match="had the event"):
        firth_cox(Outcome([1, 2], [0, 0]), pd.Series([1.0, 2]))
    with pytest.raises(NotEstimable, match="No covariate varies"):
        firth_cox(Outcome([1, 2, 3], [1, 1, 0]), pd.Series([1.0, 1, 1]))
