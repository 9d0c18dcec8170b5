"""Landmark, start-stop rows, Mantel-Byar and Simon-Makuch: by hand, against R, by their properties."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NotEstimable
from core.survival.exposure import landmark, mantel_byar, person_time, simon_makuch, split_at_exposure
from core.survival.kaplan_meier import kaplan_meier
from core.survival.logrank import logrank_test
from core.survival.outcome import Outcome
from tests.reference.loading import assert_close, data, reference
from tests.reference.nonparametric import public_set

EXPOSURES = sorted(reference("nonparametric")["exposures"])


def _exposure(name):
    frame = data(f"nonparametric_exposure_{name}")
    return Outcome(frame["time"], frame["cause"]), frame["exposure"], frame["layer"]


def test_splitting_by_hand():
    # exposed at 3 of 10; on the day of death; never; at the start
    rows, exposed, patient = split_at_exposure(Outcome([10, 5, 7, 4], [1, 1, 0, 2]), [3, 5, np.nan, 0])
    assert rows.entry.tolist() == [0, 3, 0, 0, 0]
    assert rows.time.tolist() == [3, 10, 5, 7, 4]
    assert rows.cause.tolist() == [0, 1, 1, 0, 2]
    assert exposed.tolist() == [False, True, False, False, True]
    assert patient.tolist() == [0, 0, 1, 2, 3]


@pytest.mark.parametrize("step", [-1, 1])
def test_an_exposure_that_equals_the_end_or_another_time_but_for_rounding_is_at_that_time(step):
    ends = np.array([5.0, 7.0, 9.0])
    almost = np.nextafter(ends, step * np.inf)
    rows, exposed, patient = split_at_exposure(Outcome(ends, [1, 1, 0]), [almost[0], np.nan, almost[1]])
    assert patient.tolist() == [0, 1, 2, 2]
    assert exposed.tolist() == [False, False, False, True]
    assert rows.cause.tolist() == [1, 1, 0, 0]
    assert rows.time[1] == rows.time[2] == rows.entry[3]  # the death at 7 and the exposure at 7 are on one day


def test_whoever_dies_at_time_zero_stays_at_risk_there():
    rows, exposed, _ = split_at_exposure(Outcome([0, 4], [1, 0]), [np.nan, 2])
    assert rows.entry.tolist() == [-1, -1, 2]
    result = kaplan_meier(rows, pd.Series(exposed))
    assert result.curve["n_risk"].tolist() == [2, 1, 1]
    assert person_time(rows).tolist() == [0, 2, 2]


def test_late_entry_is_kept_when_splitting():
    rows, exposed, _ = split_at_exposure(Outcome([10, 10], [1, 1], [2, 5]), [4, 3])
    assert rows.entry.tolist() == [2, 4, 5]
    assert exposed.tolist() == [False, True, True]


@pytest.mark.parametrize("name", EXPOSURES)
def test_rows_equal_those_of_tmerge(name):
    want = reference("nonparametric")["exposures"][name]
    outcome, exposure, _ = _exposure(name)
    rows, exposed, patient = split_at_exposure(outcome, exposure)
    for ours, theirs in ((rows.entry, "entry"), (rows.time, "time"), (rows.cause, "cause"), (patient, "patient")):
        assert_close(ours, want[theirs], f"{name} {theirs}")
    assert_close(exposed, want["exposed"], f"{name} exposed")


@pytest.mark.parametrize("name", EXPOSURES)
def test_mantel_byar_equals_r(name):
    want = reference("nonparametric")["exposures"][name]
    outcome, exposure, layer = _exposure(name)
    result = mantel_byar(outcome, exposure)
    assert_close(result.statistic, want["statistic"], f"{name} Mantel-Byar")
    assert_close(result.groups["observed"], want["observed"], f"{name} observed")
    assert_close(result.groups["expected"], want["expected"], f"{name} expected")
    assert result.groups["stratum"].tolist() == ["Not exposed", "Exposed"]
    stratified = mantel_byar(outcome, exposure, stratify=layer)
    assert_close(stratified.statistic, want["stratified"], f"{name} stratified")


@pytest.mark.parametrize("name", EXPOSURES)
def test_simon_makuch_equals_r(name):
    want = reference("nonparametric")["exposures"][name]["curve"]
    result = simon_makuch(*_exposure(name)[:2])
    assert len(result.curve) == want["n_rows"]
    rows = result.curve.iloc[want["row"]]
    for ours in ("time", "n_risk", "estimate"):
        assert_close(rows[ours], want[ours], f"{name} {ours}")
    inside = rows["estimate"].between(0, 1, inclusive="neither").to_numpy()
    for ours in ("std_error", "conf_low", "conf_high"):
        assert_close(rows[ours].to_numpy()[inside], np.array(want[ours], dtype=float)[inside], f"{name} {ours}")
    assert result.summary["follow_up"].isna().all()


@pytest.mark.parametrize("name", ["lung", "veteran"])
def test_the_landmark_equals_r(name):
    given_set, want = public_set(name), reference("nonparametric")["landmark"][name]
    later, kept = landmark(given_set.outcome, want["at"])
    strata = given_set.strata[kept]
    assert len(later) == want["n"] == kept.sum()
    assert_close(logrank_test(later, strata).statistic, want["chisq"], f"{name} log-rank")
    assert_close(kaplan_meier(later, strata).summary["median"], want["median"], f"{name} median")


def test_the_landmark_leaves_out_what_happened_up_to_it():
    later, kept = landmark(Outcome([1, 3, 5, 9], [1, 1, 0, 1]), 3)
    assert kept.tolist() == [False, False, True, True]
    assert later.time.tolist() == [2, 6]
    assert later.entry is None
    late, _ = landmark(Outcome([5, 9], [1, 1], [1, 4]), 3)
    assert late.entry.tolist() == [0, 1]
    with pytest.raises(NotEstimable, match="Nobody of 2 patients"):
        landmark(Outcome([1, 2], [1, 0]), 2)


patients = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 2), st.none() | st.integers(-1, 12)), min_size=2, max_size=30
)


@settings(max_examples=50, deadline=None)
@given(patients)
def test_splitting_loses_no_time_and_no_event(rows):
    time, cause, exposure = zip(*rows, strict=True)
    outcome = Outcome(np.array(time, dtype=float), cause)
    split, exposed, patient = split_at_exposure(outcome, np.array(exposure, dtype=float))
    assert_close(np.bincount(patient, weights=person_time(split)), outcome.time, "person-time")
    assert np.array_equal(np.bincount(split.cause, minlength=3)[1:], np.bincount(outcome.cause, minlength=3)[1:])
    assert (np.diff(patient) >= 0).all()
    # together, the rows are the patients
    pooled, single = kaplan_meier(split).curve, kaplan_meier(outcome).curve
    events = pooled[pooled["n_event"] > 0]
    expected = single[single["n_event"] > 0]
    assert events["n_risk"].tolist() == expected["n_risk"].tolist()
    assert_close(events["estimate"], expected["estimate"], "pooled curve")
    starts = np.array([value is not None and value <= 0 for value in exposure])
    assert exposed[np.searchsorted(patient, np.arange(len(rows)))].tolist() == starts.tolist()


@settings(max_examples=50, deadline=None)
@given(patients)
def test_a_label_known_at_the_start_gives_the_ordinary_log_rank_test(rows):
    time, cause, label = zip(*rows, strict=True)
    outcome = Outcome(np.array(time, dtype=float), cause)
    exposed = np.array([value is not None for value in label])
    try:
        ordinary = logrank_test(outcome, pd.Series(exposed))
    except NotEstimable:
        with pytest.raises(NotEstimable):
            mantel_byar(outcome, np.where(exposed, 0, np.nan))
        return
    assert mantel_byar(outcome, np.where(exposed, 0, np.nan)).statistic == pytest.approx(ordinary.statistic)


def test_awkward_exposures():
    outcome = Outcome([1, 2, 3], [1, 0, 1])
    for function in (mantel_byar, simon_makuch):
        with pytest.raises(NotEstimable, match="None of 3 patients"):
            function(outcome, [np.nan] * 3)
        with pytest.raises(NotEstimable, match="All 3 patients"):
            function(outcome, [0, 0, 0])
    with pytest.raises(ValueError, match="one value"):
        split_at_exposure(outcome, [1.0])
    with pytest.raises(ValueError, match="finite"):
        split_at_exposure(outcome, [np.inf, 1, 1])
    with pytest.raises(ValueError, match="not negative"):
        landmark(outcome, -1)
