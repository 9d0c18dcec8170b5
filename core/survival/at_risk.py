"""Who is at risk at each time at which the event happens, laid out so that sums over risk sets are running sums."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.survival.outcome import Outcome

SMALL_TABLE = 2**18


@dataclass(frozen=True, eq=False)
class RiskIndex:
    """Rows in the order of their last event time; event times numbered 0..n_times-1, stratum by stratum.

    row        (r,) positions in the outcome; rows that are never at risk when an event happens are not among them
    first, last (r,) the first and last event time at which the row is at risk
    start      (n_times,) where the rows with last == k begin
    event      (m,) positions among the r rows of the events, in order of time; they end the rows of their time
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

    @property
    def n_risk(self) -> np.ndarray:
        """(n_times,) rows at risk."""
        change = np.diff(self.start, append=len(self.row))
        if self.later is not None:
            change[self.later_at] -= np.diff(self.later_start, append=len(self.later))
        return change[::-1].cumsum()[::-1]

    @cached_property
    def _member(self) -> np.ndarray | None:
        """(r, n_times) 1.0 where a row is at risk; None where there is no late entry, or the table would be large.

        With late entry a running sum has to subtract, which far out (a few rows with all the risk) loses every digit.
        """
        if self.later is None or len(self.row) * self.n_times > SMALL_TABLE:
            return None
        number = np.arange(self.n_times)
        return ((self.first[:, None] <= number) & (number <= self.last[:, None])).astype(float)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """(..., r) values of the rows -> (..., n_times) their sum over everybody at risk."""
        if self._member is not None:
            return values @ self._member
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
        if self._member is not None:
            return values @ self._member.T
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
    row, first, last, time, group = (
        _in_order_of_time(outcome, event) if stratum is None else _by_stratum(outcome, event, stratum)
    )
    if outcome.entry is not None:
        at_risk = first <= last
        if not at_risk.all():
            row, first, last = row[at_risk], first[at_risk], last[at_risk]
    n_times = len(time)
    start = np.searchsorted(last, np.arange(n_times))
    is_event = event[row]
    dying, staying = np.flatnonzero(is_event), np.flatnonzero(~is_event)
    at = last[dying]
    n_event = np.bincount(at, minlength=n_times)
    n_other = np.diff(start, append=len(row)) - n_event
    position = np.arange(len(dying)) + np.repeat(np.cumsum(n_other), n_event)
    place = np.empty(len(row), dtype=np.int64)
    place[np.arange(len(staying)) + np.repeat(np.cumsum(n_event) - n_event, n_other)] = staying
    place[position] = dying
    row, first = row[place], first[place]
    event_start = np.cumsum(n_event) - n_event
    fraction = None
    if ties == "efron" and len(at) > n_times:
        fraction = (np.arange(len(at)) - event_start[at]) / n_event[at]
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
        start=start,
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


def _in_order_of_time(outcome: Outcome, event: np.ndarray):
    """(row, first, last, time, group) of everybody in one stratum; rows that come sorted are not sorted again."""
    time, order = outcome.time, np.arange(len(outcome))
    if (time[1:] < time[:-1]).any():
        order = np.argsort(time, kind="stable")
        time = time[order]
    of_events = time[event[order]]
    distinct = of_events[np.concatenate([[True], of_events[1:] != of_events[:-1]])]
    start = np.searchsorted(time, distinct)
    last = np.repeat(np.arange(len(distinct)), np.diff(start, append=len(time)))
    row = order[start[0] :]
    first = np.zeros(len(row), dtype=np.int64)
    if outcome.entry is not None:
        first = np.searchsorted(distinct, outcome.entry[row], side="right")
    return row, first, last, distinct, np.zeros(len(distinct), dtype=np.int64)


def _by_stratum(outcome: Outcome, event: np.ndarray, stratum: np.ndarray):
    distinct = np.unique(outcome.time[event])
    gone = np.searchsorted(distinct, outcome.time, side="right")
    come = 0 if outcome.entry is None else np.searchsorted(distinct, outcome.entry, side="right")
    # one number per (stratum, event time); the gap of one keeps the strata apart
    base = stratum.astype(np.int64) * (len(distinct) + 1)
    keys = np.unique((base + gone - 1)[event])
    last = np.searchsorted(keys, base + gone) - 1
    first = np.searchsorted(keys, base + come)
    group, position = np.divmod(keys, len(distinct) + 1)
    # without entry, too: a stratum's rows that end before its first event are in nobody's risk set
    row = np.flatnonzero(first <= last)
    row = row[np.argsort(last[row], kind="stable")]
    return row, first[row], last[row], distinct[position], group
