"""Gray's test: whether the cumulative incidence of one cause is equal between strata."""

import numpy as np
from scipy.special import chdtrc

from core.errors import NotEstimable
from core.survival.comparison import TestResult
from core.survival.logrank import Scores, compared, groups_frame, quadratic_form
from core.survival.outcome import Outcome
from core.survival.risk_sets import count_rows


def gray_test(outcome: Outcome, strata, *, cause: int = 1, rho: float = 0.0, stratify=None) -> TestResult:
    """Whether the strata have the same subdistribution hazard of a cause, all other causes competing.

    rho       weights each time by (1 - F(t-))**rho, F the pooled cumulative incidence; 0 is Gray's own choice here
    stratify  one value a row: the strata are compared within its levels, and the sums added

    In the groups frame, observed counts the events of the cause (weighted with rho) and expected is what equal incidence
    would give. Raises NotEstimable when fewer than two strata, or no event of the cause, are left, or with delayed entry,
    for which the test is not defined; ValueError when cause is not at least 1. Gray 1988; equal to R's cmprsk::cuminc.
    """
    if cause < 1:
        raise ValueError("cause must be at least 1; 0 is censored")
    if outcome.entry is not None:
        raise NotEstimable(
            "Gray's test is not defined for patients who enter late. Choose the clock that starts at diagnosis."
        )
    # compared() counts the events of cause 1
    relabelled = Outcome(outcome.time, np.where(outcome.cause == cause, 1, np.where(outcome.cause == 0, 0, 2)))
    groups, layers, n_excluded = compared(relabelled, strata, stratify)
    parts = [_scores(rows, code, len(groups), rho) for rows, code in layers if rows.n_event]
    total = Scores(
        sum(part.observed for part in parts),
        sum(part.expected for part in parts),
        sum(part.covariance for part in parts),
    )
    statistic, df = quadratic_form(total)
    method = "Gray's test" + (f" (rho {rho:g})" if rho else "") + (", stratified" if stratify is not None else "")
    return TestResult(
        method, statistic, df, float(chdtrc(df, statistic)), groups_frame(groups.levels, layers, total), n_excluded
    )


def _scores(rows: Outcome, code: np.ndarray, n_levels: int, rho: float) -> Scores:
    """One layer's sums. Arrays are (times with an event of any cause, levels) unless a comment says otherwise."""
    time = rows.time
    first = np.concatenate([[0], np.flatnonzero(time[1:] != time[:-1]) + 1])
    event = rows.cause > 0
    happened = count_rows(event, first) > 0
    start = first[happened]
    n, d, other = (np.empty((len(start), n_levels)) for _ in range(3))
    for level in range(n_levels):
        member = code == level
        running = np.concatenate([[0], np.cumsum(member)])
        n[:, level] = running[-1] - running[start]
        d[:, level] = count_rows(member & (rows.cause == 1), first)[happened]
        other[:, level] = count_rows(member & (rows.cause == 2), first)[happened]
    at_risk = n > 0
    safe = np.maximum(n, 1)
    after = np.cumprod(np.where(at_risk, (n - d - other) / safe, 1.0), axis=0)
    before = _just_before(after, 1.0)
    incidence_before = _just_before(np.cumsum(before * d / safe, axis=0), 0.0)

    # the risk set that Gray's test uses puts back those who had a competing event
    inflated = np.divide(n, before, out=np.zeros_like(n), where=at_risk)
    all_inflated = inflated.sum(axis=1)
    still = inflated * (1 - incidence_before)
    events = d.sum(axis=1)
    pooled = np.cumsum(events / all_inflated)
    pooled_before = _just_before(pooled, 0.0)
    weight = (1 - pooled_before) ** rho

    observed = weight @ d
    expected = (weight * events) @ (still / still.sum(axis=1)[:, None])
    step = np.divide(events, all_inflated * (1 - pooled_before), out=np.zeros(len(events)), where=events > 0)
    gained = np.divide(1 - pooled[:, None], after, out=np.zeros_like(after), where=after > 0)
    covariance = np.zeros((n_levels, n_levels))
    for k in range(n_levels):
        # how the events of stratum k enter the score of every stratum: at their own time, and through all later ones
        own = -weight[:, None] * inflated * (inflated[:, k] / all_inflated)[:, None]
        own[:, k] += weight * inflated[:, k]
        own[~at_risk[:, k]] = 0.0
        running = np.cumsum(own * step[:, None], axis=0)
        later = running[-1] - running

        share = 1 - gained[:, k]
        tied = np.where(events > 1, (events - 1) / np.maximum(all_inflated * before[:, k] - 1, 1e-300), 0.0)
        spread = np.where(at_risk[:, k], (1 - tied) * before[:, k] * events / (all_inflated * safe[:, k]), 0.0)
        moved = own + share[:, None] * later
        covariance += (moved * spread[:, None]).T @ moved

        lost = other[:, k]
        tied = np.where(lost > 1, (lost - 1) / np.maximum(n[:, k] - 1, 1), 0.0)
        spread = np.where(after[:, k] > 0, (1 - tied) * (before[:, k] / safe[:, k]) ** 2 * lost, 0.0)
        moved = gained[:, k][:, None] * later
        covariance += (moved * spread[:, None]).T @ moved
    return Scores(observed, expected, covariance)


def _just_before(values: np.ndarray, start: float) -> np.ndarray:
    return np.concatenate([np.full_like(values[:1], start), values[:-1]])
