"""The events of each time as a few weighted nodes, so that many tied events cost no more than a handful.

Efron lets the d events of one time leave the risk set one after another, by the shares 0, 1/d, .., (d-1)/d: the likelihood
holds d terms g(l/d) of one smooth function g. The Gauss rule of those d points gives the same sum to rounding from
MOST_NODES of them, as long as the events are a small part of those at risk (nodes: Gram's polynomials, by Golub and Welsch
1969). With d up to MOST_NODES the nodes are the events themselves.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.survival.at_risk import RiskIndex

MOST_NODES = 10
SMALL_SHARE = 0.05  # of those at risk, below which the events of one time are squeezed into nodes
LARGEST_SHARE = 0.5  # of the hazard at risk: here the rule is still exact to 1e-15, beyond it less and less


@dataclass(frozen=True, eq=False)
class TiedEvents:
    """Where the nodes are.

    at         (k,) the event time of each node, ascending
    slot       (k,) its number within the time
    squeezed   (k,) bool: the time may have more events than nodes
    start      (n_times + 1,) where the nodes of each time begin
    has_shares whether the dying leave one after another at any time (Efron, with ties)
    n_event    (n_times,)
    """

    at: np.ndarray
    slot: np.ndarray
    squeezed: np.ndarray
    start: np.ndarray
    has_shares: bool
    n_event: np.ndarray

    def shares(self, n_event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(fraction, weight), both (..., k), for (..., n_times) events: all of them, or those with a known value."""
        events = n_event[..., self.at]
        if not self.has_shares:
            return np.zeros(events.shape), events.astype(float)
        used = self.slot < events
        fraction = np.where(used, self.slot / np.maximum(events, 1), 0.0)
        weight = used.astype(float)
        many = self.squeezed & (events > MOST_NODES)
        if many.any():
            sizes, which = np.unique(events[many], return_inverse=True)
            rule = np.array([_gauss(int(size)) for size in sizes])
            slot = np.broadcast_to(self.slot, events.shape)[many]
            fraction[many], weight[many] = rule[which, 0, slot], rule[which, 1, slot]
        return fraction, weight


def tied_events(sets: RiskIndex) -> TiedEvents:
    """The nodes of the events of some risk sets."""
    n_event = np.diff(sets.event_start, append=len(sets.event))
    times = np.arange(sets.n_times)
    if sets.fraction is None:
        nothing = np.zeros(sets.n_times, dtype=np.int64)
        start = np.arange(sets.n_times + 1)
        return TiedEvents(times, nothing, nothing.astype(bool), start, False, n_event)
    squeezed = (n_event > MOST_NODES) & (n_event <= SMALL_SHARE * sets.n_risk)
    slots = np.where(squeezed, MOST_NODES, n_event)
    start = np.concatenate([[0], np.cumsum(slots)])
    at = np.repeat(times, slots)
    return TiedEvents(at, np.arange(len(at)) - start[at], squeezed[at], start, True, n_event)


@lru_cache(maxsize=65536)
def _gauss(n_event: int) -> np.ndarray:
    """(2, MOST_NODES): nodes and weights of the Gauss rule of the points 0, 1/d, .., (d-1)/d, each of weight one."""
    k = np.arange(1, MOST_NODES)
    beside = np.sqrt(k**2 * (1 - (k / n_event) ** 2) / (4 * (4 * k**2 - 1)))
    jacobi = np.diag(np.full(MOST_NODES, (1 - 1 / n_event) / 2)) + np.diag(beside, 1) + np.diag(beside, -1)
    nodes, vectors = np.linalg.eigh(jacobi)
    return np.array([nodes, n_event * vectors[0] ** 2])
