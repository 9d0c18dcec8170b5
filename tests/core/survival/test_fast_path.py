"""What makes the engine fast changes no number: every shortcut against the general path, to 1e-9."""

import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.survival import Outcome, cox, cox_each
from core.survival.at_risk import risk_index
from core.survival.cox import SEPARATED
from core.survival.level_counts import _by_time
from core.survival.outcome import distinct_values
from core.survival.separation import _highest_at_risk
from core.survival.tied_events import tied_events

EACH = sys.modules["core.survival.cox_each"]  # the package's name for it is the function
TIMES = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25, "without ties": 0.0}


def cohort(n, unit, late=False, seed=0):
    """(outcome, sound covariates): numbers with and without missing values, yes/no, categories of 3 to 7 levels."""
    rng = np.random.default_rng([seed, n])
    x = rng.normal(size=n)
    nominal = rng.choice(7, n, p=np.arange(7, 0, -1) / 28)
    hazard = np.exp(0.5 * x + 0.1 * nominal) / 700
    death, end = rng.exponential(1 / hazard), rng.uniform(30, 2500, n)
    time = np.minimum(death, end)
    time = np.ceil(time / TIMES[unit]) * TIMES[unit] if TIMES[unit] else time
    entry = None
    if late:
        entry = np.where(rng.random(n) < 0.5, 0.0, time * rng.random(n))
        entry = np.minimum(np.floor(entry), time - 0.5)
    frame = pd.DataFrame(
        {"number": 50 + 10 * x, "count": rng.poisson(3, n).astype(float), "skewed": rng.exponential(40, n)}
    )
    frame["small"] = 1e-6 * rng.normal(size=n) + 1e-3
    frame["gaps"] = np.where(rng.random(n) < 0.2, np.nan, x + rng.normal(size=n))
    # missing more often among those who die early
    frame["gaps by outcome"] = np.where(rng.random(n) < np.where(time < 200, 0.7, 0.05), np.nan, x)
    frame["flag"] = rng.random(n) < 0.3
    for name, codes in (("three", rng.integers(0, 3, n)), ("seven", nominal)):
        frame[name] = pd.Categorical.from_codes(codes, list("abcdefg")[: codes.max() + 1])
        frame[f"{name} with gaps"] = frame[name].where(rng.random(n) < 0.8)
    return Outcome(time, death <= end, entry), frame


def assert_equal_to_general(outcome, frame, ties):
    found = cox_each(outcome, frame, ties=ties)
    for name in frame:
        terms = found.terms[found.terms["covariate"] == name]
        line = found.overall[found.overall["covariate"] == name].iloc[0]
        general = cox(outcome, frame[[name]], ties=ties)
        error = general.terms["std_error"]
        # to 1e-9 of the standard error, which is what a coefficient is known to
        apart = (terms["coef"].to_numpy() - general.terms["coef"]) / error
        assert np.nanmax(np.abs(apart)) < 1e-9, name
        np.testing.assert_allclose(terms["std_error"], error, rtol=1e-9, err_msg=name)
        np.testing.assert_array_equal(terms["coef"].isna(), general.terms["coef"].isna(), err_msg=name)
        assert list(terms["note"]) == list(general.terms["note"]), name
        np.testing.assert_array_equal(terms[["n", "n_event"]], general.terms[["n", "n_event"]], err_msg=name)
        scale = 1e-9 + 1e-13 * abs(
            general.log_likelihood[0]
        )  # the likelihood-ratio test is a difference of two of these
        want = general.tests["statistic"].to_numpy()
        np.testing.assert_allclose(line["statistic"], want[0], rtol=1e-9, atol=scale, err_msg=name)
        np.testing.assert_allclose(line["score_statistic"], want[2], rtol=1e-9, err_msg=name)


@pytest.fixture
def no_general_path(monkeypatch):
    """Fails where a covariate of a sound cohort needs the general path."""

    def refuse(outcome, covariate, ties):
        raise AssertionError(f"{covariate.name} took the general path")

    monkeypatch.setattr(EACH, "_alone", refuse)


@pytest.mark.usefixtures("no_general_path")
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("unit", TIMES)
@pytest.mark.parametrize(("n", "ties"), [(150, "efron"), (2000, "efron"), (2000, "breslow"), (30_000, "efron")])
def test_equal_to_the_general_path(n, ties, unit, late):
    outcome, frame = cohort(n, unit, late)
    assert_equal_to_general(outcome, frame, ties)


def test_what_the_fast_path_cannot_prove_is_left_to_the_general_one():
    outcome, frame = cohort(2000, "days")
    last = outcome.time == outcome.time.max()
    frame = frame[["number", "seven"]].assign(
        constant=3.0,
        monotone=-outcome.time,
        rising=outcome.time,
        outcome=outcome.event.astype(float),
        empty=np.nan,
        unlike=np.where(last, 1e9, frame["number"]),
        one_level=pd.Categorical(["a"] * 2000, ["a", "b"]),
        no_event_in_one=pd.Categorical(np.where(~outcome.event & (np.arange(2000) % 3 == 0), "d", frame["three"])),
        no_event_in_reference=pd.Categorical(
            np.where(~outcome.event & (np.arange(2000) % 3 == 0), "A", frame["three"])
        ),
    )
    result = cox_each(outcome, frame)
    notes = result.terms.groupby("covariate")["note"].agg(lambda found: " | ".join(dict.fromkeys(filter(None, found))))
    assert notes["constant"] == "left out: it has the same value in every row"
    assert notes["monotone"] == notes["rising"] == notes["outcome"] == SEPARATED
    assert notes["empty"] == "not estimable: no events among the 0 rows in which it is known"
    assert notes["one_level"] == "left out: every row has a"
    assert notes["no_event_in_one"] == "not estimable: no events in this group"
    assert notes["no_event_in_reference"].startswith("not estimable: no events in the reference group")
    assert_equal_to_general(outcome, frame[["number", "seven", "unlike", "no_event_in_one"]], "efron")


@pytest.mark.usefixtures("no_general_path")
def test_the_order_of_the_rows_changes_nothing():
    outcome, frame = cohort(20_000, "days", late=True)
    order = np.random.default_rng(1).permutation(len(outcome))
    sorted_rows = np.argsort(outcome.time, kind="stable")
    results = [cox_each(outcome.take(rows), frame.iloc[rows]).terms for rows in (order, sorted_rows)]
    for column in ("coef", "std_error"):
        np.testing.assert_allclose(results[0][column], results[1][column], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("unit", ["days", "months"])
def test_many_tied_events_are_squeezed_and_mean_the_same(unit):
    outcome, _ = cohort(50_000, unit)
    sets = risk_index(outcome)
    nodes = tied_events(sets)
    fraction, weight = nodes.shares(nodes.n_event)
    assert len(nodes.at) < 0.7 * outcome.n_event
    np.testing.assert_allclose(np.bincount(nodes.at, weight), nodes.n_event, rtol=1e-13)
    share = nodes.n_event / sets.n_risk  # every hazard ratio 1, or that of the dying up to several times as high
    for times in (1, 5):
        held = np.minimum(times * share, 0.03 if times > 1 else 1)
        for function in (np.log, np.reciprocal, lambda value: value**-2):
            squeezed = np.bincount(nodes.at, weight * function(1 - fraction * held[nodes.at]))
            each = np.bincount(sets.at, function(1 - sets.fraction * held[sets.at]))
            np.testing.assert_allclose(squeezed, each, rtol=1e-12, atol=1e-14)


def rare_group_that_dies_at_once():
    """30 of 31 of a group die on one day; the last of them is there while two of 3,000 others die."""
    rng = np.random.default_rng(3)
    time = np.concatenate([np.full(30, 5.0), 6 + np.arange(3000.0)])
    event = np.concatenate([np.ones(30), rng.random(3000) < 0.1]).astype(bool)
    inside = np.arange(3030) < 30
    inside[50], event[50] = True, False
    assert event[30:50].sum() == 2
    return Outcome(time, event), inside


def test_tied_events_with_most_of_the_hazard_take_the_general_path(monkeypatch):
    outcome, inside = rare_group_that_dies_at_once()
    asked = []
    general = EACH._alone
    monkeypatch.setattr(EACH, "_alone", lambda *given: asked.append(given[1].name) or general(*given))
    frame = pd.DataFrame({"x": 3.0 * inside, "group": inside})
    assert_equal_to_general(outcome, frame, "efron")
    assert asked == ["x", "group"]


def test_a_step_over_the_maximum_comes_back():
    # from zero, Newton's step leads to where the likelihood is higher than at zero and flat to the last digit
    outcome, inside = rare_group_that_dies_at_once()
    others = (outcome.event & ~inside).nonzero()[0][:2]

    def score(beta):
        hazard = np.exp(beta)
        left = (31 - np.arange(30)) * hazard
        return 30 - (left / (left + 2999)).sum() - sum(hazard / (hazard + 3029 - i) for i in others)

    for frame in (pd.DataFrame({"x": inside.astype(float)}), pd.DataFrame({"group": inside})):
        for fit in (cox, cox_each):
            coef = fit(outcome, frame).terms["coef"].iloc[-1]
            assert coef > 7
            assert abs(score(coef)) < 1e-9


@st.composite
def risk_sets_with_values(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(2, 60))
    time = rng.integers(1, draw(st.integers(2, 40)), n).astype(float)
    event = rng.random(n) < 0.6
    event[0] = True
    entry = time - rng.integers(1, 30, n) if draw(st.booleans()) else None
    return risk_index(Outcome(time, event, entry)), rng


@settings(max_examples=150, deadline=None)
@given(risk_sets_with_values())
def test_the_highest_at_risk(case):
    sets, rng = case
    value = rng.integers(0, 12, len(sets.row)).astype(float)
    highest = value[_highest_at_risk(sets, value)]
    for k in range(sets.n_times):
        assert highest[k] == value[(sets.first <= k) & (k <= sets.last)].max()


@settings(max_examples=100, deadline=None)
@given(risk_sets_with_values())
def test_risk_sets_by_definition(case):
    sets, rng = case
    number = np.arange(sets.n_times)
    member = (sets.first[:, None] <= number) & (number <= sets.last[:, None])
    np.testing.assert_array_equal(sets.n_risk, member.sum(axis=0))
    value = rng.normal(size=(2, len(sets.row)))
    np.testing.assert_allclose(sets.sum(value), value @ member, atol=1e-12)
    np.testing.assert_allclose(
        sets.accumulate(value[:, : sets.n_times]), value[:, : sets.n_times] @ member.T, atol=1e-12
    )
    # the events end the rows of their time
    np.testing.assert_array_equal(sets.last[sets.event], sets.at)
    ends = np.append(sets.start[1:], len(sets.row)) - np.bincount(sets.at, minlength=sets.n_times)
    np.testing.assert_array_equal(sets.event[sets.event_start], ends)


def test_a_maximum_far_out_with_late_entry():
    # log hazards spread over 50: a sum over a risk set that is a difference of running sums would have no digit left
    end = np.array([33, 21, 58, 34, 48, 32, 56, 4, 2, 39, 29, 17, 10, 18, 27.0])
    event = np.array([0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1])
    entry = np.array([28, 17, 57, 32, 39, 31, 55, 2, -2, 33, 28, 10, 5, 16, 18.0])
    x = np.array([-56, 59, 176, 74, 35, 145, -47, -109, 70, 64, 58, 255, 39, 57.5, -105])

    def score(beta):
        found = 0.0
        for i in np.flatnonzero(event):
            at_risk = x[(entry < end[i]) & (end >= end[i])]
            weight = np.exp(beta * (at_risk - at_risk.max()))
            found += x[i] - weight @ at_risk / weight.sum()
        return found

    for terms in (
        cox_each(Outcome(end, event, entry), pd.DataFrame({"x": x})).terms,
        cox(Outcome(end, event, entry), pd.DataFrame({"x": x})).terms,
    ):
        coef, error = terms.loc[0, ["coef", "std_error"]]
        assert coef * np.ptp(x) > 30
        assert abs(score(coef)) < 1e-9
        slope = (score(coef + 1e-6) - score(coef - 1e-6)) / 2e-6
        assert error == pytest.approx((-slope) ** -0.5, rel=1e-5)


def test_the_settled_information_of_a_small_cohort():
    # the last step of the search used to be larger than the information could bear: off by 2e-8
    x = np.array([603.278230, 71.671117, 141.302825, -303.859029, 78.129339])
    outcome = Outcome([1, 2, 1, 1, 2], [0, 0, 0, 1, 1])
    for fit in (cox, cox_each):
        terms = fit(outcome, pd.DataFrame({"x": x})).terms
        beta = terms.loc[0, "coef"]

        def variance(values, beta=beta):
            weight = np.exp(beta * (values - values.mean()))
            weight /= weight.sum()
            return weight @ values**2 - (weight @ values) ** 2

        assert terms.loc[0, "std_error"] == pytest.approx((variance(x) + variance(x[[1, 4]])) ** -0.5, rel=1e-10)


def test_distinct_values_of_sorted_and_unsorted_numbers():
    values = np.random.default_rng(4).integers(0, 50, 300) / 7
    for given_values in (values, np.sort(values), values[:1], values[:0]):
        np.testing.assert_array_equal(distinct_values(given_values), np.unique(given_values))


def test_counts_of_levels_over_several_blocks(monkeypatch):
    monkeypatch.setattr("core.survival.level_counts.BLOCK", 64)
    rng = np.random.default_rng(6)
    times = np.sort(rng.integers(0, 40, 500))
    codes = rng.integers(-1, 4, (3, 500)).astype(np.int8)
    found = _by_time(codes, times, 4, 40)
    for q in range(3):
        for level in range(4):
            np.testing.assert_array_equal(found[q, level], np.bincount(times[codes[q] == level], minlength=40))
