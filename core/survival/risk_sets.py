"""How many are at risk, have an event or leave, at each distinct time."""

from dataclasses import dataclass

import numpy as np

from core.conventions import TIE_TOLERANCE
from core.survival.outcome import Outcome


@dataclass(frozen=True, eq=False)
class RiskSets:
    """Counts of one stratum at its m distinct times of leaving, whatever the cause.

    time      (m,) ascending
    n_risk    (m,) entered before the time and not left before it
    n_left    (m,) rows that end there
    n_event   (m,) of them with cause 1
    n_lost    (m,) of them with cause 0: alive, and not seen any longer
    first     (m,) position of the first row with that time, in order of time
    entries   (n,) ascending, or None: everybody from the beginning
    """

    time: np.ndarray
    n_risk: np.ndarray
    n_left: np.ndarray
    n_event: np.ndarray
    n_lost: np.ndarray
    first: np.ndarray
    entries: np.ndarray | None
    n: int

    @property
    def n_censor(self) -> np.ndarray:
        """Everything that is not the event: competing causes count as censored."""
        return self.n_left - self.n_event

    def snapped(self, times: np.ndarray) -> np.ndarray:
        """Asked times; one that differs from a distinct time by rounding only becomes that time."""
        after = np.minimum(np.searchsorted(self.time, times), len(self.time) - 1)
        for position in (np.maximum(after - 1, 0), after):
            near = self.time[position]
            times = np.where(np.abs(times - near) <= TIE_TOLERANCE * np.maximum(1.0, np.abs(near)), near, times)
        return times

    def at_risk(self, times: np.ndarray) -> np.ndarray:
        """How many are at risk at any times: entry < t <= time; at time 0 those who start there count."""
        if self.entries is None:
            entered = self.n
        else:
            just_after_zero = np.nextafter(0.0, 1.0)
            entered = np.searchsorted(self.entries, np.where(times == 0, just_after_zero, times), side="left")
        return entered - self.before(self.n_left, times, side="left")

    def before(self, counts: np.ndarray, times: np.ndarray, side: str = "right") -> np.ndarray:
        """The sum of counts up to and including each time (side "right"), or strictly before it ("left")."""
        total = np.concatenate([[0], np.cumsum(counts)])
        return total[np.searchsorted(self.time, times, side=side)]


def risk_sets(outcome: Outcome) -> RiskSets:
    """The counts of rows that are sorted by time (as ``strata.split`` gives them)."""
    time, n = outcome.time, len(outcome)
    first = np.concatenate([[0], np.flatnonzero(time[1:] != time[:-1]) + 1]) if n else np.zeros(0, dtype=np.int64)
    distinct = time[first]
    n_left = np.diff(first, append=n)
    n_event = count_rows(outcome.cause == 1, first)
    # without competing causes the rest is censored, and need not be counted
    competing = n and outcome.cause.max() > 1
    n_lost = count_rows(outcome.cause == 0, first) if competing else n_left - n_event
    if outcome.entry is None:
        entries, n_risk = None, n - first
    else:
        entries = np.sort(outcome.entry)
        n_risk = np.searchsorted(entries, distinct, side="left") - first
    return RiskSets(distinct, n_risk, n_left, n_event, n_lost, first, entries, n)


def count_rows(chosen: np.ndarray, first: np.ndarray) -> np.ndarray:
    """How many chosen rows each distinct time has."""
    if not len(first):
        return np.zeros(0, dtype=np.int64)
    return np.add.reduceat(chosen.astype(np.int64), first)
