"""Follow-up divided at several exposures: by hand, against R's tmerge, and as the split at one exposure."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.survival import Outcome, cox, person_time, split_at_exposure
from core.survival.start_stop import split_at_exposures
from tests.reference.loading import assert_close, data, reference

R = reference("treatment")
SETS = sorted(R["sets"])


def exposures_of(name):
    return pd.DataFrame({x: data(f"treatment_{name}")[x] for x in R["sets"][name]["exposures"]})


def outcome_of(name):
    table = data(f"treatment_{name}")
    return Outcome(table["time"], table["event"])


def test_the_rows_by_hand():
    # 0 dies at 10, exposed to a from 3 and to b from 5; 1 leaves at 6, the day on which b would begin; 2 dies at 4, exposed
    # to a from the start and to b on the day of death
    times = pd.DataFrame({"a": [3, np.nan, 0], "b": [5, 6, 4]})
    rows, exposed, patient = split_at_exposures(Outcome([10, 6, 4], [1, 0, 1]), times)
    assert patient.tolist() == [0, 0, 0, 1, 2]
    assert rows.entry.tolist() == [0, 3, 5, 0, 0]
    assert rows.time.tolist() == [3, 5, 10, 6, 4]
    assert rows.cause.tolist() == [0, 0, 1, 0, 1]
    assert exposed.to_dict("list") == {"a": [0, 1, 1, 0, 1], "b": [0, 0, 1, 0, 0]}


def test_exposures_on_the_same_day_divide_once():
    rows, exposed, patient = split_at_exposures(Outcome([9], [2]), pd.DataFrame({"a": [4], "b": [4], "c": [np.nan]}))
    assert rows.time.tolist() == [4, 9]
    assert rows.cause.tolist() == [0, 2]
    assert exposed.to_numpy().tolist() == [[0, 0, 0], [1, 1, 0]]
    assert patient.tolist() == [0, 0]


def test_times_that_are_equal_but_for_rounding_are_one_time():
    tenth = 0.1 * 3  # 0.30000000000000004
    rows, exposed, _ = split_at_exposures(
        Outcome([tenth, 1.0], [1, 1]), pd.DataFrame({"a": [0.3, tenth], "b": [np.nan, 0.3]})
    )
    assert len(rows) == 3
    assert exposed["a"].tolist() == exposed["b"].tolist() == [0, 0, 1]


def test_without_exposures_nothing_is_divided():
    rows, exposed, patient = split_at_exposures(Outcome([2, 1], [1, 0]), pd.DataFrame(index=range(2)))
    assert rows.time.tolist() == [2, 1]
    assert exposed.shape == (2, 0)
    assert patient.tolist() == [0, 1]


def test_nobody_gives_no_rows():
    rows, exposed, patient = split_at_exposures(Outcome([], []), pd.DataFrame({"a": []}))
    assert len(rows) == len(exposed) == len(patient) == 0


@pytest.mark.parametrize("times", [[np.inf], [1.0, 2.0]], ids=["infinite", "too many"])
def test_what_is_no_exposure_time_is_refused(times):
    with pytest.raises(ValueError, match="exposure"):
        split_at_exposures(Outcome([3], [1]), pd.DataFrame({"a": times}))


def test_a_name_given_twice_is_refused():
    with pytest.raises(ValueError, match="different names"):
        split_at_exposures(Outcome([3], [1]), pd.DataFrame([[1, 2]], columns=["a", "a"]))


@pytest.mark.parametrize("name", SETS)
def test_the_rows_are_those_of_tmerge(name):
    want = R["sets"][name]["rows"]
    rows, exposed, patient = split_at_exposures(outcome_of(name), exposures_of(name))
    assert_close(rows.entry, want["entry"], "entry")
    assert_close(rows.time, want["time"], "time")
    assert rows.cause.tolist() == want["event"]
    assert patient.tolist() == want["patient"]
    for exposure in exposed:
        assert exposed[exposure].tolist() == want["exposed"][exposure]


@st.composite
def followed(draw):
    n = draw(st.integers(1, 12))
    time = draw(st.lists(st.integers(1, 15), min_size=n, max_size=n))
    cause = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    late = draw(st.booleans())
    entry = [draw(st.integers(0, t - 1)) for t in time] if late else None
    when = st.one_of(st.just(np.nan), st.integers(-1, 18))
    times = pd.DataFrame({x: [draw(when) for _ in range(n)] for x in "ab"}, dtype=float)
    return Outcome(time, cause, entry), times


@given(followed())
@settings(max_examples=150, deadline=None)
def test_time_and_events_are_kept_and_one_exposure_is_the_split_at_one(case):
    outcome, times = case
    rows, exposed, patient = split_at_exposures(outcome, times)
    assert np.bincount(patient, weights=person_time(rows)).tolist() == person_time(outcome).tolist()
    assert np.bincount(patient, weights=rows.cause).tolist() == outcome.cause.tolist()
    for name in times:
        one, since, whose = split_at_exposure(outcome, times[name])
        again, column, again_whose = split_at_exposures(outcome, times[[name]])
        assert (one.time.tolist(), one.entry.tolist(), one.cause.tolist()) == (
            again.time.tolist(),
            again.entry.tolist(),
            again.cause.tolist(),
        )
        assert whose.tolist() == again_whose.tolist()
        assert since.tolist() == column[name].astype(bool).tolist()
        # dividing at another exposure as well changes no time exposed
        spent = np.bincount(whose, weights=person_time(one) * since, minlength=len(outcome))
        assert np.bincount(patient, weights=person_time(rows) * exposed[name]).tolist() == spent.tolist()


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", SETS)
def test_several_exposures_and_baseline_covariates_equal_r(name, ties):
    want = R["sets"][name]["several" if ties == "efron" else "breslow"]
    table = data(f"treatment_{name}")
    rows, exposed, patient = split_at_exposures(outcome_of(name), exposures_of(name))
    baseline = table[[c for c in table if c not in ("time", "event", *exposed)]].iloc[patient].reset_index(drop=True)
    if "group" in baseline:
        baseline["group"] = baseline["group"].astype("category")
    result = cox(rows, pd.concat([exposed, baseline], axis=1), ties=ties)
    terms = result.terms[~result.terms["is_reference"]]
    assert (result.n, result.n_event) == (want["n"], want["n_event"])
    assert_close(terms["coef"], want["coef"], "coef")
    assert_close(terms["std_error"], want["std_error"], "std_error")
    assert_close(list(result.log_likelihood), want["log_likelihood"], "log-likelihood")
