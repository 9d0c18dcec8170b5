"""The log-rank test and its family: weighted, stratified, for trend, pairwise."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from core.errors import NotEstimable
from core.survival.comparison import TestResult
from core.survival.outcome import Outcome
from core.survival.risk_sets import count_rows
from core.survival.strata import Strata, strata_of

METHODS = {
    "log-rank": "Log-rank test",
    "peto": "Peto-Peto test",
    "gehan": "Gehan-Breslow test",
    "tarone-ware": "Tarone-Ware test",
    "fleming-harrington": "Fleming-Harrington test",
}


@dataclass(frozen=True, eq=False)
class Scores:
    """Observed and expected events by level, and the covariance of their difference, summed over times and layers."""

    observed: np.ndarray
    expected: np.ndarray
    covariance: np.ndarray


def logrank_test(
    outcome: Outcome,
    strata,
    *,
    weights: str = "log-rank",
    rho: float = 0.0,
    gamma: float = 0.0,
    stratify=None,
) -> TestResult:
    """Whether the hazards of the strata are equal: the log-rank test, with hypergeometric variance for ties.

    weights   what an event at t counts: "log-rank" 1; "peto" S(t-), the pooled Kaplan-Meier curve just before t (R's
              survdiff with rho = 1); "gehan" the number at risk; "tarone-ware" its square root; "fleming-harrington"
              S(t-)**rho * (1 - S(t-))**gamma
    stratify  one value a row: the strata are compared within its levels, and the sums added

    A stratum that is never at risk when an event happens takes no part and costs its degree of freedom. Raises
    NotEstimable when fewer than two strata, or no event, are left; ValueError for unknown weights. Mantel 1966;
    Peto and Peto 1972; Gehan 1965; Tarone and Ware 1977; Harrington and Fleming 1982.
    """
    if weights not in METHODS:
        raise ValueError(f"weights must be one of {', '.join(METHODS)}")
    groups, layers, n_excluded = compared(outcome, strata, stratify)
    scores = logrank_scores(layers, len(groups), weights, rho, gamma)
    statistic, df = quadratic_form(scores)
    method = METHODS[weights]
    if weights == "fleming-harrington":
        method += f" (rho {rho:g}, gamma {gamma:g})"
    if stratify is not None:
        method += ", stratified"
    return TestResult(
        method, statistic, df, float(chdtrc(df, statistic)), groups_frame(groups.levels, layers, scores), n_excluded
    )


def trend_test(outcome: Outcome, strata, *, scores=None, stratify=None) -> TestResult:
    """Whether the hazard rises or falls along ordered strata: the log-rank test for trend, one degree of freedom.

    scores    one number for each level that has rows, in their order; 1, 2, 3, ... by default. Adding to all of them or
              multiplying all of them changes nothing
    stratify  as in ``logrank_test``

    Uses the full covariance matrix of the strata (Tarone 1975). Raises as ``logrank_test``; ValueError when the number of
    scores is wrong or they are all equal.
    """
    groups, layers, n_excluded = compared(outcome, strata, stratify)
    score = np.arange(1, len(groups) + 1, dtype=float) if scores is None else np.asarray(scores, dtype=float)
    if score.shape != (len(groups),):
        raise ValueError(f"scores must hold one number for each of the {len(groups)} levels")
    if not np.isfinite(score).all() or np.ptp(score) == 0:
        raise ValueError("scores must be finite and not all equal")
    sums = logrank_scores(layers, len(groups))
    score = (score - score.mean()) / np.ptp(score)
    variance = float(score @ sums.covariance @ score)
    if variance <= 1e-12 * max(1.0, float(np.trace(sums.covariance))):
        raise NotEstimable(_NO_OVERLAP)
    statistic = float(score @ (sums.observed - sums.expected)) ** 2 / variance
    method = "Log-rank test for trend" + (", stratified" if stratify is not None else "")
    return TestResult(
        method, statistic, 1, float(chdtrc(1, statistic)), groups_frame(groups.levels, layers, sums), n_excluded
    )


def pairwise_logrank(
    outcome: Outcome,
    strata,
    *,
    adjust: str = "holm",
    weights: str = "log-rank",
    rho: float = 0.0,
    gamma: float = 0.0,
    stratify=None,
) -> pd.DataFrame:
    """The log-rank test of every pair of strata: stratum_a stratum_b statistic p_value p_adjusted.

    adjust  "holm", "bonferroni" or "none": for the number of pairs that can be compared. A pair that cannot be (no event
            in either, never at risk together) is NaN

    Raises NotEstimable when fewer than two strata, or no event, are left.
    """
    if adjust not in ("holm", "bonferroni", "none"):
        raise ValueError("adjust must be holm, bonferroni or none")
    if weights not in METHODS:
        raise ValueError(f"weights must be one of {', '.join(METHODS)}")
    groups, layers, _ = compared(outcome, strata, stratify)
    rows = []
    for a, b in combinations(range(len(groups)), 2):
        pair = [
            (rows_.take(chosen), (code[chosen] == b).astype(np.int16))
            for rows_, code in layers
            if (chosen := (code == a) | (code == b)).any()
        ]
        try:
            statistic, df = quadratic_form(logrank_scores(pair, 2, weights, rho, gamma))
            p_value = float(chdtrc(df, statistic))
        except NotEstimable:
            statistic = p_value = np.nan
        rows.append((groups.levels[a], groups.levels[b], statistic, p_value))
    frame = pd.DataFrame(rows, columns=["stratum_a", "stratum_b", "statistic", "p_value"])
    frame["p_adjusted"] = adjusted(frame["p_value"].to_numpy(), adjust)
    return frame


def adjusted(p_values: np.ndarray, adjust: str) -> np.ndarray:
    """P values adjusted for how many of them there are; NaN stays NaN and is not counted. Holm 1979."""
    known = np.flatnonzero(~np.isnan(p_values))
    result = np.full(len(p_values), np.nan)
    p, n = p_values[known], len(known)
    if adjust == "holm":
        order = np.argsort(p, kind="stable")
        raised = np.maximum.accumulate((n - np.arange(n)) * p[order])
        result[known[order]] = np.minimum(raised, 1)
    else:
        result[known] = np.minimum(p * (n if adjust == "bonferroni" else 1), 1)
    return result


_NO_OVERLAP = (
    "The groups cannot be compared: whenever an event happened, only one of them was at risk, or everybody at risk had it. "
    "Compare groups whose follow-up overlaps."
)


def compared(outcome: Outcome, strata, stratify) -> tuple[Strata, list[tuple[Outcome, np.ndarray]], int]:
    """The strata to compare and, for each layer of ``stratify``, its rows sorted by time with their level."""
    groups = strata_of(outcome, strata)
    rows, n_excluded = groups.rows_of(outcome), groups.n_excluded
    code = groups.code
    layer = None
    if stratify is not None:
        if len(stratify) != len(outcome):
            raise ValueError("stratify must hold one value for each row of the outcome")
        values = stratify if groups.kept is None else stratify[groups.kept]
        layer = strata_of(rows, values)
        if layer.kept is not None:
            rows, code = layer.rows_of(rows), code[layer.kept]
            n_excluded += layer.n_excluded
            present = np.bincount(code, minlength=len(groups)) > 0
            levels = tuple(level for level, here in zip(groups.levels, present, strict=True) if here)
            code = (np.cumsum(present) - 1).astype(np.int16)[code]
            groups = Strata(levels, code, None, n_excluded)
    if len(groups) < 2:
        only = f"; there is only {groups.levels[0]}" if len(groups) else "; there are no patients"
        raise NotEstimable(
            f"A comparison needs at least two groups with patients{only}. Choose a grouping or widen the filters."
        )
    if not rows.n_event:
        raise NotEstimable(
            "No event happened in these groups, so that there is nothing to compare. "
            "Widen the filters or choose another endpoint."
        )
    return groups, _layers(rows, code, layer), n_excluded


def _layers(rows, code, layer):
    if layer is None:
        time = rows.time
        if len(time) > 1 and (time[1:] < time[:-1]).any():
            order = np.argsort(time, kind="stable")
            return [(rows.take(order), code[order])]
        return [(rows, code)]
    order = np.lexsort((rows.time, layer.code))
    rows, code = rows.take(order), code[order]
    ends = np.cumsum(np.bincount(layer.code, minlength=len(layer))).tolist()
    return [(rows.take(slice(start, end)), code[start:end]) for start, end in zip([0, *ends], ends, strict=False)]


def groups_frame(levels, layers, scores: Scores) -> pd.DataFrame:
    """stratum n observed expected."""
    n = sum(np.bincount(code, minlength=len(levels)) for _, code in layers)
    stratum = np.empty(len(levels), dtype=object)
    stratum[:] = levels
    return pd.DataFrame({"stratum": stratum, "n": n, "observed": scores.observed, "expected": scores.expected})


def quadratic_form(scores: Scores) -> tuple[float, int]:
    """The chi-squared statistic of observed less expected, and the rank of their covariance."""
    difference = scores.observed - scores.expected
    spread = np.sqrt(np.diag(scores.covariance))
    varies = spread > 1e-9 * max(1.0, spread.max(initial=0.0))
    if np.count_nonzero(varies) < 2:
        raise NotEstimable(_NO_OVERLAP)
    difference, spread = difference[varies], spread[varies]
    if len(difference) == 2:
        return float((difference[0] / spread[0]) ** 2), 1
    scaled = scores.covariance[np.ix_(varies, varies)] / np.outer(spread, spread)
    values, vectors = np.linalg.eigh(scaled)
    used = values > 1e-9 * values[-1]
    along = vectors[:, used].T @ (difference / spread)
    return float(np.sum(along**2 / values[used])), int(np.count_nonzero(used))


def logrank_scores(layers, n_levels: int, weights: str = "log-rank", rho: float = 0.0, gamma: float = 0.0) -> Scores:
    """The sums of the test over all layers; in each, rows are sorted by time."""
    observed, expected = np.zeros(n_levels), np.zeros(n_levels)
    covariance = np.zeros((n_levels, n_levels))
    for rows, code in layers:
        if not rows.n_event:
            continue
        d, at_risk = _event_table(rows, code, n_levels)
        total, n = d.sum(axis=1), at_risk.sum(axis=1)
        w = _weights(total, n, weights, rho, gamma)
        share = at_risk / n[:, None]
        observed += w @ d
        expected += (w * total) @ share
        spread = w**2 * total * (n - total) / np.maximum(n - 1, 1)
        weighted = spread[:, None] * share
        covariance += np.diag(weighted.sum(axis=0)) - weighted.T @ share
    return Scores(observed, expected, covariance)


def _event_table(rows, code, n_levels):
    """Events and numbers at risk of each level, (times with an event, levels)."""
    time, event = rows.time, rows.cause == 1
    first = np.concatenate([[0], np.flatnonzero(time[1:] != time[:-1]) + 1])
    any_event = count_rows(event, first) > 0
    distinct = time[first[any_event]]
    start = first[any_event]
    d = np.empty((len(start), n_levels))
    at_risk = np.empty((len(start), n_levels))
    for level in range(n_levels):
        member = code == level
        running = np.concatenate([[0], np.cumsum(member)])
        left_before = running[start]
        if rows.entry is None:
            at_risk[:, level] = running[-1] - left_before
        else:
            at_risk[:, level] = np.searchsorted(np.sort(rows.entry[member]), distinct, side="left") - left_before
        d[:, level] = count_rows(member & event, first)[any_event]
    return d, at_risk


def _weights(d, n, weights, rho, gamma):
    if weights == "log-rank":
        return np.ones(len(n))
    if weights == "gehan":
        return n
    if weights == "tarone-ware":
        return np.sqrt(n)
    # just before each time
    survival = np.concatenate([[1.0], np.cumprod((n - d) / n)[:-1]])
    if weights == "peto":
        return survival
    return survival**rho * (1 - survival) ** gamma
