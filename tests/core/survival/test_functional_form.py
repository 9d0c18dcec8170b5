"""Splines in Cox models: equal to R's natural splines, and true to what a shape must be."""

import numpy as np
import pandas as pd
import pytest

from core.errors import NotEstimable
from core.survival.functional_form import functional_form
from core.survival.outcome import Outcome
from tests.reference.loading import assert_close, data, reference

R = reference("functional_form")
SETS = {
    "lung_age": ("cox_lung", "age"),
    "lung_wt_loss": ("cox_lung", "wt_loss"),
    "veteran_karno": ("cox_veteran", "karno"),
    "pbc_bili": ("cox_pbc", "bili"),
}


def made(name):
    file, column = SETS[name]
    frame = data(file)
    return functional_form(Outcome(frame["time"], frame["cause"]), frame[column], df=R[name]["df"])


@pytest.mark.parametrize("name", SETS)
def test_the_curve_and_its_band_are_those_of_ns_in_coxph(name):
    expected, shape = R[name], made(name)
    rows = shape.curve.iloc[[0, 10, 30, 60, 90, 100]]
    assert shape.n == expected["n"]
    assert_close(rows["value"], expected["value"], f"{name}: values")
    assert_close(np.log(rows["estimate"]), expected["coef"], f"{name}: log hazard ratio", atol=1e-8)
    width = (np.log(rows["conf_high"]) - np.log(rows["conf_low"])) / (2 * 1.959963984540054)
    assert_close(width, expected["std_error"], f"{name}: standard error", atol=1e-8)


@pytest.mark.parametrize("name", SETS)
def test_the_likelihood_ratio_tests_are_those_of_coxph(name):
    tests = made(name).tests.set_index("test")
    assert_close(tests.loc["any effect", "statistic"], R[name]["any_effect"], f"{name}: any effect")
    assert_close(tests.loc["not straight", "statistic"], R[name]["not_straight"], f"{name}: not straight", atol=1e-8)
    assert tests["df"].tolist() == [R[name]["df"], R[name]["df"] - 1]


def test_the_ratio_is_one_at_the_reference_and_does_not_depend_on_the_unit():
    frame = data("cox_lung")
    outcome = Outcome(frame["time"], frame["cause"])
    years, days = functional_form(outcome, frame["age"]), functional_form(outcome, frame["age"] * 365.25)
    assert years.reference == frame["age"].median()
    at_reference = np.interp(years.reference, years.curve["value"], years.curve["estimate"])
    assert at_reference == pytest.approx(1, abs=0.01)
    assert_close(days.curve["estimate"], years.curve["estimate"], "in days", rtol=1e-6)


def test_what_cannot_carry_a_curve_says_why():
    outcome = Outcome(np.arange(1, 13), np.ones(12))
    with pytest.raises(NotEstimable, match="Only 2 different values"):
        functional_form(outcome, pd.Series([0.0, 1.0] * 6))
    with pytest.raises(NotEstimable, match="share one value"):
        functional_form(outcome, pd.Series([1.0] * 7 + [2, 3, 4, 5, 6]))
    with pytest.raises(NotEstimable, match="had the event"):
        functional_form(Outcome(np.arange(1, 13), np.zeros(12)), pd.Series(np.arange(12.0)))


def test_missing_values_are_left_out_and_counted():
    frame = data("cox_lung")
    shape = functional_form(Outcome(frame["time"], frame["cause"]), frame["wt_loss"])
    assert shape.n_excluded == frame["wt_loss"].isna().sum()
    assert shape.n + shape.n_excluded == len(frame)
