"""Cox's partial likelihood and its maximum, with proof that there is one.

The information is a sum over rows minus a sum over events, so no matrix per risk set is ever built.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from core.conventions import COX_TOLERANCE
from core.survival.at_risk import RiskIndex
from core.survival.separation import recession_direction

MAX_STEPS = 60
MAX_HALVINGS = 40
DEPENDENT = 1e-9  # share of a column's information that is its own; below it the column is a copy of earlier ones
FAR = 15.0  # range of log hazards beyond which rounding in the sums over risk sets can pass for a proof
LONGEST = 10.0  # range of log hazards that one step may add: beyond a maximum far away, all is flat
SETTLED, SETTLING = (
    1e-9,
    1e-2,
)  # step x range: below the first nothing changes, below the second the next one is its square
MOST_CONFIRMING = 3  # steps, where rounding keeps them from becoming that small
FLAT = 1e-10  # information per event of a standardised column that never varies within a risk set


@dataclass(frozen=True, eq=False)
class Maximum:
    """What the partial likelihood says about p columns.

    coef (p,) and variance (p, p) hold NaN where a coefficient has no finite best value or was left out; ``fitted`` says
    which columns have one. log_likelihood is (null, at the maximum or, without one, its limit). score_test is the score
    statistic at zero. ``position`` (n,) orders the rows by predicted risk: by the columns without a limit first.
    dependent_on: column -> earlier columns that determine it (none: the column never varies within a risk set).
    unbounded: columns that the likelihood drives to infinity. sets and active: the risk sets of the maximum or limit, and
    the columns that were free in it, with their ``beta``.
    """

    coef: np.ndarray
    variance: np.ndarray
    fitted: np.ndarray
    log_likelihood: tuple[float, float]
    score_test: float
    df: int
    position: np.ndarray
    dependent_on: dict
    unbounded: tuple
    sets: RiskIndex
    active: np.ndarray
    beta: np.ndarray


def evaluate(sets: RiskIndex, x: np.ndarray, beta: np.ndarray):
    """Log partial likelihood, score (p,) and information (p, p) at beta, for x (p, r) in the order of ``sets.row``.

    Not finite where exp overflows: the caller halves its step.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        linear = beta @ x
        linear = linear - linear.max()
        risk = np.exp(linear) if sets.weight is None else sets.weight * np.exp(linear)
        risk_x = x * risk
        total, first_moment = sets.sum(risk), sets.sum(risk_x)
        at, fraction = sets.at, sets.fraction
        denominator, mean = total[at], first_moment[:, at]
        if fraction is not None:
            denominator = denominator - fraction * sets.sum_events(risk[sets.event])[at]
            mean = mean - fraction * sets.sum_events(risk_x[:, sets.event])[:, at]
        mean = mean / denominator
        log_likelihood = float((linear[sets.event] - np.log(denominator)).sum())
        score = (x[:, sets.event] - mean).sum(axis=1)
        hazard = sets.accumulate(sets.sum_events(1 / denominator))
        if fraction is not None:
            hazard[sets.event] -= sets.sum_events(fraction / denominator)[at]
        information = (risk_x * hazard) @ x.T - mean @ mean.T
    return log_likelihood, score, information


def independent_columns(information: np.ndarray, n_event: int) -> tuple[np.ndarray, dict]:
    """Which columns carry information of their own, taken in their order, and what determines the others."""
    p = len(information)
    kept: list[int] = []
    dependent_on: dict[int, tuple] = {}
    diagonal = np.diag(information)
    factor = np.zeros((p, p))
    for j in range(p):
        if not diagonal[j] > FLAT * n_event:
            dependent_on[j] = ()
            continue
        unit = information[kept, j] / np.sqrt(diagonal[kept] * diagonal[j])
        k = len(kept)
        part = solve_triangular(factor[:k, :k], unit, lower=True) if k else np.zeros(0)
        own = 1 - part @ part
        if own < DEPENDENT:
            shares = solve_triangular(factor[:k, :k].T, part, lower=False)
            dependent_on[j] = tuple(kept[i] for i in np.flatnonzero(np.abs(shares) > 1e-6))
            continue
        factor[k, :k], factor[k, k] = part, np.sqrt(own)
        kept.append(j)
    return np.array(kept, dtype=int), dependent_on


def newton(sets: RiskIndex, x: np.ndarray, start):
    """(beta, log-likelihood, information, certain): the maximum by Newton's method with step halving.

    ``start`` is evaluate() at zero. ``certain`` is a proof that the maximum exists: along a direction in which the
    likelihood only grows, Newton's step is never shorter than 1 / (range of the linear predictor in that direction),
    because its variance within a risk set is at most range x mean. A step of half that length rules every such direction
    out.
    """
    p = len(x)
    beta = np.zeros(p)
    value, score, information = start
    spread = np.ptp(x, axis=1)
    close = 0
    for _ in range(MAX_STEPS):
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            return beta, value, information, False
        decrement = float(score @ step)
        if not (np.isfinite(step).all() and decrement >= 0):
            return beta, value, information, close > 0 and _proves_maximum(beta, information, abs(decrement), spread)
        settles = SETTLED < np.abs(step) @ spread < SETTLING and close < MOST_CONFIRMING
        if close and not settles:
            # the step that confirms: its own error is the square of an already negligible one, and so little that the
            # information, which belongs to the place before it, is that of the maximum
            return beta + step, value, information, _proves_maximum(beta, information, decrement, spread)
        close = close + 1 if close or decrement / 2 <= COX_TOLERANCE else 0
        step = step * min(1.0, LONGEST / max(float(np.ptp(step @ x)), LONGEST))
        for _ in range(MAX_HALVINGS):
            new = evaluate(sets, x, beta + step)
            if np.isfinite(new[0]) and np.isfinite(new[2]).all() and (close or new[0] >= value):
                break
            step = step / 2
        else:
            return beta, value, information, False
        beta = beta + step
        value, score, information = new
    return beta, value, information, False


def _proves_maximum(beta: np.ndarray, information: np.ndarray, decrement: float, spread: np.ndarray) -> bool:
    if np.abs(beta) @ spread > FAR:
        return False
    smallest = np.linalg.eigvalsh(information / np.outer(spread, spread))[0]
    # without a maximum the two sides become equal far out, where rounding decides: half the step leaves no doubt
    return bool(smallest > 0 and 4 * decrement * len(spread) < smallest)


def maximise(build, x: np.ndarray, stratum=None, directions=()) -> Maximum:
    """The maximum of the partial likelihood over the coefficients of x (p, n), or its limit where there is none.

    ``build(stratum)`` gives the risk sets of rows of x, for strata (n,) numbered from 0 or None. ``directions`` are (p,) vectors already known to raise the likelihood without end (a level without events, say).
    Where the likelihood only grows along b, everybody at risk below the highest b.x drops out in the limit, which is the
    same as stratifying by b.x. The coefficients that the limit still determines are the limits of the estimates.
    """
    x = np.asarray(x, dtype=float)
    p, n = x.shape
    sets = build(stratum)
    scaled, scale = _standardised(x, stratum)
    current = scaled[:, sets.row]
    start = evaluate(sets, current, np.zeros(p))
    null, full_score, full_information = start
    kept, dependent_on = independent_columns(full_information, len(sets.at))
    nan = np.full(p, np.nan)
    position = np.zeros(n, dtype=np.int64)
    if not len(kept):
        none, nobody = np.zeros(0), np.zeros(p, dtype=bool)
        return Maximum(
            nan, np.full((p, p), np.nan), nobody, (null, null), np.nan, 0, position, dependent_on, (), sets, kept, none
        )
    score_test = float(full_score[kept] @ np.linalg.solve(full_information[np.ix_(kept, kept)], full_score[kept]))
    pending = [np.asarray(b, dtype=float) * scale for b in directions]
    active = kept
    while True:
        if not pending:
            if not len(active):
                beta, value, information = np.zeros(0), start[0], np.zeros((0, 0))
                break
            beta, value, information, certain = newton(
                sets, current[active], (start[0], start[1][active], start[2][np.ix_(active, active)])
            )
            if certain:
                break
            found = recession_direction(sets, current[active])
            if found is None:
                break
            direction = np.zeros(p)
            direction[active] = found
            pending.append(direction)
        for direction in pending:
            position = _ranked(position, direction @ scaled)
        pending = []
        stratum_now = position if stratum is None else _ranked(stratum, position)
        sets = build(stratum_now)
        scaled_now, _ = _standardised(x, stratum_now, scale)
        current = scaled_now[:, sets.row]
        start = evaluate(sets, current, np.zeros(p))
        active = kept[independent_columns(start[2][np.ix_(kept, kept)], len(sets.at))[0]]
    fitted = np.zeros(p, dtype=bool)
    fitted[active[_determined(start[2], kept, active)]] = True
    coef, variance = nan, np.full((p, p), np.nan)
    predictor = np.zeros(n)
    if len(active):
        inverse = np.linalg.inv(information)
        inside = fitted[active]
        chosen = active[inside]
        coef[chosen] = beta[inside] / scale[chosen]
        variance[np.ix_(chosen, chosen)] = inverse[np.ix_(inside, inside)] / np.outer(scale[chosen], scale[chosen])
        predictor = beta @ scaled[active]
    unbounded = tuple(int(j) for j in kept if not fitted[j])
    return Maximum(
        coef,
        variance,
        fitted,
        (null, value),
        score_test,
        len(kept),
        _ranked(position, predictor),
        dependent_on,
        unbounded,
        sets,
        active,
        beta / scale[active],
    )


def _standardised(x: np.ndarray, stratum, scale=None):
    """Columns centred within strata (which changes no hazard ratio and spares digits) and, overall, of spread one."""
    if stratum is None:
        centred = x - x.mean(axis=1, keepdims=True)
    else:
        count = np.bincount(stratum)
        sums = [np.bincount(stratum, column) for column in x]
        centre = np.reshape(sums, (len(x), len(count))) / np.maximum(count, 1)  # x may have no row
        centred = x - centre[:, stratum]
    if scale is None:
        scale = centred.std(axis=1)
        scale[~(scale > 1e-12 * np.abs(x).max(axis=1, initial=0))] = 1.0
    return centred / scale[:, None], scale


def _ranked(major: np.ndarray, minor: np.ndarray) -> np.ndarray:
    """Rank (from 0) of the pairs, equal but for rounding in the second counting as equal (R rounds likewise)."""
    minor = np.round(minor, 8) if minor.dtype.kind == "f" else minor
    _, minor = np.unique(minor, return_inverse=True)
    _, rank = np.unique(major.astype(np.int64) * (minor.max(initial=0) + 1) + minor, return_inverse=True)
    return rank


def _determined(information: np.ndarray, kept: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Positions in ``active`` of coefficients that no undetermined column could stand in for."""
    dropped = np.setdiff1d(kept, active)
    if not len(dropped) or not len(active):
        return np.arange(len(active))
    shares = np.linalg.solve(information[np.ix_(active, active)], information[np.ix_(active, dropped)])
    scale = np.sqrt(np.diag(information)[active])
    return np.flatnonzero((np.abs(shares) * scale[:, None] < 1e-6 * scale.max()).all(axis=1))
