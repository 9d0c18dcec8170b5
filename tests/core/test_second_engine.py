"""lifelines says the same, and a wrong number does not get past it."""

from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lifelines import datasets

from core.analysis import Analysis
from core.registry import read_registry
from core.second_engine import AGREEMENT, EMPTY_LEVELS, MEDIAN_RULE, NO_LIMITS, confirm
from core.survival import Outcome, cox, cox_each, kaplan_meier, logrank_test
from core.view import make_view


def larynx():
    frame = datasets.load_larynx()
    stage = 1 + frame["Stage_II"] + 2 * frame["Stage_III"] + 3 * frame["Stage_IV"]
    return Outcome(frame["time"], frame["death"]), stage.astype(str), frame[["age"]].assign(stage=stage.astype(str))


def lung():
    frame = datasets.load_lung()
    outcome = Outcome(frame["time"], frame["status"] == frame["status"].max())
    return outcome, frame["sex"], frame[["age", "sex", "ph.ecog", "ph.karno", "pat.karno", "meal.cal", "wt.loss"]]


def gbsg2():
    frame = datasets.load_gbsg2()
    return Outcome(frame["time"], frame["cens"]), frame["tgrade"], frame.drop(columns=["time", "cens"])


def rossi():
    frame = datasets.load_rossi()
    return Outcome(frame["week"], frame["arrest"]), frame["prio"].clip(upper=3), frame.drop(columns=["week", "arrest"])


def waltons():
    frame = datasets.load_waltons()
    return Outcome(frame["T"], frame["E"]), frame["group"], frame[["group"]]


def stanford():
    """Start-stop rows, and so delayed entry."""
    frame = datasets.load_stanford_heart_transplants()
    frame = frame[frame["stop"] > frame["start"]].reset_index(drop=True)
    outcome = Outcome(frame["stop"], frame["event"], frame["start"])
    return outcome, frame["transplant"], frame[["age", "year", "surgery", "transplant"]]


PUBLIC = [larynx, lung, gbsg2, rossi, waltons, stanford]


def everything(outcome, strata, covariates):
    test = None if strata is None else logrank_test(outcome, strata)
    return confirm(outcome, strata, kaplan_meier(outcome, strata), test, cox_each(outcome, covariates), covariates)


def row(confirmation, quantity):
    found = confirmation.checks[confirmation.checks["quantity"] == quantity]
    assert len(found) == 1, confirmation.checks["quantity"].tolist()
    return found.iloc[0]


@pytest.mark.parametrize("load", PUBLIC)
def test_lifelines_agrees_on_public_data(load):
    outcome, strata, covariates = load()
    alone = everything(outcome, strata, covariates)
    together = confirm(outcome, None, kaplan_meier(outcome), None, cox(outcome, covariates), covariates)
    for confirmation in (alone, together):
        assert confirmation.agrees, confirmation.checks.to_string()
        assert confirmation.largest < 1e-7
        assert confirmation.engine.startswith("lifelines ")
    names = [f"Hazard ratio: {name}" for name in covariates]
    for confirmation in (alone, together):
        assert confirmation.checks["quantity"].tolist()[-len(names) :] == names
        assert confirmation.checks["agrees"].tail(len(names)).all()
    compared = alone.checks["agrees"].notna()
    assert alone.checks.loc[~compared, "quantity"].tolist() == ([] if load is not stanford else ["Log-rank statistic"])


@pytest.fixture(scope="module")
def sample(sample_folder):
    return Analysis(read := read_registry(sample_folder), make_view(read, "survival", (), {}))


def test_lifelines_agrees_on_the_sample(sample):
    for variable in ("stage", "lesion_type", "sex"):
        strata = sample.values(variable)
        confirmation = everything(sample.outcome, strata, sample.covariates(sample.recorded_covariates))
        assert confirmation.agrees, confirmation.checks.to_string()
        assert confirmation.largest < 1e-7
        assert confirmation.n_compared >= len(sample.recorded_covariates) + 5


def test_lifelines_agrees_on_a_stratified_model():
    outcome, _, covariates = gbsg2()
    ratios = cox(outcome, covariates[["age", "tgrade", "pnodes"]], stratify=covariates["menostat"])
    confirmation = confirm(outcome, None, None, None, ratios, covariates, stratify=covariates["menostat"])
    assert confirmation.agrees
    assert confirmation.n_compared == 3
    # without being told of the strata it is another model, and that shows
    assert not confirm(outcome, None, None, None, ratios, covariates).agrees


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_lifelines_agrees_at_other_levels(level):
    outcome, strata, covariates = larynx()
    curve = kaplan_meier(outcome, strata, conf_level=level)
    ratios = cox(outcome, covariates, conf_level=level)
    confirmation = confirm(outcome, strata, curve, None, ratios, covariates, conf_level=level)
    assert confirmation.agrees
    assert not row(confirm(outcome, None, None, None, ratios, covariates), "Hazard ratio: age")["agrees"]


@pytest.mark.parametrize("weights", ["gehan", "tarone-ware"])
def test_lifelines_agrees_on_weighted_tests(weights):
    outcome, strata, _ = larynx()
    confirmation = confirm(outcome, strata, None, logrank_test(outcome, strata, weights=weights), None, None)
    assert confirmation.agrees
    assert confirmation.n_compared == 1


# Wrong numbers


def falsified(result, frame, rows, column, change):
    wrong = getattr(result, frame).copy()
    wrong.loc[rows, column] = change(wrong.loc[rows, column])
    false = copy(result)
    vars(false)[frame] = wrong  # a curve's summary is computed when asked for, so that it is no field to replace
    return false


@pytest.mark.parametrize(
    ("quantity", "column"), [("Survival curve", "estimate"), ("Interval", "conf_low"), ("Interval", "conf_high")]
)
def test_a_wrong_curve_is_found_and_its_place_named(quantity, column):
    outcome, strata, _ = larynx()
    curve = kaplan_meier(outcome, strata)
    place = curve.curve.query("stratum == '3' and n_event > 0").index[4]
    time = curve.curve.loc[place, "time"]
    wrong = falsified(curve, "curve", place, column, lambda value: value + 2e-6)
    confirmation = confirm(outcome, strata, wrong, None, None, None)
    assert not confirmation.agrees
    bad = confirmation.checks[~confirmation.checks["agrees"].astype(bool)]
    assert bad["quantity"].tolist() == [quantity]
    assert bad["where"].tolist() == [f"3, at {time:g}"]
    assert confirmation.largest == pytest.approx(2e-6, rel=1e-6)


def test_a_limit_that_is_missing_is_found():
    outcome, strata, _ = larynx()
    curve = kaplan_meier(outcome, strata)
    place = curve.curve.query("stratum == '2' and n_event > 0").index[0]
    wrong = falsified(curve, "curve", place, "conf_low", lambda value: np.nan)
    bad = confirm(outcome, strata, wrong, None, None, None).checks.query("~agrees")
    assert bad["quantity"].tolist() == ["Interval"]
    assert bad["where"].iloc[0].startswith("2, at ")


@pytest.mark.parametrize("change", [lambda value: value * (1 + 1e-5), lambda value: np.nan])
def test_a_wrong_median_is_found(change):
    outcome, strata, _ = larynx()
    curve = kaplan_meier(outcome, strata)
    wrong = falsified(curve, "summary", 0, "median", change)
    confirmation = confirm(outcome, strata, wrong, None, None, None)
    assert not confirmation.agrees
    assert confirmation.checks.query("~agrees")[["quantity", "where"]].to_numpy().tolist() == [["Median", "1"]]


def test_a_wrong_statistic_is_found():
    outcome, strata, _ = larynx()
    test = logrank_test(outcome, strata)
    wrong = replace(test, statistic=test.statistic * (1 + 1e-5))
    assert not confirm(outcome, strata, None, wrong, None, None).agrees


@pytest.mark.parametrize("column", ["estimate", "conf_low", "conf_high", "coef", "std_error"])
@pytest.mark.parametrize("fit", [cox, cox_each])
def test_a_wrong_ratio_is_found_and_its_level_named(fit, column):
    outcome, _, covariates = larynx()
    ratios = fit(outcome, covariates)
    place = ratios.terms.index[ratios.terms["level"] == "3"][0]
    wrong = falsified(ratios, "terms", place, column, lambda value: value * (1 + 1e-4))
    confirmation = confirm(outcome, None, None, None, wrong, covariates)
    bad = confirmation.checks.query("~agrees")
    assert bad[["quantity", "where"]].to_numpy().tolist() == [["Hazard ratio: stage", "3"]]
    assert row(confirmation, "Hazard ratio: age")["agrees"]
    assert confirmation.largest > AGREEMENT


def test_what_is_compared_does_not_depend_on_units():
    outcome, _, covariates = gbsg2()
    tiny = covariates[["age"]] * 1e-7
    assert confirm(outcome, None, None, None, cox_each(outcome, tiny), tiny).agrees
    ratios = cox_each(outcome, covariates[["progrec"]] * 1e6)
    wrong = falsified(ratios, "terms", 0, "std_error", lambda value: value * 1.001)
    assert not confirm(outcome, None, None, None, wrong, covariates[["progrec"]] * 1e6).agrees


# Differences of convention, in words


def test_a_median_on_exactly_half_is_explained():
    outcome = Outcome([1, 2, 3, 5, 7, 9], [1, 1, 1, 1, 1, 1])
    curve = kaplan_meier(outcome)
    assert curve.summary["median"].iloc[0] == 4
    confirmation = confirm(outcome, None, curve, None, None, None)
    median = row(confirmation, "Median")
    assert pd.isna(median["agrees"])
    assert np.isnan(median["difference"])
    assert median["ours"] == 4
    assert median["theirs"] in (3, 5)
    assert "exactly 50 %" in median["note"]
    assert MEDIAN_RULE in confirmation.explained
    assert confirmation.agrees
    # the rule itself is still checked
    wrong = falsified(curve, "summary", 0, "median", lambda value: 4.5)
    assert not row(confirm(outcome, None, wrong, None, None, None), "Median")["agrees"]


def test_where_no_median_is_on_half_nothing_is_explained():
    outcome = Outcome([1, 2, 3, 4], [0, 1, 0, 0])
    confirmation = confirm(outcome, None, kaplan_meier(outcome), None, None, None)
    assert confirmation.explained == (NO_LIMITS,)


@pytest.mark.parametrize("conf_type", ["log", "plain"])
def test_limits_on_another_scale_are_not_compared(conf_type):
    outcome, strata, _ = larynx()
    confirmation = confirm(outcome, strata, kaplan_meier(outcome, strata, conf_type=conf_type), None, None, None)
    assert confirmation.agrees
    intervals = confirmation.checks[confirmation.checks["quantity"] == "Interval"]
    assert intervals["agrees"].isna().all()
    assert intervals["note"].str.contains(f"log-log limits only, here they are {conf_type}").all()


def test_no_events():
    outcome = Outcome([1, 2, 3, 4], [0, 0, 0, 0])
    confirmation = confirm(outcome, None, kaplan_meier(outcome), None, None, None)
    assert confirmation.agrees
    assert row(confirmation, "Median")["note"] == "not reached in both"
    assert pd.isna(row(confirmation, "Interval")["agrees"])


def test_breslow_is_compared_only_without_ties():
    outcome, _, covariates = larynx()
    confirmation = confirm(outcome, None, None, None, cox(outcome, covariates, ties="breslow"), covariates)
    assert confirmation.n_compared == 0
    assert not confirmation.agrees
    assert np.isnan(confirmation.largest)
    assert confirmation.checks["note"].str.contains("Efron's method only").all()
    untied = Outcome(outcome.time + np.arange(len(outcome)) * 1e-4, outcome.cause)
    assert confirm(untied, None, None, None, cox(untied, covariates, ties="breslow"), covariates).agrees


def test_separated_covariates_are_skipped_in_words():
    outcome, _, covariates = larynx()
    event = outcome.event
    frame = covariates.assign(
        after=np.where(event, "yes", "no"),
        later=-outcome.time,
        same=1.0,
        empty=np.where(event, "a", np.where(np.arange(len(event)) % 3 == 0, "b", "a")),
    )
    confirmation = confirm(outcome, None, None, None, cox_each(outcome, frame), frame)
    assert confirmation.agrees
    assert confirmation.n_compared == 2
    assert row(confirmation, "Hazard ratio: after")["note"] == "not compared: no events in the reference group"
    assert "separates" in row(confirmation, "Hazard ratio: later")["note"]
    assert "same value in every row" in row(confirmation, "Hazard ratio: same")["note"]
    assert row(confirmation, "Hazard ratio: empty")["note"] == "not compared: no events in this group"
    together = confirm(outcome, None, None, None, cox(outcome, frame[["age", "later"]]), frame[["age", "later"]])
    assert together.n_compared == 0
    assert together.checks["note"].str.contains("later").all()


@pytest.mark.parametrize("empty", ["1", "2", "4"])
def test_levels_without_events_leave_the_others_comparable(empty):
    outcome, strata, covariates = larynx()
    outcome = Outcome(outcome.time, outcome.event & (strata != empty).to_numpy())
    for fit in (cox, cox_each):
        confirmation = confirm(outcome, None, None, None, fit(outcome, covariates), covariates)
        assert confirmation.agrees, confirmation.checks.to_string()
        assert row(confirmation, "Hazard ratio: age")["agrees"]
        stage = row(confirmation, "Hazard ratio: stage")["agrees"]
        assert pd.isna(stage) if empty == "1" else stage
    if empty != "1":
        assert EMPTY_LEVELS in confirmation.explained


def test_collinear_covariates_are_left_out_of_both():
    outcome, _, covariates = larynx()
    frame = covariates.assign(months=covariates["age"] * 12)
    confirmation = confirm(outcome, None, None, None, cox(outcome, frame), frame)
    assert confirmation.agrees
    assert "determined by age" in row(confirmation, "Hazard ratio: months")["note"]


def test_missing_values_leave_the_same_patients_out():
    outcome, strata, covariates = larynx()
    frame = covariates.astype({"age": float})
    frame.loc[::4, "age"] = np.nan
    frame.loc[::7, "stage"] = None
    frame["yes"] = pd.array([True, False, None] * 30, dtype="boolean")
    strata = strata.where(np.arange(90) % 5 > 0)
    confirmation = everything(outcome, strata, frame)
    assert confirmation.agrees, confirmation.checks.to_string()
    assert confirm(outcome, None, None, None, cox(outcome, frame), frame).agrees


def test_tests_that_lifelines_does_not_know_are_not_compared():
    outcome, strata, covariates = larynx()
    old = covariates["age"] > 65
    for test in (logrank_test(outcome, strata, weights="peto"), logrank_test(outcome, strata, stratify=old)):
        confirmation = confirm(outcome, strata, None, test, None, None)
        assert confirmation.n_compared == 0
        assert confirmation.checks["note"].str.startswith("not compared").all()
    late = Outcome(outcome.time, outcome.cause, outcome.time / 2)
    note = confirm(late, strata, None, logrank_test(late, strata), None, None).checks["note"].iloc[0]
    assert "delayed entry" in note


def test_groups_never_compared_are_said():
    outcome = Outcome([1, 2, 3, 4, 5, 6, 7, 0.5], [1, 1, 0, 1, 1, 1, 1, 0])
    strata = pd.Series(list("abababac"))
    test = logrank_test(outcome, strata)
    assert test.df == 1
    assert "degree of freedom" in confirm(outcome, strata, None, test, None, None).checks["note"].iloc[0]


def test_a_curve_that_lifelines_refuses_is_said():
    outcome = Outcome([2, 3, 8, 9, 10], [1, 1, 1, 0, 1], [0, 1, 5, 5, 5])
    confirmation = confirm(outcome, None, kaplan_meier(outcome), None, None, None)
    assert confirmation.n_compared == 0
    assert confirmation.checks["note"].str.contains("nobody is at risk").all()


def test_a_failure_of_lifelines_is_a_row(monkeypatch):
    def fails(*args, **kwargs):
        raise ArithmeticError("the sums do not fit\nsecond line")

    monkeypatch.setattr("lifelines.CoxPHFitter.fit", fails)
    outcome, _, covariates = larynx()
    confirmation = confirm(outcome, None, None, None, cox_each(outcome, covariates), covariates)
    assert confirmation.checks["agrees"].isna().all()
    notes = confirmation.checks["note"].tolist()
    assert notes == ["could not be confirmed: lifelines gave no result (the sums do not fit)"] * 2


def test_a_fit_that_does_not_settle_is_said(monkeypatch):
    monkeypatch.setattr(
        "core.second_engine._fit", lambda frame, scale, level, options: np.full((1, 4), options["step_size"])
    )
    outcome, _, covariates = larynx()
    frame = covariates[["age"]]
    confirmation = confirm(outcome, None, None, None, cox_each(outcome, frame), frame)
    assert confirmation.checks["agrees"].isna().all()
    assert "does not settle" in confirmation.checks["note"].iloc[0]


def test_parts_that_do_not_belong_together_are_refused():
    outcome, strata, covariates = larynx()
    curve, test, ratios = kaplan_meier(outcome, strata), logrank_test(outcome, strata), cox_each(outcome, covariates)
    for parts in (
        (None, None, test, None, None),
        (None, None, None, ratios, None),
        (None, None, None, ratios, covariates[["age"]]),
        (None, None, None, ratios, covariates.head(10)),
        (strata.head(10), curve, None, None, None),
        (strata.replace("4", "5"), curve, None, None, None),
    ):
        with pytest.raises(ValueError, match=r"belong together|needs? the|one value for each row"):
            confirm(outcome, *parts)


def test_names_and_levels_may_hold_anything():
    outcome, strata, covariates = larynx()
    frame = pd.DataFrame(
        {
            "time": covariates["age"],
            'a "quoted" [name] ~ 1': strata.map({"1": "≤ 5", "2": "< b", "3": "分期", "4": ""}),
            "event": strata == "2",
        }
    )
    confirmation = confirm(outcome, None, None, None, cox_each(outcome, frame), frame)
    assert confirmation.agrees
    assert confirmation.n_compared == 3


def test_state_of_the_process_is_left_alone():
    import warnings

    outcome, strata, covariates = larynx()
    before = np.geterr(), list(warnings.filters), np.random.get_state()[1].tolist()
    everything(outcome, strata, covariates)
    assert (np.geterr(), list(warnings.filters), np.random.get_state()[1].tolist()) == before


def test_threads_do_not_disturb_each_other():
    loads = [larynx, waltons, lung, stanford]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda load: everything(*load()), loads * 2))
    for load, confirmation in zip(loads * 2, found, strict=True):
        alone = everything(*load())
        pd.testing.assert_frame_equal(confirmation.checks, alone.checks)
