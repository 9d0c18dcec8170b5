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


def _highest_at_risk(sets: RiskIndex, value: np.ndarray) -> np.ndarray:
    """(n_times,) the row of the highest value in each risk set."""
    highest = np.full(sets.n_times, -1)
    # `following` leads to the next event time that has no row yet; paths are shortened on the way
    following = np.arange(sets.n_times + 1)
    open_times = sets.n_times
    for row in np.argsort(-value, kind="stable"):
        k = _next_open(following, sets.first[row])
        while k <= sets.last[row]:
            highest[k] = row
            following[k] = k + 1
            open_times -= 1
            k = _next_open(following, k)
        if not open_times:
            break
    return highest


def _next_open(following: np.ndarray, k: int) -> int:
    root = k
    while following[root] != root:
        root = following[root]
    while following[k] != root:
        following[k], k = root, following[k]
    return root
