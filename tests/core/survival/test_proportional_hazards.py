"""The proportional-hazards test and Schoenfeld residuals against R's cox.zph of survival 3."""

import numpy as np
import pandas as pd
import pytest

from core.errors import NotEstimable
from core.survival import Outcome, proportional_hazards_test, schoenfeld_residuals
from tests.core.survival.cox_cases import SETS, as_list, case
from tests.reference.loading import assert_close, reference

TESTED = [s for s in SETS if "zph" in reference("cox")["sets"][s]["efron"]]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("transform", ["km", "identity", "log", "rank"])
@pytest.mark.parametrize("name", TESTED)
def test_equal_to_r(name, transform, ties):
    outcome, covariates, strata, expected = case(name)
    want = expected[ties]["zph"][transform]
    result = proportional_hazards_test(outcome, covariates, transform=transform, ties=ties, stratify=strata)
    assert list(result["term"]) == [*covariates.columns, "GLOBAL"]
    assert_close(result["statistic"], want["statistic"], f"{name} {transform} {ties}")
    assert_close(result["p_value"], want["p_value"], f"{name} {transform} {ties}", rtol=1e-5)
    assert list(result["df"]) == want["df"]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", [s for s in TESTED if "residuals" in reference("cox")["sets"][s]["efron"]])
def test_residuals_equal_to_r(name, ties):
    outcome, covariates, strata, expected = case(name)
    want = expected[ties]["residuals"]
    result = schoenfeld_residuals(outcome, covariates, ties=ties, stratify=strata)
    m = len(want["time"])
    scaled = np.array([[np.nan if v is None else v for v in as_list(row)] for row in want["scaled"]], dtype=float)
    for j in range(scaled.shape[1]):
        ours = result.iloc[j * m : (j + 1) * m]
        # events at one time come in an order of their own
        got = ours.sort_values(["time", "scaled"])
        order = np.lexsort((scaled[:, j], np.array(want["time"])))
        assert_close(got["time"], np.array(want["time"])[order], name)
        assert_close(got["scaled"], scaled[order, j], f"{name} column {j}", atol=1e-8)
        assert_close(np.sort(ours["transformed_time"]), np.sort(np.array(want["transformed_time"], dtype=float)), name)


def test_residuals_add_up_to_zero():
    outcome, covariates, _, _ = case("veteran")
    result = schoenfeld_residuals(outcome, covariates)
    assert result.groupby(["covariate", "level"])["residual"].sum().abs().max() < 1e-6


def test_six_patients_by_hand():
    # Breslow, r = exp(b): residuals 1 - r/(r+1), then at the tied time 1 - r/(r+3) and -r/(r+3), then 0
    r = (3 + np.sqrt(33)) / 2
    outcome = Outcome([1, 1, 6, 6, 8, 9], [1, 0, 1, 1, 0, 1])
    result = schoenfeld_residuals(outcome, pd.DataFrame({"x": [1.0, 1, 1, 0, 0, 0]}), ties="breslow")
    expected = [1 / (r + 1), 3 / (r + 3), -r / (r + 3), 0]
    np.testing.assert_allclose(result["residual"], expected, atol=1e-10)
    np.testing.assert_allclose(result["transformed_time"], [0, 1 - 5 / 6, 1 - 5 / 6, 1 - 5 / 12])


def test_refusals():
    outcome = Outcome([0, 1, 2, 3, 4, 5], [1, 1, 1, 0, 1, 1])
    x = pd.Series([1.0, 3, 2, 5, 4, 1], name="x")
    with pytest.raises(NotEstimable, match="time zero"):
        proportional_hazards_test(outcome, x, transform="log")
    with pytest.raises(ValueError, match="transform"):
        proportional_hazards_test(outcome, x, transform="sqrt")
    with pytest.raises(NotEstimable, match="no hazard ratio for x"):
        proportional_hazards_test(outcome, pd.Series(-outcome.time, name="x"))


def test_all_events_at_one_time_cannot_change_over_time():
    result = proportional_hazards_test(Outcome([5, 5, 5, 6, 6], [1, 1, 1, 0, 0]), pd.Series([1.0, 4, 2, 3, 5]))
    assert result["statistic"].isna().all()
    assert result["p_value"].isna().all()
