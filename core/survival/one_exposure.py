"""Cox's model of one yes/no exposure that begins during follow-up, from numbers at risk alone: no row is split."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from core.conventions import TIE_TOLERANCE, TIES
from core.survival.outcome import Outcome

MAX_STEPS = 100
STEP_LIMIT = 2.0  # on the log hazard ratio: Newton's first step overshoots where few are exposed
PRECISION = 1e-10


@dataclass(frozen=True, eq=False)
class OneExposure:
    """An outcome and the time at which each of its n rows was exposed: NaN for never, the start or earlier for throughout.

    An exposure counts from just after its time: an event at that very time belongs to the time before it. Everything here is
    what ``split_at_exposure`` and ``cox`` give for the split rows.
    """

    outcome: Outcome
    exposure: np.ndarray

    @cached_property
    def _begin(self) -> np.ndarray | float:
        return 0.0 if self.outcome.entry is None else np.maximum(self.outcome.entry, 0.0)

    @cached_property
    def _tolerance(self) -> float:
        """Within which an exposure and a time are one time that differs by rounding."""
        scale = float(np.mean(self.outcome.time)) if len(self.outcome) else 0.0
        return TIE_TOLERANCE * max(1.0, scale)

    @cached_property
    def throughout(self) -> np.ndarray:
        """(n,) bool: exposed from the start."""
        return self.exposure <= self._begin + (self._tolerance if self.outcome.entry is not None else 0.0)

    @cached_property
    def exposed(self) -> np.ndarray:
        """(n,) bool: exposed for some of the time observed, and at its end."""
        return self.throughout | (self.exposure < self.outcome.time - self._tolerance)

    @cached_property
    def months(self) -> tuple[float, float]:
        """Time observed while exposed, and while not."""
        observed = self.outcome.time - self._begin
        since = np.maximum(self.exposure, self._begin)[self.exposed]
        exposed = float((self.outcome.time[self.exposed] - since).sum())
        return exposed, float(observed.sum()) - exposed

    def cox(self, ties: str = TIES) -> tuple[float, float, float]:
        """Log hazard ratio of exposed v not exposed, its standard error and Wald's p; NaN where there is no best value.

        Raises ValueError for another name of ties, or without events.
        """
        if ties not in ("efron", "breslow"):
            raise ValueError(f'ties must be "efron" or "breslow", not {ties!r}')
        outcome, event = self.outcome, self.outcome.event
        if not event.any():
            raise ValueError("there are no events")
        at = np.unique(outcome.time[event])
        n_times = len(at)
        gone = np.searchsorted(at, outcome.time, side="right")
        come = np.zeros_like(gone) if outcome.entry is None else np.searchsorted(at, outcome.entry, side="right")
        rows = np.flatnonzero(self.exposed)
        since = np.searchsorted(at, self.exposure[rows] + self._tolerance, side="right")
        since = np.maximum(np.where(self.throughout[rows], 0, since), come[rows])
        rows, since = rows[since < gone[rows]], since[since < gone[rows]]
        n_exposed = _at_risk(since, gone[rows], n_times)
        here = come < gone
        n_other = (
            _at_risk(come, gone, n_times) if here.all() else _at_risk(come[here], gone[here], n_times)
        ) - n_exposed
        dying = event & here
        n_event = np.bincount(gone[dying] - 1, minlength=n_times)
        event_exposed = np.bincount(gone[rows][dying[rows]] - 1, minlength=n_times)
        # where everybody at risk is exposed, or nobody, an event says nothing
        if not (event_exposed * (n_other > 0)).any() or not ((n_event - event_exposed) * (n_exposed > 0)).any():
            return np.nan, np.nan, np.nan
        total = float(event_exposed.sum())
        counts = [c.astype(float) for c in (n_exposed, n_other, n_event)]
        coef, std_error = _maximum(counts[0], counts[1], counts[2], total, 0.0)  # Breslow's
        if ties == "efron" and (n_event > 1).any():
            each = np.repeat(np.arange(n_times), n_event)
            leaving = (np.arange(len(each)) - (np.cumsum(n_event) - n_event)[each]) / n_event[each]
            exposed = n_exposed[each] - leaving * event_exposed[each]
            other = n_other[each] - leaving * (n_event - event_exposed)[each]
            coef, std_error = _maximum(exposed, other, None, total, coef)
        return coef, std_error, float(2 * ndtr(-abs(coef / std_error)))


def _at_risk(come, gone, n_times) -> np.ndarray:
    """How many are there at each event time, from the first at which they are and the first at which they are not."""
    change = np.bincount(come, minlength=n_times + 1) - np.bincount(gone, minlength=n_times + 1)
    return change[: n_times + 1].cumsum()[:-1]


def _maximum(exposed, other, times, n_event_exposed, coef) -> tuple[float, float]:
    """The log hazard ratio and its standard error from the numbers at risk at each event; ``times`` counts alike ones.

    The score falls as the coefficient rises: a step that leaves the interval known to hold the root is replaced by its middle.
    """
    low, high = -50.0, 50.0
    times = 1.0 if times is None else times
    for _ in range(MAX_STEPS):
        risk = exposed * np.exp(coef)
        share = risk / (risk + other)
        score = n_event_exposed - float(np.sum(times * share))
        information = float(np.sum(times * share * (1 - share)))
        low, high = (coef, high) if score > 0 else (low, coef)
        new = coef + float(np.clip(score / max(information, 1e-300), -STEP_LIMIT, STEP_LIMIT))
        if not low <= new <= high:
            new = (low + high) / 2
        step, coef = abs(new - coef), new
        if step < PRECISION:
            break
    return coef, 1 / np.sqrt(information)
