"""Is there a direction in which the partial likelihood grows without end? A linear programme knows."""

import numpy as np
from scipy.optimize import linprog

from core.survival.at_risk import RiskIndex

TOLERANCE = 1e-7
MAX_ROUNDS = 500


def recession_direction(sets: RiskIndex, x: np.ndarray) -> np.ndarray | None:
    """(p,) b with b.(x_i - x_j) >= 0 for every event i and everybody j at risk then, and not always 0; None if none.

    x (p, r), standardised, in the order of ``sets.row``. The likelihood has a finite maximum exactly if there is none.
    The programme starts with each event against the mean of its risk set and takes up a pair only when the direction
    found so far violates it, so that its size does not grow with the square of the rows.
    """
    p = len(x)
    if p == 1:
        return _direction_of_one(sets, x[0])
    everybody = sets.sum(np.ones(x.shape[1]))
    difference = x[:, sets.event] - (sets.sum(x) / everybody)[:, sets.at]
    gain = difference.sum(axis=1)
    constraints = np.unique(np.round(difference.T, 10), axis=0)
    # the gain is scaled, so that the smallest true one is far above the solver's tolerance
    size = np.abs(difference).max(initial=0)
    if not size > 0:
        return None
    for _ in range(MAX_ROUNDS):
        solution = linprog(
            -gain / size, A_ub=-constraints, b_ub=np.zeros(len(constraints)), bounds=[(-1, 1)] * p, method="highs"
        )
        if solution.x is None or -solution.fun <= TOLERANCE * p:
            return None
        direction = solution.x
        value = direction @ x
        highest = _highest_at_risk(sets, value)
        slack = value[highest[sets.at]] - value[sets.event]
        violated = np.flatnonzero(slack > TOLERANCE * np.abs(value).max())
        if not len(violated):
            return np.where(np.abs(direction) > TOLERANCE, direction, 0.0)
        worst = violated[np.argsort(-slack[violated])[:200]]
        pairs = (x[:, sets.event[worst]] - x[:, highest[sets.at[worst]]]).T
        constraints = np.concatenate([constraints, np.unique(np.round(pairs, 10), axis=0)])
    return None


def _direction_of_one(sets: RiskIndex, value: np.ndarray) -> np.ndarray | None:
    """As ``recession_direction``: every event has the highest value at risk, or every one the lowest."""
    tolerance = TOLERANCE * np.abs(value).max(initial=0)
    highest, lowest = value[_highest_at_risk(sets, value)], value[_highest_at_risk(sets, -value)]
    if not (highest - lowest > tolerance).any():
        return None
    dying = value[sets.event]
    if (highest[sets.at] - dying <= tolerance).all():
        return np.array([1.0])
    return np.array([-1.0]) if (dying - lowest[sets.at] <= tolerance).all() else None


def _highest_at_risk(sets: RiskIndex, value: np.ndarray) -> np.ndarray:
    """(n_times,) the row of the highest value in each risk set."""
    order = np.argsort(value, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    if sets.later is None:
        highest = np.full(sets.n_times, -1)
        np.maximum.at(highest, sets.last, rank)
        return order[np.maximum.accumulate(highest[::-1])[::-1]]
    # a row's times are covered by two spans of a power of two; the spans then hand down to their halves
    level = np.frexp(sets.last - sets.first + 1.0)[1] - 1
    highest = np.full((int(level.max()) + 1, sets.n_times), -1)
    np.maximum.at(highest, (level, sets.first), rank)
    np.maximum.at(highest, (level, sets.last + 1 - 2**level), rank)
    for k in range(len(highest) - 1, 0, -1):
        half = 2 ** (k - 1)
        np.maximum(highest[k - 1], highest[k], out=highest[k - 1])
        np.maximum(highest[k - 1, half:], highest[k, :-half], out=highest[k - 1, half:])
    return order[highest[0]]
