"""The events of each time as a few weighted nodes, so that many tied events cost no more than a handful.

Efron lets the d events of one time leave the risk set one after another, by the shares 0, 1/d, .., (d-1)/d: the likelihood
holds d terms g(l/d) of one smooth function g. The Gauss rule of those d points gives the same sum to rounding from a few of
them, as long as the events are a small part of those at risk (nodes: Gram's polynomials, by Golub and Welsch 1969). With
fewer events than that the nodes are the events themselves.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.survival.at_risk import RiskIndex

# (nodes, the largest share of those at risk that may have the event, the largest share of their hazard for which the rule is
# exact to 1e-15: for a share s the error falls with the number of nodes m as (4 / s) ** (-2 m))
RULES = ((10, 0.05, 0.5), (4, 0.004, 0.03))


@dataclass(frozen=True, eq=False)
class TiedEvents:
    """Where the nodes are.

    at         (k,) the event time of each node, ascending
    slot       (k,) its number within the time
    squeezed   (k,) the nodes of the time if it may have more events than nodes, else 0
    most       (k,) the share of the hazard at risk that the events of the time may hold; 1 where the nodes are the events
    start      (n_times + 1,) where the nodes of each time begin
    has_shares whether the dying leave one after another at any time (Efron, with ties)
    n_event    (n_times,)
    """

    at: np.ndarray
    slot: np.ndarray
    squeezed: np.ndarray
    most: np.ndarray
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
        many = events > np.where(self.squeezed > 0, self.squeezed, np.inf)
        if many.any():
            slot, n_nodes = (np.broadcast_to(v, events.shape)[many] for v in (self.slot, self.squeezed))
            sizes, which = np.unique(events[many] * 16 + n_nodes, return_inverse=True)
            rule = np.zeros((len(sizes), 2, RULES[0][0]))
            for i, size in enumerate(sizes.tolist()):
                rule[i, :, : size % 16] = _gauss(size // 16, size % 16)
            fraction[many], weight[many] = rule[which, 0, slot], rule[which, 1, slot]
        return fraction, weight


def tied_events(sets: RiskIndex) -> TiedEvents:
    """The nodes of the events of some risk sets."""
    n_event = np.diff(sets.event_start, append=len(sets.event))
    times = np.arange(sets.n_times)
    squeezed, most = np.zeros(sets.n_times, dtype=np.int64), np.ones(sets.n_times)
    if sets.fraction is None:
        return TiedEvents(times, squeezed, squeezed, most, np.arange(sets.n_times + 1), False, n_event)
    share = n_event / sets.n_risk
    for nodes, largest, exact in RULES:
        chosen = (n_event > nodes) & (share <= largest)
        squeezed[chosen], most[chosen] = nodes, exact
    slots = np.where(squeezed > 0, squeezed, n_event)
    start = np.concatenate([[0], np.cumsum(slots)])
    at = np.repeat(times, slots)
    return TiedEvents(at, np.arange(len(at)) - start[at], squeezed[at], most[at], start, True, n_event)


@lru_cache(maxsize=65536)
def _gauss(n_event: int, n_nodes: int) -> np.ndarray:
    """(2, n_nodes): nodes and weights of the Gauss rule of the points 0, 1/d, .., (d-1)/d, each of weight one."""
    k = np.arange(1, n_nodes)
    beside = np.sqrt(k**2 * (1 - (k / n_event) ** 2) / (4 * (4 * k**2 - 1)))
    jacobi = np.diag(np.full(n_nodes, (1 - 1 / n_event) / 2)) + np.diag(beside, 1) + np.diag(beside, -1)
    nodes, vectors = np.linalg.eigh(jacobi)
    return np.array([nodes, n_event * vectors[0] ** 2])
