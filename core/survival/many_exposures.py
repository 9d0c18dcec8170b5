"""Cox's model of one yes/no exposure, fitted for many versions of the exposure at once: what a simulation needs."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from core.conventions import TIES
from core.survival.outcome import Outcome

MAX_STEPS = 100
STEP_LIMIT = 2.0  # on the log hazard ratio: Newton's first step overshoots where few are exposed
PRECISION = 1e-10


@dataclass(frozen=True, eq=False)
class ManyRatios:
    """R hazard ratios of exposed v not exposed.

    coef, std_error, p_value  (R,) log hazard ratio and its Wald test; NaN where there is no best value
    limit                     (R,) where there is none: -1 the ratio tends to 0 (no event among the exposed), 1 it grows
                              without end (no event among the others), 0 nothing to compare; 0 too where there is a value
    """

    coef: np.ndarray
    std_error: np.ndarray
    p_value: np.ndarray
    limit: np.ndarray

    @property
    def estimate(self) -> np.ndarray:
        """(R,) hazard ratios, NaN where there is no best value."""
        return np.exp(self.coef)

    @property
    def rank_value(self) -> np.ndarray:
        """(R,) log hazard ratios for comparing runs only: minus or plus infinity where the ratio has only a limit."""
        return np.select([self.limit < 0, self.limit > 0], [-np.inf, np.inf], self.coef)


def many_exposures(outcome: Outcome, exposure_times: np.ndarray, *, ties: str = TIES) -> ManyRatios:
    """Hazard ratios of R versions of one time-dependent exposure; each the same number as ``cox`` gives for its split rows.

    exposure_times (R, n): when each of the n patients is exposed in each version, NaN for never, 0 or earlier for from the
    start (which makes it a fixed label). An exposure counts from just after its time. Raises ValueError without
    events, on another width, or for another name of ties. Only the numbers exposed at each event time matter, so no rows are
    split.
    """
    exposure = np.asarray(exposure_times, dtype=float)
    if exposure.ndim != 2 or exposure.shape[1] != len(outcome):
        raise ValueError("exposure_times must have one column for each row of the outcome")
    if ties not in ("efron", "breslow"):
        raise ValueError(f'ties must be "efron" or "breslow", not {ties!r}')
    event = outcome.event
    if not event.any():
        raise ValueError("there are no events")
    at = np.unique(outcome.time[event])
    n_runs, n_times = len(exposure), len(at)
    gone = np.searchsorted(at, outcome.time, side="right")
    start = np.zeros(len(outcome)) if outcome.entry is None else outcome.entry
    come = np.zeros_like(gone) if outcome.entry is None else np.searchsorted(at, start, side="right")
    since = np.searchsorted(at, exposure, side="right")
    since = np.where(exposure <= np.maximum(start, 0.0), 0, since)
    since = np.maximum(since, come)

    run = np.arange(n_runs)[:, None] * (n_times + 1)
    counts = (since < gone).astype(float).ravel()
    size = n_runs * (n_times + 1)
    change = np.bincount((run + since).ravel(), counts, size) - np.bincount((run + gone).ravel(), counts, size)
    n_exposed = change.reshape(n_runs, -1).cumsum(axis=1)[:, :-1]
    dying = event & (gone > come)
    event_exposed = np.bincount(
        (run + gone[dying] - 1).ravel(), (since < gone)[:, dying].astype(float).ravel(), size
    ).reshape(n_runs, -1)[:, :-1]
    here = come < gone
    both = np.bincount(come[here], minlength=n_times + 1) - np.bincount(gone[here], minlength=n_times + 1)
    n_event = np.bincount(gone[dying] - 1, minlength=n_times)
    n_other = both.cumsum()[:-1] - n_exposed
    event_other = n_event - event_exposed

    # where everybody at risk is exposed, or nobody, an event says nothing
    from_exposed = (event_exposed * (n_other > 0)).sum(axis=1)
    from_other = (event_other * (n_exposed > 0)).sum(axis=1)
    limit = np.where(from_exposed == 0, -1, 1) * ((from_exposed == 0) != (from_other == 0))
    fine = (from_exposed > 0) & (from_other > 0)
    coef, std_error = np.full(n_runs, np.nan), np.full(n_runs, np.nan)
    if fine.any():
        each = np.repeat(np.arange(n_times), n_event)
        leaving = np.zeros(len(each))
        if ties == "efron":
            rank = np.arange(len(each)) - np.concatenate([[0], np.cumsum(n_event)])[each]
            leaving = rank / n_event[each]
        coef[fine], std_error[fine] = _maxima(
            n_exposed[fine][:, each] - leaving * event_exposed[fine][:, each],
            n_other[fine][:, each] - leaving * event_other[fine][:, each],
            event_exposed[fine].sum(axis=1),
        )
    return ManyRatios(coef, std_error, 2 * ndtr(-np.abs(coef / std_error)), limit)


def _maxima(exposed: np.ndarray, other: np.ndarray, n_event_exposed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(R,) log hazard ratios and standard errors from the numbers at risk at each event (R, m) and of exposed events (R,).

    The score falls as the coefficient rises: a step that leaves the interval known to hold the root is replaced by its middle.
    """
    coef = np.zeros(len(exposed))
    low, high = np.full(len(exposed), -50.0), np.full(len(exposed), 50.0)
    for _ in range(MAX_STEPS):
        risk = exposed * np.exp(coef)[:, None]
        share = risk / (risk + other)
        score = n_event_exposed - share.sum(axis=1)
        information = (share * (1 - share)).sum(axis=1)
        low, high = np.where(score > 0, coef, low), np.where(score < 0, coef, high)
        step = np.clip(score / np.maximum(information, 1e-300), -STEP_LIMIT, STEP_LIMIT)
        new = coef + step
        new = np.where((new < low) | (new > high), (low + high) / 2, new)
        done = np.abs(new - coef).max() < PRECISION
        coef = new
        if done:
            break
    risk = exposed * np.exp(coef)[:, None]
    share = risk / (risk + other)
    return coef, 1 / np.sqrt((share * (1 - share)).sum(axis=1))
