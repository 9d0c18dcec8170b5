"""Differences and ratios between strata: arithmetic on R's numbers, properties, awkward input."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from core.errors import NotEstimable
from core.survival.contrasts import restricted_mean_difference, survival_difference
from core.survival.outcome import Outcome
from tests.reference.loading import assert_close
from tests.reference.nonparametric import SETS, as_list, public_set

SEVERAL = [name for name in SETS if len(as_list(public_set(name).expected["levels"])) > 1 and name != "no_event"]
Z = 1.959963984540054


@pytest.mark.parametrize("name", [name for name in SEVERAL if name not in ("all_at_once", "single", "midpoint")])
def test_restricted_means_differ_as_those_of_r(name):
    given_set = public_set(name)
    want = given_set.expected["kaplan_meier"]
    mean, se = np.array(want["rmean"]), np.array(want["rmean_se"])
    got = restricted_mean_difference(given_set.outcome, given_set.strata, want["tau"])
    difference, ratio = (got[got["measure"] == measure].reset_index() for measure in ("difference", "ratio"))
    for row, (a, b) in enumerate(combinations(range(len(mean)), 2)):
        spread = np.sqrt(se[a] ** 2 + se[b] ** 2)
        if spread == 0:
            assert np.isnan(difference["p_value"][row])
            continue
        assert_close(difference["estimate"][row], mean[b] - mean[a], f"{name} difference")
        assert_close(difference["std_error"][row], spread, f"{name} se")
        assert_close(difference["conf_high"][row], mean[b] - mean[a] + Z * spread, f"{name} upper limit")
        assert_close(difference["p_value"][row], 2 * norm.sf(abs(mean[b] - mean[a]) / spread), f"{name} p")
        log_ratio, log_se = np.log(mean[b] / mean[a]), np.sqrt((se[a] / mean[a]) ** 2 + (se[b] / mean[b]) ** 2)
        assert_close(ratio["estimate"][row], mean[b] / mean[a], f"{name} ratio")
        assert_close(ratio["conf_low"][row], np.exp(log_ratio - Z * log_se), f"{name} lower limit of the ratio")
        assert_close(ratio["p_value"][row], 2 * norm.sf(abs(log_ratio) / log_se), f"{name} p of the ratio")


@pytest.mark.parametrize("name", SEVERAL)
def test_survival_differs_as_that_of_r(name):
    given_set = public_set(name)
    want = given_set.expected["kaplan_meier"]
    times = want["times"]
    s, se = (np.array(want["at"][key], dtype=float).reshape(-1, len(times)) for key in ("estimate", "std_error"))
    got = survival_difference(given_set.outcome, given_set.strata, times)
    pairs = list(combinations(range(len(s)), 2))
    assert_close(got["estimate"], np.concatenate([s[b] - s[a] for a, b in pairs]), f"{name} difference")
    spread = np.concatenate([np.hypot(se[a], se[b]) for a, b in pairs])
    assert_close(got["std_error"].to_numpy()[spread > 0], spread[spread > 0], f"{name} se")
    known = np.concatenate([np.minimum(se[a], se[b]) for a, b in pairs]) > 0
    low = got["estimate"].to_numpy() - Z * spread
    assert_close(got["conf_low"].to_numpy()[known], low[known], f"{name} lower limit")
    assert got[["conf_low", "conf_high", "p_value"]][~known].isna().all(axis=None)


def test_swapping_two_groups_turns_the_sign_and_inverts_the_ratio():
    given_set = public_set("veteran")
    two = (given_set.strata.isin(["adeno", "large"])).to_numpy()
    outcome, strata = given_set.outcome.take(two), given_set.strata[two].astype(str)
    one = restricted_mean_difference(outcome, strata, 200)
    other = restricted_mean_difference(outcome, strata.map({"adeno": "z", "large": "a"}), 200)
    assert_close(other["estimate"], [-one["estimate"][0], 1 / one["estimate"][1]], "swapped")
    assert_close(other["p_value"], one["p_value"], "p of the swapped")


def test_tau_defaults_to_where_every_group_is_followed():
    outcome, strata = Outcome([1, 4, 2, 7], [1, 0, 1, 0]), pd.Series(["a", "a", "b", "b"])
    assert set(restricted_mean_difference(outcome, strata)["tau"]) == {4}
    assert restricted_mean_difference(outcome, strata, 6)["estimate"].isna().all()


def test_one_group_has_no_difference():
    outcome, strata = Outcome([1, 2], [1, 1]), pd.Series(["a", "a"])
    with pytest.raises(NotEstimable, match="only a"):
        restricted_mean_difference(outcome, strata, 1)
    with pytest.raises(NotEstimable, match="only a"):
        survival_difference(outcome, strata, [1])


def test_without_events_a_difference_of_zero_has_no_interval():
    got = restricted_mean_difference(Outcome([5, 6], [0, 0]), pd.Series(["a", "b"]), 4)
    assert got["estimate"].tolist() == [0, 1]
    assert got[["conf_low", "conf_high", "p_value"]].isna().all(axis=None)
