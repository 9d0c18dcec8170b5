"""Kaplan-Meier by hand, against R, by its properties, and on awkward input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NotEstimable
from core.survival.kaplan_meier import follow_up, kaplan_meier
from core.survival.outcome import Outcome
from tests.reference.loading import assert_close
from tests.reference.nonparametric import SETS, as_list, public_set

TYPES = ("plain", "log", "log-log")
PROBS = [0.1, 0.25, 0.5, 0.75, 0.9]


# By hand


def test_the_estimate_its_error_and_its_limits_by_hand():
    # times 1, 2+, 3, 3, 5+: S(1) = 4/5; S(3) = 4/5 * 1/3 = 4/15
    # Greenwood: 1/(5*4) = 0.05 at 1, plus 2/(3*1) = 2/3 at 3
    result = kaplan_meier(Outcome([1, 2, 3, 3, 5], [1, 0, 1, 1, 0]))
    assert result.curve["stratum"].tolist() == ["All"] * 4
    assert result.curve["time"].tolist() == [1, 2, 3, 5]
    assert result.curve["n_risk"].tolist() == [5, 4, 3, 1]
    assert result.curve["n_event"].tolist() == [1, 0, 2, 0]
    assert result.curve["n_censor"].tolist() == [0, 1, 0, 1]
    s = 4 / 15
    se = s * np.sqrt(0.05 + 2 / 3)
    assert_close(result.curve["estimate"], [0.8, 0.8, s, s], "S")
    assert_close(result.curve["std_error"], [0.8 * np.sqrt(0.05)] * 2 + [se] * 2, "standard error")
    # log-log: S ** exp(+-z * sqrt(V) / log S)
    z = 1.959963984540054
    width = z * np.sqrt(0.05 + 2 / 3) / abs(np.log(s))
    assert_close(result.curve["conf_low"].iloc[-1], s ** np.exp(width), "lower limit")
    assert_close(result.curve["conf_high"].iloc[-1], s ** np.exp(-width), "upper limit")


def test_the_median_is_the_middle_of_a_stretch_at_one_half():
    # S = 1/2 from 2 to 3
    result = kaplan_meier(Outcome([1, 2, 3, 4], [1, 1, 1, 1]))
    assert result.summary["median"].tolist() == [2.5]
    # S = 1/2 from 2 to the end of follow-up at 5
    assert kaplan_meier(Outcome([1, 2, 5, 5], [1, 1, 0, 0])).summary["median"].tolist() == [3.5]


def test_times_equal_but_for_rounding_are_one_time():
    curve = kaplan_meier(Outcome([0.1 + 0.2, 0.3], [1, 1])).curve
    assert len(curve) == 1
    assert curve["n_event"].tolist() == [2]


def test_an_asked_time_equal_but_for_rounding_is_the_time():
    result = kaplan_meier(Outcome([0.3, 0.5], [1, 0]))
    for asked in (0.3, 0.1 + 0.2, 0.3 - 1e-16):
        assert result.survival_at([asked])["estimate"].tolist() == [0.5]
        assert result.at_risk([asked])[["n_risk", "n_event"]].iloc[0].tolist() == [2, 1]
    assert result.survival_at([0.1 + 0.4 + 1e-15])["estimate"].tolist() == [0.5]


def test_the_restricted_mean_by_hand():
    # S: 1 on [0,1), 3/4 on [1,3), 3/8 on [3,4]; to tau = 4: 1 + 1.5 + 0.375 = 2.875
    # beyond 1: 1.875, beyond 3: 0.375; variance 1.875^2 / 12 + 0.375^2 / 2
    result = kaplan_meier(Outcome([1, 2, 3, 6], [1, 0, 1, 0])).restricted_mean(4)
    assert_close(result["estimate"], [2.875], "mean")
    assert_close(result["std_error"], [np.sqrt(1.875**2 / 12 + 0.375**2 / 2)], "standard error")


def test_numbers_under_the_curve_are_before_and_up_to_each_time():
    table = kaplan_meier(Outcome([1, 2, 3, 3, 5], [1, 0, 1, 1, 0])).at_risk([0, 1, 3, 4, 9])
    assert table["n_risk"].tolist() == [5, 5, 3, 1, 0]
    assert table["n_event"].tolist() == [0, 1, 3, 3, 3]
    assert table["n_censor"].tolist() == [0, 0, 1, 1, 2]


def test_late_entry_counts_from_after_the_entry():
    # at 2: rows 1 and 2 (entered 0, 1); at 4: rows 2 and 3
    result = kaplan_meier(Outcome([2, 4, 5], [1, 1, 0], [0, 1, 2]))
    assert result.curve["n_risk"].tolist() == [2, 2, 1]
    assert result.at_risk([0, 2, 2.5])["n_risk"].tolist() == [1, 2, 2]


def test_competing_causes_are_censored_but_do_not_lengthen_follow_up():
    result = kaplan_meier(Outcome([1, 2, 3, 4], [1, 2, 2, 0]))
    assert result.curve["n_censor"].tolist() == [0, 1, 1, 1]
    assert result.summary["follow_up"].tolist() == [4]


def test_survival_is_not_known_beyond_follow_up():
    at = kaplan_meier(Outcome([1, 2, 5], [1, 0, 0])).survival_at([0.5, 5, 5.1])
    assert_close(at["estimate"], [1, 2 / 3, np.nan], "S")
    assert_close(at["std_error"], [0, np.sqrt(2 / 3 / 3 / 3), np.nan], "standard error")
    assert np.isnan(at["conf_low"].iloc[0])


# Against R


@pytest.mark.parametrize("name", SETS)
def test_the_curve_equals_survfit(name):
    given_set = public_set(name)
    want = given_set.expected["kaplan_meier"]
    for conf_type in TYPES:
        result = kaplan_meier(given_set.outcome, given_set.strata, conf_type=conf_type)
        assert result.n_excluded == len(given_set.outcome) - given_set.expected["n"]
        assert len(result.curve) == want["n_rows"]
        rows = result.curve.iloc[as_list(want["row"])]
        for ours in ("time", "n_risk", "n_event", "n_censor", "estimate"):
            assert_close(rows[ours], as_list(want[ours]), f"{name} {ours}")
        estimate = rows["estimate"].to_numpy()
        # R writes 1 to 1 before the first event; and NaN where S is 0, as we do
        inside = (estimate > 0) & (estimate < 1)
        assert_close(rows["std_error"].to_numpy()[estimate > 0], _at(want["std_error"], estimate > 0), f"{name} se")
        assert rows["std_error"][estimate == 0].isna().all()
        for side in ("conf_low", "conf_high"):
            what = f"{name} {conf_type} {side}"
            assert_close(rows[side].to_numpy()[inside], _at(want[conf_type][side], inside), what)
            assert rows[side][~inside].isna().all()
        assert_close(result.curve["estimate"].sum(), want["sum_estimate"], f"{name} sum of S")
        assert result.curve["n_risk"].sum() == want["sum_risk"]


def _at(values, where):
    return [value for value, here in zip(as_list(values), where, strict=True) if here]


@pytest.mark.parametrize("name", SETS)
def test_quantiles_equal_r(name):
    given_set = public_set(name)
    want = given_set.expected["kaplan_meier"]
    for conf_type in TYPES:
        result = kaplan_meier(given_set.outcome, given_set.strata, conf_type=conf_type)
        got, expected = result.quantile(PROBS), want[conf_type]
        assert_close(got["time"], expected["quantile"], f"{name} quantiles")
        assert_close(got["conf_low"], expected["quantile_low"], f"{name} {conf_type} lower limits")
        assert_close(got["conf_high"], expected["quantile_high"], f"{name} {conf_type} upper limits")
        at_half = got[got["p"] == 0.5]
        for column, quantile in (("median", "time"), ("conf_low", "conf_low"), ("conf_high", "conf_high")):
            assert_close(result.summary[column], at_half[quantile].to_numpy(), f"{name} summary {column}")


@pytest.mark.parametrize("name", SETS)
def test_follow_up_equals_the_reversed_survfit(name):
    given_set = public_set(name)
    want = given_set.expected["kaplan_meier"]["follow_up"]
    got = follow_up(given_set.outcome, given_set.strata)
    for position, column in enumerate(("lower_quartile", "median", "upper_quartile")):
        assert_close(got[column], as_list(want["quantile"])[position::3], f"{name} follow-up {column}")
    assert_close(got["conf_low"], as_list(want["lower"])[1::3], f"{name} lower limit")
    assert_close(got["conf_high"], as_list(want["upper"])[1::3], f"{name} upper limit")
    summary = kaplan_meier(given_set.outcome, given_set.strata).summary
    assert_close(summary["follow_up"], got["median"], f"{name} summary")


@pytest.mark.parametrize("name", SETS)
def test_survival_at_times_and_the_risk_table_equal_r(name):
    given_set = public_set(name)
    want = given_set.expected["kaplan_meier"]
    result = kaplan_meier(given_set.outcome, given_set.strata)
    got, table = result.survival_at(want["times"]), result.at_risk(want["times"])
    assert_close(got["estimate"], want["at"]["estimate"], f"{name} S(t)")
    zero = (got["estimate"] == 0).to_numpy()
    assert_close(got["std_error"].to_numpy()[~zero], _at(want["at"]["std_error"], ~zero), f"{name} se of S(t)")
    assert_close(table["n_risk"], want["at"]["n_risk"], f"{name} at risk")
    assert_close(table["n_event"], want["at"]["n_event"], f"{name} events")
    assert_close(got["n_risk"], want["at"]["n_risk"], f"{name} at risk")


@pytest.mark.parametrize("name", SETS)
def test_the_restricted_mean_equals_r(name):
    given_set = public_set(name)
    want = given_set.expected["kaplan_meier"]
    got = kaplan_meier(given_set.outcome, given_set.strata).restricted_mean(want["tau"])
    assert_close(got["estimate"], as_list(want["rmean"]), f"{name} restricted mean")
    assert_close(got["std_error"], as_list(want["rmean_se"]), f"{name} its standard error")


# Properties

patients = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 2), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=40
)


def _made(rows):
    time, cause, group = zip(*rows, strict=True)
    return Outcome(np.array(time, dtype=float), cause), pd.Series(group)


@settings(max_examples=50, deadline=None)
@given(patients)
def test_a_curve_falls_from_one_and_every_patient_is_counted(rows):
    outcome, strata = _made(rows)
    result = kaplan_meier(outcome, strata)
    for level, curve in result.curve.groupby("stratum", sort=False):
        assert curve["estimate"].between(0, 1).all()
        assert (curve["estimate"].diff().dropna() <= 0).all()
        assert (curve["n_risk"].diff().dropna() < 0).all()
        assert curve["n_event"].sum() + curve["n_censor"].sum() == (strata == level).sum()
        shown = curve.dropna(subset="conf_low")
        assert (shown["conf_low"] <= shown["estimate"]).all()
        assert (shown["estimate"] <= shown["conf_high"]).all()
    assert np.isfinite(result.curve["estimate"]).all()
    assert not np.isinf(result.curve.select_dtypes("number").to_numpy(dtype=float)).any()


@settings(max_examples=50, deadline=None)
@given(patients, st.randoms(use_true_random=False), st.sampled_from([0.5, 4.0]))
def test_order_and_names_do_not_matter_and_time_scales(rows, random, factor):
    outcome, strata = _made(rows)
    result = kaplan_meier(outcome, strata)
    shuffled = list(rows)
    random.shuffle(shuffled)
    other, other_strata = _made(shuffled)
    pd.testing.assert_frame_equal(kaplan_meier(other, other_strata).curve, result.curve)
    renamed = kaplan_meier(outcome, strata.map({"a": "x", "b": "y", "c": "z"}))
    pd.testing.assert_frame_equal(renamed.curve.drop(columns="stratum"), result.curve.drop(columns="stratum"))
    scaled = kaplan_meier(Outcome(outcome.time * factor, outcome.cause), strata)
    assert_close(scaled.summary["median"], result.summary["median"] * factor, "median")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 15), min_size=1, max_size=40))
def test_without_censoring_it_is_the_share_still_alive(times):
    curve = kaplan_meier(Outcome(times, np.ones(len(times), dtype=int))).curve
    alive = [np.mean(np.array(times) > t) for t in curve["time"]]
    assert_close(curve["estimate"], alive, "share alive")


@settings(max_examples=50, deadline=None)
@given(patients)
def test_an_entry_before_everything_changes_nothing(rows):
    outcome, strata = _made(rows)
    late = Outcome(outcome.time, outcome.cause, np.full(len(outcome), -1.0))
    pd.testing.assert_frame_equal(kaplan_meier(late, strata).curve, kaplan_meier(outcome, strata).curve)


# Awkward input


def test_nobody_is_not_estimable():
    with pytest.raises(NotEstimable, match="no patients"):
        kaplan_meier(Outcome([], []))
    with pytest.raises(NotEstimable, match="2 left out"):
        kaplan_meier(Outcome([1, 2], [1, 0]), pd.Series([None, None]))


def test_one_patient():
    dead = kaplan_meier(Outcome([3], [1]))
    assert dead.curve["estimate"].tolist() == [0]
    assert dead.curve[["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
    assert dead.summary["median"].tolist() == [3]
    alive = kaplan_meier(Outcome([3], [0]))
    assert alive.curve["estimate"].tolist() == [1]
    assert alive.summary["median"].isna().all()
    assert alive.summary["follow_up"].tolist() == [3]


def test_no_events_give_a_flat_curve_without_limits():
    result = kaplan_meier(Outcome([1, 2, 3], [0, 0, 0]))
    assert result.curve["estimate"].tolist() == [1, 1, 1]
    assert result.curve["std_error"].tolist() == [0, 0, 0]
    assert result.curve[["conf_low", "conf_high"]].isna().all(axis=None)
    assert result.restricted_mean(2)["estimate"].tolist() == [2]


def test_deaths_on_day_zero_start_the_curve_below_one():
    result = kaplan_meier(Outcome([0, 0, 4, 5], [1, 0, 1, 0]))
    assert result.curve["estimate"].tolist() == [0.75, 0.375, 0.375]
    assert result.survival_at([0])["estimate"].tolist() == [0.75]
    assert result.at_risk([0])[["n_risk", "n_event", "n_censor"]].iloc[0].tolist() == [4, 1, 1]


def test_a_risk_set_that_dies_out_leaves_the_curve_at_zero():
    result = kaplan_meier(Outcome([2, 6, 7], [1, 1, 0], [0, 3, 4]))
    assert result.curve["estimate"].tolist() == [0, 0, 0]
    assert result.curve["n_risk"].tolist() == [1, 2, 1]


def test_missing_groups_are_left_out_and_empty_levels_absent():
    strata = pd.Series(pd.Categorical(["late", None, "early"], categories=["late", "never", "early"], ordered=True))
    result = kaplan_meier(Outcome([1, 2, 3], [1, 1, 1]), strata)
    assert result.strata == ("late", "early")
    assert result.summary["stratum"].tolist() == ["late", "early"]
    assert result.n_excluded == 1


def test_strata_are_aligned_by_position_not_by_index():
    strata = pd.Series(["b", "a", "b"], index=[7, 7, 0])
    result = kaplan_meier(Outcome([3, 1, 2], [1, 1, 0]), strata)
    assert result.curve["time"].tolist() == [1, 2, 3]
    assert result.curve["stratum"].tolist() == ["a", "b", "b"]


def test_a_mean_beyond_follow_up_is_not_known():
    result = kaplan_meier(Outcome([1, 4, 2, 3], [1, 0, 1, 1]), pd.Series(["a", "a", "b", "b"]))
    assert result.default_tau() == 3
    means = result.restricted_mean(5)
    # everybody in b has died: the area is complete
    assert_close(means["estimate"], [np.nan, 2.5], "means")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda o: kaplan_meier(o, conf_type="logit"),
        lambda o: kaplan_meier(o, conf_level=95),
        lambda o: kaplan_meier(o, pd.Series(["a"])),
        lambda o: kaplan_meier(o).quantile(1.5),
        lambda o: kaplan_meier(o).survival_at([np.nan]),
        lambda o: kaplan_meier(o).restricted_mean(0),
    ],
)
def test_mistakes_of_the_programmer_are_value_errors(wrong):
    with pytest.raises(ValueError, match=r"must"):
        wrong(Outcome([1, 2], [1, 0]))
