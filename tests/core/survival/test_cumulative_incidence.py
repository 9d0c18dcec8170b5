"""Aalen-Johansen by hand, against survfit on several states, by its properties, and on awkward input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NotEstimable
from core.survival.cumulative_incidence import cumulative_incidence
from core.survival.kaplan_meier import kaplan_meier
from core.survival.outcome import Outcome
from tests.reference.loading import assert_close
from tests.reference.nonparametric import having, public_set

COMPETING = having("cumulative_incidence")


def test_the_estimate_by_hand():
    # n = 5. At 1: one event of each cause, F1 = F2 = 1/5, free 3/5. At 2: one censored.
    # At 3: one of cause 1 among 2 at risk: F1 = 1/5 + 3/5 * 1/2 = 1/2; free 3/10
    result = cumulative_incidence(Outcome([1, 1, 2, 3, 4], [1, 2, 0, 1, 0]))
    one, two = (result.curve[result.curve["cause"] == cause] for cause in (1, 2))
    assert_close(one["estimate"], [0.2, 0.2, 0.5, 0.5], "cause 1")
    assert_close(two["estimate"], [0.2, 0.2, 0.2, 0.2], "cause 2")
    assert_close(result.event_free["estimate"], [0.6, 0.6, 0.3, 0.3], "event-free")
    # at 1, without censoring so far, it is a proportion: variance 0.2 * 0.8 / 5
    assert_close(one["std_error"].iloc[0], np.sqrt(0.2 * 0.8 / 5), "standard error")
    assert one["n_event"].tolist() == [1, 0, 1, 0]
    assert one["n_censor"].tolist() == [0, 1, 0, 1]
    assert one["n_risk"].tolist() == [5, 3, 2, 1]
    # to tau = 4: 0.2 * 2 + 0.5 * 1
    assert_close(result.restricted_mean_time_lost(4)["estimate"], [0.9, 0.6], "time lost")


@pytest.mark.parametrize("name", COMPETING)
def test_the_curves_equal_survfit(name):
    given_set = public_set(name)
    want = given_set.expected["cumulative_incidence"]
    for conf_type in ("plain", "log", "log-log"):
        result = cumulative_incidence(given_set.outcome, given_set.strata, conf_type=conf_type)
        assert list(result.causes) == want["causes"]
        assert_close(result.event_free["estimate"].iloc[want["row"]], want["event_free"], f"{name} event-free")
        for position, cause in enumerate(want["causes"]):
            curve = result.curve[result.curve["cause"] == cause]
            assert len(curve) == want["n_rows"]
            rows = curve.iloc[want["row"]]
            for ours in ("time", "n_risk"):
                assert_close(rows[ours], want[ours], f"{name} {ours}")
            for ours in ("n_event", "estimate", "std_error"):
                assert_close(rows[ours], want[ours][position], f"{name} {ours} of cause {cause}")
            if given_set.outcome.entry is not None:
                continue  # survfit's limits then come from another standard error
            inside = rows["estimate"].between(0, 1, inclusive="neither").to_numpy()
            for side in ("conf_low", "conf_high"):
                expected = np.array(want[conf_type][side][position], dtype=float)
                assert_close(rows[side].to_numpy()[inside], expected[inside], f"{name} {conf_type} {side}")
                assert rows[side][~inside].isna().all()


@pytest.mark.parametrize("name", COMPETING)
def test_the_time_lost_equals_r(name):
    given_set = public_set(name)
    want = given_set.expected["cumulative_incidence"]
    got = cumulative_incidence(given_set.outcome, given_set.strata).restricted_mean_time_lost(want["tau"])
    assert_close(got["estimate"], want["lost"], f"{name} time lost")
    assert_close(got["std_error"], want["lost_se"], f"{name} its standard error")


patients = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 3), st.sampled_from("ab"), st.integers(1, 5)), min_size=1, max_size=40
)


def _made(rows, late):
    time, cause, group, before = (np.array(column) for column in zip(*rows, strict=True))
    entry = time.astype(float) - before if late else None
    return Outcome(time.astype(float), cause, entry), pd.Series(group)


@settings(max_examples=50, deadline=None)
@given(patients, st.booleans())
def test_the_states_add_to_one_and_names_of_causes_do_not_matter(rows, late):
    outcome, strata = _made(rows, late)
    result = cumulative_incidence(outcome, strata)
    total = result.event_free["estimate"].to_numpy().copy()
    blocks = {}
    for cause, curve in result.curve.groupby("cause"):
        total += curve["estimate"].to_numpy()
        blocks[cause] = curve.reset_index(drop=True).drop(columns="cause")
        assert (curve.groupby("stratum")["estimate"].diff().dropna() >= 0).all()
    np.testing.assert_allclose(total, 1, rtol=0, atol=1e-12)
    assert not np.isinf(result.curve.select_dtypes("number").to_numpy(dtype=float)).any()
    renamed = cumulative_incidence(Outcome(outcome.time, np.array([0, 3, 1, 2])[outcome.cause], outcome.entry), strata)
    for old, new in ((1, 3), (2, 1), (3, 2)):
        if old in blocks and (outcome.cause == old).any():
            again = renamed.curve[renamed.curve["cause"] == new].reset_index(drop=True).drop(columns="cause")
            pd.testing.assert_frame_equal(again, blocks[old])


@settings(max_examples=50, deadline=None)
@given(patients, st.booleans())
def test_one_cause_alone_is_one_minus_kaplan_meier(rows, late):
    outcome, strata = _made(rows, late)
    outcome = Outcome(outcome.time, outcome.cause == 1, outcome.entry)
    ours, curve = cumulative_incidence(outcome, strata).curve, kaplan_meier(outcome, strata).curve
    assert_close(ours["estimate"], 1 - curve["estimate"], "1 - S")
    alive = (curve["estimate"] > 0).to_numpy()
    assert_close(ours["std_error"].to_numpy()[alive], curve["std_error"].to_numpy()[alive], "standard error")


def test_repeated_calls_give_identical_numbers():
    given_set = public_set("mgus2")
    first = cumulative_incidence(given_set.outcome, given_set.strata).curve
    pd.testing.assert_frame_equal(first, cumulative_incidence(given_set.outcome, given_set.strata).curve)


def test_chosen_times_and_the_risk_table():
    result = cumulative_incidence(Outcome([1, 1, 2, 3, 4], [1, 2, 0, 1, 0]))
    at = result.at([0, 2.5, 5])
    assert at["cause"].tolist() == [1, 1, 1, 2, 2, 2]
    assert_close(at["estimate"], [0, 0.2, np.nan, 0, 0.2, np.nan], "at times")
    table = result.at_risk([0, 2.5, 5])
    assert table["n_risk"].tolist() == [5, 2, 0] * 2
    assert table["n_event"].tolist() == [0, 1, 2, 0, 1, 1]
    assert table["n_censor"].tolist() == [0, 1, 2] * 2


def test_awkward_input():
    with pytest.raises(NotEstimable, match="no patients"):
        cumulative_incidence(Outcome([], []))
    flat = cumulative_incidence(Outcome([1, 2], [0, 0]))
    assert flat.causes == (1,)
    assert flat.curve["estimate"].tolist() == [0, 0]
    assert flat.curve[["conf_low", "conf_high"]].isna().all(axis=None)
    one = cumulative_incidence(Outcome([0], [2]))
    assert one.curve["estimate"].tolist() == [0, 1]
    assert one.event_free["estimate"].tolist() == [0]
    missing = cumulative_incidence(Outcome([1, 2], [1, 2]), pd.Series(["a", None]))
    assert (missing.n_excluded, missing.causes) == (1, (1,))
    lost = cumulative_incidence(Outcome([1, 2], [1, 0])).restricted_mean_time_lost(3)
    assert lost["estimate"].isna().all()
