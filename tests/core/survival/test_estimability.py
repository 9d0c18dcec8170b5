"""Where the likelihood has no maximum no number is shown, and nowhere else; in every thread."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from core.errors import NotEstimable
from core.survival import Outcome, cox, cox_each
from tests.core.survival.cox_cases import case

NUMBERS = ["coef", "std_error", "conf_low", "conf_high", "statistic", "p_value"]


def unbounded(outcome, x):
    """(p,) which coefficients some direction of growth moves: one linear programme over all pairs, per coefficient and sign."""
    entry = np.full(len(outcome), -np.inf) if outcome.entry is None else outcome.entry
    pairs = [
        x[i] - x[(entry < outcome.time[i]) & (outcome.time >= outcome.time[i])] for i in np.flatnonzero(outcome.event)
    ]
    pairs = np.unique(np.concatenate(pairs), axis=0)
    p = x.shape[1]
    moved = np.zeros(p, dtype=bool)
    for j in range(p):
        for sign in (1, -1):
            found = linprog(
                -sign * np.eye(p)[j], A_ub=-pairs, b_ub=np.zeros(len(pairs)), bounds=[(-1, 1)] * p, method="highs"
            )
            moved[j] |= -found.fun > 1e-6
    return moved


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_exactly_the_unbounded_coefficients_have_no_estimate(seed):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(6, 30)), int(rng.integers(1, 5))
    time = rng.integers(1, 20, n).astype(float)
    event = rng.random(n) < 0.4
    event[rng.integers(n)] = True
    x = rng.integers(0, 3, (n, p)).astype(float)
    if rng.random() < 0.3:
        x[:, 0] = (x[:, 0] > 0) & ~event
    entry = time - rng.integers(1, 9, n) if rng.random() < 0.5 else None
    outcome = Outcome(time, event, entry)
    frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(p)])
    moved = unbounded(outcome, x)
    try:
        terms = cox(outcome, frame).terms
    except NotEstimable:
        assert moved.all() or n < 40  # all moved, or what is not moved is determined by what is
        assert moved.any()
        return
    left_out = terms["note"].str.startswith("left out").to_numpy()
    if not left_out.any():
        np.testing.assert_array_equal(terms["estimate"].isna().to_numpy(), moved)
    assert (terms["estimate"].notna() == (terms["note"] == "")).all()
    assert not np.isinf(terms[NUMBERS].to_numpy()).any()


def refused(outcome, covariates):
    with pytest.raises(NotEstimable) as caught:
        cox(outcome, covariates)
    return str(caught.value)


def test_monotone_likelihood():
    outcome = Outcome([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 0])
    said = refused(outcome, pd.Series([6.0, 5, 4, 3, 2, 1], name="dose"))
    assert "6 patients with 4 events" in said
    assert "dose: it separates" in said
    terms = cox_each(outcome, pd.Series([6.0, 5, 4, 3, 2, 1], name="dose")).terms
    assert terms[[*NUMBERS, "estimate"]].isna().all(axis=None)


def test_events_in_one_group_only():
    outcome = Outcome([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 0, 0])
    group = pd.Series(list("aabaab"), name="g")
    assert "g: no events in this group" in refused(outcome, group)
    swapped = pd.Series(np.where(group == "a", "z", "b"), name="g")
    assert "g: no events in the reference group" in refused(outcome, swapped)


def test_only_two_covariates_together_separate():
    rng = np.random.default_rng(4)
    n = 60
    time = rng.integers(1, 50, n).astype(float)
    a, z = rng.normal(size=n), rng.normal(size=n)
    outcome = Outcome(time, rng.random(n) < 0.5)
    frame = pd.DataFrame({"a": a, "b": -time / 20 - a, "z": z})
    assert cox_each(outcome, frame).terms["estimate"].notna().all()
    terms = cox(outcome, frame).terms.set_index("covariate")
    assert terms.loc[["a", "b"], "estimate"].isna().all()
    assert terms.loc["a", "note"].startswith("not estimable: it separates")


@pytest.mark.parametrize("shift", [1e-3, 1e-6])
def test_almost_separated_is_estimated(shift):
    # one event breaks the order by a hair: the ratio is huge but it exists
    outcome = Outcome([1, 2, 3, 4, 5, 6, 7], [1, 1, 1, 1, 1, 1, 0])
    x = np.array([7.0, 6, 5, 4, 3, 2, 2 + shift])
    terms = cox(outcome, pd.Series(x, name="x")).terms
    assert terms["note"][0] == ""
    assert np.isfinite(terms["coef"][0])


def test_constant_and_nothing_to_fit():
    outcome = Outcome([1, 2, 3, 4], [1, 0, 1, 1])
    assert "it has the same value in every row" in refused(outcome, pd.Series([2.0] * 4, name="x"))
    assert "every row has yes" in refused(outcome, pd.Series(["yes"] * 4, name="x"))
    result = cox(outcome, pd.DataFrame({"c": [1.0] * 4, "x": [1.0, 3, 2, 1]}))
    assert result.left_out == (("c", "it has the same value in every row"),)
    assert result.terms["note"][0] == "left out: it has the same value in every row"


def test_varies_only_outside_the_risk_sets():
    outcome = Outcome([1, 2, 3, 4, 5], [0, 1, 1, 1, 0])
    frame = pd.DataFrame({"early": [1.0, 0, 0, 0, 0], "x": [1.0, 2, 4, 3, 1]})
    result = cox(outcome, frame)
    assert result.left_out == (("early", "it does not vary among those at risk when an event happens"),)


def test_no_rows_no_events():
    x = pd.Series([1.0, 2, 3], name="x")
    assert "None of the 3 patients had the event" in refused(Outcome([1, 2, 3], [0, 0, 2]), x)
    said = refused(Outcome([1, 2, 3], [1, 1, 1]), x.where(x > 5))
    assert "No patients are left" in said
    assert "3 rows were left out" in said


def test_eight_threads_never_mislabel():
    sound, covariates, _, _ = case("veteran")
    rng = np.random.default_rng(2)
    n = 60
    time = rng.exponential(10, n)
    group = pd.Series(rng.random(n) < 0.4, name="group")
    separated = Outcome(time, (rng.random(n) < 0.5) & ~group.to_numpy())
    beside = pd.DataFrame({"group": group, "x": rng.normal(size=n), "slope": -time})
    want_sound, want_separated = cox(sound, covariates).terms, cox(separated, beside[["group", "x"]]).terms
    want_each = cox_each(separated, beside).terms

    def fit(i):
        if i % 3 == 0:
            return want_sound, cox(sound, covariates).terms
        if i % 3 == 1:
            return want_separated, cox(separated, beside[["group", "x"]]).terms
        return want_each, cox_each(separated, beside).terms

    with ThreadPoolExecutor(8) as pool:
        for want, got in pool.map(fit, range(240)):
            pd.testing.assert_frame_equal(got, want)
    assert (want_sound["note"] == "").all()
    assert want_separated.loc[want_separated["level"].eq(True), "estimate"].isna().all()
    assert want_each.set_index("covariate")["note"].loc["slope"].startswith("not estimable")
