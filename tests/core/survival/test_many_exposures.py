"""One exposure in many versions at once: each the number that the Cox model of its own split rows gives."""

import numpy as np
import pandas as pd
import pytest

from core.errors import NotEstimable
from core.survival import Outcome, cox, split_at_exposure
from core.survival.many_exposures import many_exposures
from tests.reference.loading import assert_close, data, reference

R = reference("treatment")


def one_by_one(outcome, exposure, ties):
    """(log hazard ratio, standard error) from the split rows; NaN where there is no best value."""
    rows, exposed, _ = split_at_exposure(outcome, exposure)
    try:
        term = cox(rows, pd.Series(exposed, name="exposed"), ties=ties).terms.iloc[-1]
    except NotEstimable:
        return np.nan, np.nan
    return term["coef"], term["std_error"]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("late_entry", [False, True])
def test_every_version_is_the_model_of_its_split_rows(late_entry, ties):
    generator = np.random.default_rng(7)
    n_without = 0
    for case in range(60):
        n = int(generator.integers(4, 40))
        time = generator.integers(0 if case % 3 == 0 and not late_entry else 1, 15, n).astype(float)
        cause = generator.integers(0, 3, n)
        cause[0] = 1
        entry = np.floor(time * generator.random(n)) if late_entry else None
        outcome = Outcome(time, cause, entry)
        exposures = np.where(generator.random((3, n)) < 0.5, generator.integers(0, 16, (3, n)), np.nan)
        found = many_exposures(outcome, exposures, ties=ties)
        want = np.array([one_by_one(outcome, exposure, ties) for exposure in exposures])
        assert_close(found.coef, want[:, 0], f"coef in case {case}")
        assert_close(found.std_error, want[:, 1], f"std_error in case {case}")
        n_without += int(np.isnan(want[:, 0]).sum())
    assert n_without > 5  # the cases without a best value were among them


def test_without_events_on_one_side_the_ratio_has_a_limit():
    outcome = Outcome([1, 2, 3, 4], [1, 1, 0, 0])
    never = np.nan
    found = many_exposures(
        outcome, [[0, 0, never, never], [never, never, 0, 0], [never] * 4, [0] * 4, [0, never, 0, never]]
    )
    assert found.limit.tolist() == [1, -1, 0, 0, 0]
    assert np.isnan(found.estimate[:4]).all()
    assert found.rank_value[:2].tolist() == [np.inf, -np.inf]
    assert np.isnan(found.rank_value[2:4]).all()
    # 1 among {e, 1, e, 1}: e/(2e+2), then 1/(1+e+1)... the ratio solves 1 = 2e/(2e+2) + e/(e+2), so e**2 = 2
    assert_close(found.estimate[4], np.sqrt(2), "ratio by hand")


@pytest.mark.parametrize("name", sorted(R["sets"]))
def test_naive_and_time_dependent_ratios_equal_r(name):
    table = data(f"treatment_{name}")
    outcome = Outcome(table["time"], table["event"])
    for exposure, want in R["sets"][name]["three"].items():
        since = table[exposure].to_numpy()
        found = many_exposures(outcome, np.stack([np.where(np.isnan(since), np.nan, 0), since]))
        for run, analysis in enumerate(("naive", "time_dependent")):
            assert_close(found.coef[run], want[analysis]["coef"], "coef")
            assert_close(found.std_error[run], want[analysis]["std_error"], "std_error")
            assert_close(found.p_value[run], want[analysis]["p_value"], "p")


def test_mistakes_are_refused():
    with pytest.raises(ValueError, match="no events"):
        many_exposures(Outcome([1, 2], [0, 0]), [[1, np.nan]])
    with pytest.raises(ValueError, match="one column"):
        many_exposures(Outcome([1, 2], [1, 0]), [[1.0]])
    with pytest.raises(ValueError, match="ties"):
        many_exposures(Outcome([1, 2], [1, 0]), [[1, np.nan]], ties="exact")
