"""Fine and Gray's model against cmprsk::crr, and with late entry against survival::finegray."""

import numpy as np
import pandas as pd
import pytest

from core.errors import NotEstimable
from core.survival import Outcome, cox, fine_gray
from tests.reference.loading import assert_close, data, reference

EXPECTED = reference("cox")["fine_gray"]


def competing(name):
    frame = data(f"cox_competing_{name}")
    entry = frame.get("entry")
    return Outcome(frame["time"], frame["cause"], entry), frame[EXPECTED[name]["term"]]


@pytest.mark.parametrize("name", list(EXPECTED))
def test_equal_to_r(name):
    outcome, covariates = competing(name)
    result = fine_gray(outcome, covariates)
    assert_close(result.terms["coef"], EXPECTED[name]["coef"], f"{name} coef")
    assert_close(result.terms["std_error"], EXPECTED[name]["std_error"], f"{name} std_error")
    assert_close(result.log_likelihood, EXPECTED[name]["log_likelihood"], f"{name} log-likelihood")


def test_names_of_causes_and_order_of_rows_change_nothing():
    outcome, covariates = competing("mgus2")
    result = fine_gray(outcome, covariates)
    renamed = Outcome(outcome.time, np.array([0, 5, 1])[outcome.cause])
    np.testing.assert_array_equal(fine_gray(renamed, covariates, cause=5).terms["coef"], result.terms["coef"])
    order = np.random.default_rng(1).permutation(len(outcome))
    shuffled = fine_gray(outcome.take(order), covariates.iloc[order])
    np.testing.assert_allclose(shuffled.terms["std_error"], result.terms["std_error"], rtol=1e-9)


def test_without_competing_events_it_is_cox():
    outcome, covariates = competing("pbc")
    alone = Outcome(outcome.time, outcome.cause == 1)
    np.testing.assert_allclose(
        fine_gray(alone, covariates).terms["coef"], cox(alone, covariates, ties="breslow").terms["coef"], rtol=1e-8
    )


def test_without_censoring_the_competing_stay_at_risk_for_ever():
    outcome, covariates = competing("bmt")
    seen = outcome.cause > 0
    complete, x = outcome.take(seen), covariates[seen]
    late = Outcome(np.where(complete.cause == 1, complete.time, 1e6), complete.cause == 1)
    np.testing.assert_allclose(
        fine_gray(complete, x).terms["coef"], cox(late, x, ties="breslow").terms["coef"], rtol=1e-8
    )


def test_a_level_without_events_and_refusals():
    outcome, covariates = competing("mgus2")
    level = np.where(
        (covariates["age"] > 75) & (outcome.cause != 1), "none", np.where(covariates["male"] > 0, "m", "f")
    )
    frame = covariates.assign(level=pd.Categorical(level))[["mspike", "level"]]
    terms = fine_gray(outcome, frame).terms
    row = terms[terms["level"] == "none"].iloc[0]
    assert row["note"] == "not estimable: no events in this group"
    assert np.isnan(row[["coef", "estimate", "conf_high"]].astype(float)).all()
    rest = frame["level"] != "none"
    assert terms.loc[terms["level"] == "m", "estimate"].notna().all()
    assert np.count_nonzero(rest) == terms.loc[terms["covariate"] == "level", "n"].iloc[:2].sum()
    with pytest.raises(NotEstimable, match="had the event"):
        fine_gray(outcome, covariates, cause=7)
    with pytest.raises(NotEstimable, match="No hazard ratio"):
        fine_gray(outcome, pd.Series(np.where(outcome.cause == 1, 1.0, 0.0), name="told by the outcome"))
