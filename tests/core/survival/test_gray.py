"""Gray's test against cmprsk, by its properties, and on awkward input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NotEstimable
from core.survival.gray import gray_test
from core.survival.outcome import Outcome
from tests.reference.loading import assert_close
from tests.reference.nonparametric import having, public_set

TESTED = having("cumulative_incidence", "gray")


@pytest.mark.parametrize("name", TESTED)
def test_the_test_equals_cuminc(name):
    given_set = public_set(name)
    for key, options in (("gray", {}), ("gray_rho", {"rho": 1.0}), ("gray_stratified", {"stratify": given_set.layer})):
        want = given_set.expected["cumulative_incidence"].get(key)
        if want is None:
            assert given_set.layer is None
            continue
        for cause, statistic, df in zip(want["cause"], want["statistic"], want["df"], strict=True):
            result = gray_test(given_set.outcome, given_set.strata, cause=cause, **options)
            assert_close(result.statistic, statistic, f"{name} {key} cause {cause}")
            assert result.df == df


def test_expected_and_observed_add_up():
    given_set = public_set("mgus2")
    result = gray_test(given_set.outcome, given_set.strata)
    assert result.groups["observed"].tolist() == [59, 56]
    assert result.groups["expected"].sum() == pytest.approx(115)
    assert result.groups["n"].sum() == 1384


patients = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2), st.sampled_from("abc")), min_size=3, max_size=40)


@settings(max_examples=50, deadline=None)
@given(patients, st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(rows, random):
    def made(rows, names):
        time, cause, group = zip(*rows, strict=True)
        try:
            return gray_test(Outcome(np.array(time, dtype=float), cause), pd.Series(group).map(names))
        except NotEstimable:
            return None

    first = made(rows, {"a": "a", "b": "b", "c": "c"})
    shuffled = list(rows)
    random.shuffle(shuffled)
    second = made(shuffled, {"a": "z", "b": "y", "c": "x"})
    assert (first is None) == (second is None)
    if first is not None:
        assert np.isfinite(first.statistic)
        assert first.statistic == pytest.approx(second.statistic, rel=1e-7, abs=1e-9)


def test_awkward_input():
    strata = pd.Series(["a", "b", "a"])
    with pytest.raises(NotEstimable, match="No event"):
        gray_test(Outcome([1, 2, 3], [0, 2, 2]), strata)
    with pytest.raises(NotEstimable, match="two groups"):
        gray_test(Outcome([1, 2, 3], [1, 2, 2]), pd.Series(["a"] * 3))
    with pytest.raises(NotEstimable, match="enter late"):
        gray_test(Outcome([1, 2, 3], [1, 2, 2], [0, 0, 0]), strata)
    with pytest.raises(ValueError, match="cause"):
        gray_test(Outcome([1, 2, 3], [1, 2, 2]), strata, cause=0)
