"""Who is at risk at each time at which the event happens, laid out so that sums over risk sets are running sums."""

from dataclasses import dataclass

import numpy as np

from core.survival.outcome import Outcome


@dataclass(frozen=True, eq=False)
class RiskIndex:
    """Rows in the order of their last event time; event times numbered 0..n_times-1, stratum by stratum.

    row        (r,) positions in the outcome; rows that are never at risk when an event happens are not among them
    first, last (r,) the first and last event time at which the row is at risk
    start      (n_times,) where the rows with last == k begin
    event      (m,) positions among the r rows of the events, in order of time
    at         (m,) the event time of each event
    event_start (n_times,) where the events of time k begin
    fraction   (m,) Efron's share (0, 1/d, .., (d-1)/d) by which the dying leave the risk set; None for Breslow
    later      positions of rows that come under observation after event time 0, ordered by ``first``; None if nobody does
    later_start, later_at: where each group of equal ``first`` begins in ``later``, and the event time just before it
    time, stratum (n_times,)
    weight     (r,) of the rows, or None
    """

    row: np.ndarray
    first: np.ndarray
    last: np.ndarray
    start: np.ndarray
    event: np.ndarray
    at: np.ndarray
    event_start: np.ndarray
    fraction: np.ndarray | None
    later: np.ndarray | None
    later_start: np.ndarray | None
    later_at: np.ndarray | None
    time: np.ndarray
    stratum: np.ndarray
    weight: np.ndarray | None = None

    @property
    def n_times(self) -> int:
        return len(self.time)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """(..., r) values of the rows -> (..., n_times) their sum over everybody at risk."""
        change = np.add.reduceat(values, self.start, axis=-1)
        if self.later is not None:
            entering = np.add.reduceat(values[..., self.later], self.later_start, axis=-1)
            change[..., self.later_at] -= entering
        return change[..., ::-1].cumsum(axis=-1)[..., ::-1]

    def sum_events(self, values: np.ndarray) -> np.ndarray:
        """(..., m) values of the events -> (..., n_times) their sum at each event time."""
        return values if len(self.at) == self.n_times else np.add.reduceat(values, self.event_start, axis=-1)

    def accumulate(self, values: np.ndarray) -> np.ndarray:
        """(..., n_times) values of the event times -> (..., r) their sum over the times at which a row is at risk."""
        total = np.zeros((*values.shape[:-1], self.n_times + 1))
        np.cumsum(values, axis=-1, out=total[..., 1:])
        until = total[..., self.last + 1]
        return until if self.later is None else until - total[..., self.first]


def risk_index(outcome: Outcome, stratum: np.ndarray | None = None, ties: str = "efron") -> RiskIndex:
    """The risk sets of the event (cause 1). ``stratum`` (n,) holds whole numbers from 0; ties "efron" or "breslow".

    Raises ValueError without events or for another name of ties.
    """
    if ties not in ("efron", "breslow"):
        raise ValueError(f'ties must be "efron" or "breslow", not {ties!r}')
    event = outcome.event
    if not event.any():
        raise ValueError("there are no events")
    distinct = np.unique(outcome.time[event])
    gone = np.searchsorted(distinct, outcome.time, side="right")
    come = None if outcome.entry is None else np.searchsorted(distinct, outcome.entry, side="right")
    if stratum is None:
        last, first = gone - 1, np.zeros_like(gone) if come is None else come
        time, group = distinct, np.zeros(len(distinct), dtype=np.int64)
    else:
        # one number per (stratum, event time); the gap of one keeps the strata apart
        base = stratum.astype(np.int64) * (len(distinct) + 1)
        keys = np.unique((base + gone - 1)[event])
        last = np.searchsorted(keys, base + gone) - 1
        first = np.searchsorted(keys, base if come is None else base + come)
        group, position = np.divmod(keys, len(distinct) + 1)
        time = distinct[position]
    row = np.argsort(last, kind="stable")
    at_risk = first[row] <= last[row]
    if not at_risk.all():
        row = row[at_risk]
    first, last = first[row], last[row]
    position = np.flatnonzero(event[row])
    at = last[position]
    n_times = len(time)
    number = np.arange(n_times)
    event_start = np.searchsorted(at, number)
    fraction = None
    if ties == "efron" and len(at) > n_times:
        rank = np.arange(len(at)) - event_start[at]
        fraction = rank / np.bincount(at, minlength=n_times)[at]
    later = later_start = later_at = None
    if (first > 0).any():
        later = np.flatnonzero(first > 0)
        later = later[np.argsort(first[later], kind="stable")]
        group_of_first, later_start = np.unique(first[later], return_index=True)
        later_at = group_of_first - 1
    return RiskIndex(
        row=row,
        first=first,
        last=last,
        start=np.searchsorted(last, number),
        event=position,
        at=at,
        event_start=event_start,
        fraction=fraction,
        later=later,
        later_start=later_start,
        later_at=later_at,
        time=time,
        stratum=group,
    )
