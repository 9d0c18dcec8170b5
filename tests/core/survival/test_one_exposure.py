"""One exposure from numbers at risk: the same hazard ratio, counts and time as from split rows."""

import numpy as np
import pandas as pd
import pytest

from core.errors import NotEstimable
from core.survival import Outcome, cox, person_time, split_at_exposure
from core.survival.one_exposure import OneExposure


def drawn(seed, n=40, entry=False):
    """Times and exposures on a grid of few days, so that every kind of tie occurs."""
    draws = np.random.default_rng(seed)
    start = draws.integers(0, 5, n) / 30.4375 if entry else None
    time = (draws.integers(0, 12, n) + (5.5 if entry else 0)) / 30.4375
    exposure = np.where(draws.random(n) < 0.6, draws.integers(-1, 14, n) / 30.4375, np.nan)
    return Outcome(time, draws.integers(0, 3, n), start), exposure


@pytest.mark.parametrize("entry", [False, True])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_equals_the_model_of_the_split_rows(ties, entry):
    n_compared = 0
    for seed in range(60):
        outcome, exposure = drawn(seed, n=40 if seed % 3 else 8, entry=entry)
        seen = OneExposure(outcome, exposure)
        rows, exposed, patient = split_at_exposure(outcome, exposure)
        assert np.count_nonzero(seen.exposed) == len(np.unique(patient[exposed]))
        assert np.count_nonzero(outcome.event & seen.exposed) == np.count_nonzero(rows.event[exposed])
        months = person_time(rows)
        assert seen.months == pytest.approx((months[exposed].sum(), months[~exposed].sum()))
        if not outcome.n_event or not exposed.any() or exposed.all():
            continue
        try:
            term = cox(rows, pd.Series(exposed.astype(float), name="x"), ties=ties).terms.iloc[-1]
            expected = term["coef"], term["std_error"], term["p_value"]
        except NotEstimable:
            expected = (np.nan,) * 3
        assert seen.cox(ties) == pytest.approx(expected, rel=1e-8, abs=1e-9, nan_ok=True)
        n_compared += not np.isnan(expected[0])
    assert n_compared > 30


def test_a_time_that_differs_by_rounding_is_the_same_time():
    outcome = Outcome([1.0, 2.0, 3.0, 4.0, 5.0], [1, 1, 1, 1, 0])
    exact = OneExposure(outcome, np.array([np.nan, 2.0, 1.0, np.nan, 3.0]))
    rounded = OneExposure(outcome, np.array([np.nan, 2.0 - 1e-12, 1.0 + 1e-12, np.nan, 3.0 - 1e-12]))
    assert exact.exposed.tolist() == rounded.exposed.tolist() == [False, False, True, False, True]
    assert rounded.cox() == pytest.approx(exact.cox(), rel=1e-12)


def test_without_events_or_with_other_ties_it_is_a_mistake_of_the_program():
    with pytest.raises(ValueError, match="no events"):
        OneExposure(Outcome([1, 2], [0, 0]), np.array([0.5, np.nan])).cox()
    with pytest.raises(ValueError, match="ties"):
        OneExposure(Outcome([1, 2], [1, 0]), np.array([0.5, np.nan])).cox("exact")
