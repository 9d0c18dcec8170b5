"""Chance alone: who becomes exposed is drawn from those at risk, and only the naive analysis sees a benefit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.endpoints import OVERALL, endpoint_times
from core.errors import NotEstimable
from core.exposures import course_months
from core.no_effect import assumed_bias, no_effect, redraw_exposures
from core.registry import read_registry
from core.survival import Outcome
from core.treatment import three_estimates
from tests.reference.loading import assert_close

NEVER = np.nan
REGISTRY = read_registry(Path(__file__).parents[2] / "data" / "sample")
OUTCOME, _ = endpoint_times(REGISTRY, OVERALL).outcome(np.ones(len(REGISTRY), dtype=bool))
THIRD = course_months(REGISTRY)[:, 2]


def drawn(outcome, exposure, runs, seed=3):
    return redraw_exposures(outcome, np.array(exposure, dtype=float), runs, np.random.default_rng(seed))


def last(steps):
    *_, (_, result) = steps
    return result


def line(result, analysis):
    return result.summary.set_index("analysis").loc[analysis]


# Who is drawn


def test_everybody_at_risk_has_the_same_chance():
    # at 1.5 patients 1 and 2 are left, at 0.5 all three
    late = drawn(Outcome([1, 2, 3], [1, 1, 1]), [NEVER, NEVER, 1.5], 4000)
    assert np.isnan(late[:, 0]).all()
    assert abs(np.mean(late[:, 1] == 1.5) - 1 / 2) < 0.03
    early = drawn(Outcome([1, 2, 3], [1, 1, 1]), [NEVER, NEVER, 0.5], 4000)
    assert np.abs(np.mean(early == 0.5, axis=0) - 1 / 3).max() < 0.03
    assert (np.nansum(early, axis=1) == 0.5).all()


def test_nobody_is_drawn_before_entering():
    found = drawn(Outcome([5, 6, 7], [1, 1, 1], [0, 3, 0]), [2, NEVER, NEVER], 500)
    assert np.isnan(found[:, 1]).all()
    assert set(np.flatnonzero((found == 2).any(axis=0))) == {0, 2}


def test_an_exposure_at_the_end_is_a_label_that_takes_no_time():
    # the exposure of patient 1 is dated on the day of death: it goes to 1 or 2, and begins after their follow-up
    found = drawn(Outcome([1, 2, 3], [1, 1, 0]), [NEVER, 2, NEVER], 2000)
    assert np.isnan(found[:, 0]).all()
    assert (found[:, 1:][~np.isnan(found[:, 1:])] > 3).all()
    assert abs(np.mean(~np.isnan(found[:, 1])) - 1 / 2) < 0.05


def test_where_nobody_is_left_one_exposure_less_happens():
    # 0 dies at 2: whenever the first exposure falls on 1, nobody is left for the second
    found = drawn(Outcome([2, 10], [1, 1]), [1, 5], 1000)
    alone = np.isnan(found[:, 0])
    assert (found[alone, 1] == 1).all()
    assert (found[~alone] == [1, 5]).all()
    assert abs(alone.mean() - 1 / 2) < 0.05


@st.composite
def cohorts(draw):
    n = draw(st.integers(3, 20))
    time = draw(st.lists(st.integers(1, 20), min_size=n, max_size=n))
    cause = [1, *draw(st.lists(st.integers(0, 1), min_size=n - 1, max_size=n - 1))]
    exposure = [1, *draw(st.lists(st.one_of(st.just(NEVER), st.integers(0, 22)), min_size=n - 1, max_size=n - 1))]
    return Outcome(time, cause), np.array(exposure, dtype=float)


@given(cohorts())
@settings(max_examples=80, deadline=None)
def test_numbers_and_times_of_exposures_stay(cohort):
    outcome, exposure = cohort
    observed = np.sort(exposure[exposure < outcome.time])
    n_labels = np.count_nonzero(exposure >= outcome.time)
    for run in drawn(outcome, exposure, 10):
        taken = np.sort(run[run < outcome.time]).tolist()
        rest = observed.tolist()
        for value in taken:  # every drawn time is an observed one, at most as often
            rest.remove(value)
        assert np.count_nonzero(run >= outcome.time) <= n_labels


# What chance shows


def test_the_observed_ratios_are_those_of_the_three_analyses():
    found = last(no_effect(OUTCOME, THIRD, runs=50))
    want = three_estimates(OUTCOME, THIRD, landmark_months=3).set_index("analysis")["estimate"]
    for analysis in ("naive", "time-dependent"):
        assert_close(line(found, analysis)["observed"], want[analysis], analysis)


def test_in_the_sample_no_effect_looks_like_benefit_to_the_naive_analysis_only():
    found = last(no_effect(OUTCOME, THIRD, runs=1000))
    naive, split = line(found, "naive"), line(found, "time-dependent")
    assert naive["median"] < 0.45
    assert naive["high"] < 0.9
    assert naive["share_benefit"] > 0.5
    assert 0.85 < split["median"] < 1.15
    assert split["share_benefit"] < 0.05
    # the observed ratios are ordinary runs of chance
    assert 0.05 < naive["share_as_small"] < 0.95
    assert 0.05 < split["share_as_small"] < 0.95


def test_a_fixed_label_known_at_the_start_shows_no_bias():
    exposure = np.where(np.arange(51) % 2, 0.0, NEVER)
    found = last(no_effect(OUTCOME, exposure, runs=500))
    assert 0.85 < line(found, "naive")["median"] < 1.15
    assert found.runs["naive"].equals(found.runs["time_dependent"])


def test_the_same_seed_gives_the_same_runs_and_fewer_runs_are_the_first_of_more():
    one, again = last(no_effect(OUTCOME, THIRD, runs=120, seed=5)), last(no_effect(OUTCOME, THIRD, runs=120, seed=5))
    pd.testing.assert_frame_equal(one.runs, again.runs)
    pd.testing.assert_frame_equal(one.summary, again.summary)
    fewer = last(no_effect(OUTCOME, THIRD, runs=70, seed=5))
    pd.testing.assert_frame_equal(fewer.runs, one.runs.head(70))
    assert not one.runs["naive"].equals(last(no_effect(OUTCOME, THIRD, runs=120, seed=6)).runs["naive"])


def test_progress_is_reported_batch_by_batch():
    steps = [(done, len(result.runs)) for done, result in no_effect(OUTCOME, THIRD, runs=120, batch=50)]
    assert steps == [(50, 50), (100, 100), (120, 120)]


def test_runs_without_a_best_value_are_counted_and_never_infinite():
    # the first to die is the only one who dies: whoever is exposed, the ratio has no best value
    found = last(no_effect(Outcome([2, 5, 6, 7], [1, 0, 0, 0]), [NEVER, 1, NEVER, NEVER], runs=100))
    assert line(found, "naive")["n_not_estimable"] == 100
    assert line(found, "naive")["share_benefit"] == 0
    assert found.summary[["observed", "median", "low", "high"]].isna().all(axis=None)
    # observed: nobody exposed dies, a ratio as small as can be; so are the runs in which another than patient 0 is exposed
    assert 0.6 < line(found, "naive")["share_as_small"] < 0.9


def test_what_cannot_be_shown_says_so():
    with pytest.raises(NotEstimable, match="had the event"):
        next(no_effect(Outcome([1, 2], [0, 0]), [1, NEVER]))
    with pytest.raises(NotEstimable, match="was exposed"):
        next(no_effect(Outcome([1, 2], [1, 0]), [NEVER, NEVER]))
    with pytest.raises(NotEstimable, match="3 of 3 patients were exposed, and neither"):  # two empty figures otherwise
        next(no_effect(Outcome([1, 2, 3], [1, 1, 0]), [0, 0, 0]))
    with pytest.raises(ValueError, match="one value"):
        next(no_effect(Outcome([1, 2], [1, 0]), [1]))


# Without dates


def test_assumed_dates_show_the_size_of_the_bias():
    exposed = ~np.isnan(THIRD)
    monthly = last(assumed_bias(OUTCOME, exposed, courses=3, spacing_months=1, runs=400))
    slower = last(assumed_bias(OUTCOME, exposed, courses=3, spacing_months=3, runs=400))
    assert line(slower, "naive")["median"] < line(monthly, "naive")["median"] < 0.6
    assert 0.8 < line(monthly, "time-dependent")["median"] < 1.2
    want = three_estimates(OUTCOME, np.where(exposed, 2.0, NEVER), landmark_months=3).set_index("analysis")
    assert_close(line(monthly, "time-dependent")["observed"], want.loc["time-dependent", "estimate"], "assumed dates")


def test_a_first_course_at_diagnosis_has_no_immortal_time():
    first = last(assumed_bias(OUTCOME, ~np.isnan(THIRD), courses=1, spacing_months=1, runs=400))
    assert 0.85 < line(first, "naive")["median"] < 1.15


@pytest.mark.parametrize(("courses", "spacing"), [(0, 1.0), (3, -1.0), (3, np.inf)])
def test_impossible_assumptions_are_refused(courses, spacing):
    with pytest.raises(ValueError, match="courses must be"):
        next(assumed_bias(OUTCOME, ~np.isnan(THIRD), courses=courses, spacing_months=spacing))
