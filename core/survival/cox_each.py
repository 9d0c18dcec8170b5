"""Cox's model for every covariate alone, all at once.

Numbers: the sums over the risk sets of all columns are running sums over one order of the rows, and Newton's steps are
taken in lockstep. Categories: all that matters is how many of each level are at risk at each event time.
"""

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from core.conventions import CONF_LEVEL, COX_TOLERANCE, TIES
from core.survival.at_risk import RiskIndex, risk_index
from core.survival.cox import (
    NO_EVENTS,
    NO_EVENTS_IN_REFERENCE,
    CoxResult,
    Prepared,
    require_events,
    term_rows,
    wald_table,
)
from core.survival.design_matrix import Covariate, design_matrix, read_covariates
from core.survival.outcome import Outcome
from core.survival.partial_likelihood import DEPENDENT, FAR, FLAT, MAX_HALVINGS, MAX_STEPS, maximise

BLOCK = 2**16  # numbers worked on at a time, so that they stay in the processor's cache


def cox_each(outcome: Outcome, covariates, *, ties=TIES, conf_level=CONF_LEVEL) -> CoxResult:
    """The hazard ratios of each covariate alone, each from the rows in which it is known; the same numbers as ``cox``.

    ``terms`` has the rows of all covariates in their order. ``overall`` has one row per covariate: covariate, n, n_event,
    n_excluded, statistic, df, p_value (likelihood-ratio test of the whole covariate), score_statistic, score_p_value (score
    test: the log-rank test, but for the handling of ties). What has no estimate keeps its row, with NaN and a note, and never
    spoils the others. ``tests``, ``concordance`` and ``log_likelihood`` are empty: they belong to one model.

    Raises NotEstimable without rows or events; ValueError as ``cox``.
    """
    read = read_covariates(covariates, len(outcome))
    if not read:
        raise ValueError("at least one covariate is needed")
    require_events(outcome, 0)
    sets = risk_index(outcome, None, ties)
    single: dict[str, _Alone] = {}
    numeric = [c for c in read if c.is_numeric]
    nominal = [c for c in read if not c.is_numeric]
    for has_missing in (False, True):
        batch = [c for c in numeric if np.isnan(c.values).any() == has_missing]
        size = max(1, BLOCK // max(1, len(sets.row)))
        for i in range(0, len(batch), size):
            single |= _numbers(outcome, sets, batch[i : i + size], has_missing, ties)
    size = max(1, BLOCK // max(1, 4 * len(sets.row)))
    for i in range(0, len(nominal), size):
        single |= _categories(outcome, sets, nominal[i : i + size], ties)
    found = [single.get(c.name) or _alone(outcome, c, ties) for c in read]
    return _result(outcome, found, ties, conf_level)


class _Alone:
    """One covariate's rows of ``terms`` and its line of ``overall``."""

    def __init__(self, name, rows, n, n_event, log_likelihood=(np.nan, np.nan), score=np.nan, df=0, why=""):
        self.name, self.rows, self.n, self.n_event = name, rows, n, n_event
        self.statistic = max(2 * (log_likelihood[1] - log_likelihood[0]), 0.0) if df else np.nan
        self.score, self.df, self.why = score, df, why


def _numbers(outcome: Outcome, sets: RiskIndex, batch: list[Covariate], has_missing: bool, ties: str) -> dict:
    """The numeric covariates whose maximum is certain; the others are left to ``_alone``."""
    values = np.array([c.values for c in batch])
    known = ~np.isnan(values) if has_missing else None
    n = np.full(len(batch), values.shape[1]) if known is None else known.sum(axis=1)
    event = outcome.event
    n_event = np.full(len(batch), outcome.n_event) if known is None else (known & event).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = values if known is None else np.where(known, values, 0.0)
        centre = values.sum(axis=1) / n
        x = values - centre[:, None]
        if known is not None:
            x *= known
        scale = np.sqrt((x * x).sum(axis=1) / n)
    usable = (n_event > 0) & (scale > 1e-12 * np.abs(values).max(axis=1))
    if not usable.any():
        return {}
    x = x[usable][:, sets.row] / scale[usable, None]
    known = None if known is None else known[usable][:, sets.row]
    events = _KnownEvents(sets, known, ties)
    sound = np.ones(len(x), dtype=bool) if sets.later is not None else ~_monotone(sets, x, known)
    chosen = np.flatnonzero(usable)
    if not sound.all():
        x, chosen = x[sound], chosen[sound]
        known = None if known is None else known[sound]
        events = _KnownEvents(sets, known, ties)
    spread = np.ptp(x, axis=1)[:, None] if len(x) else np.zeros((0, 1))

    def evaluate(which, beta):
        part = x if len(which) == len(x) else x[which]
        mask = None if known is None else known[which]
        fraction, counted = events.of(which)
        linear = beta * part
        sums = np.empty((3, *part.shape))
        np.exp(linear, out=sums[0])
        if mask is not None:
            sums[0] *= mask
        np.multiply(sums[0], part, out=sums[1])
        np.multiply(sums[1], part, out=sums[2])
        total, first, second = sets.sum(sums)
        at = sets.at
        denominator, mean = total[:, at], first[:, at]
        if fraction is not None:
            dying = sets.sum_events(sums[:, :, sets.event])
            denominator = denominator - fraction * dying[0][:, at]
            mean = mean - fraction * dying[1][:, at]
        share = 1 / denominator if counted is None else np.where(counted, 1 / denominator, 0.0)
        mean = mean * share
        logs = np.log(denominator) if counted is None else np.where(counted, np.log(denominator), 0.0)
        log_likelihood = linear[:, sets.event].sum(axis=1) - logs.sum(axis=1)
        score = part[:, sets.event].sum(axis=1) - mean.sum(axis=1)
        information = (sets.sum_events(share) * second).sum(axis=1) - (mean * mean).sum(axis=1)
        if fraction is not None:
            information -= (sets.sum_events(fraction * share) * dying[2]).sum(axis=1)
        return log_likelihood, score[:, None], information[:, None, None]

    fit = _lockstep(evaluate, len(x), 1, spread)
    found = {}
    for i in np.flatnonzero(fit.certain & (fit.information_at_zero[:, 0, 0] > FLAT * n_event[chosen])):
        j = chosen[i]
        coef = fit.beta[i, 0] / scale[j]
        std_error = 1 / np.sqrt(fit.information[i, 0, 0]) / scale[j]
        score = fit.score_at_zero[i, 0] ** 2 / fit.information_at_zero[i, 0, 0]
        row = (batch[j].name, "", n[j], n_event[j], False, coef, std_error, "")
        found[batch[j].name] = _Alone(
            batch[j].name, [row], n[j], n_event[j], (fit.null[i], fit.log_likelihood[i]), score, 1
        )
    return found


class _KnownEvents:
    """Efron's shares and which events count, for columns with missing values of their own."""

    def __init__(self, sets: RiskIndex, known: np.ndarray | None, ties: str):
        self.fraction, self.counted = sets.fraction, None
        if known is None:
            return
        self.counted = known[:, sets.event]
        if sets.fraction is None:
            return
        so_far = self.counted.cumsum(axis=1)
        before = so_far - self.counted
        rank = before - before[:, sets.event_start[sets.at]]
        tied = sets.sum_events(self.counted.astype(float))[:, sets.at]
        self.fraction = np.where(self.counted, rank / np.maximum(tied, 1), 0.0)

    def of(self, which):
        if self.counted is None:
            return self.fraction, None
        return None if self.fraction is None else self.fraction[which], self.counted[which]


def _monotone(sets: RiskIndex, x: np.ndarray, known: np.ndarray | None) -> np.ndarray:
    """(q,) is each event's value the highest at risk, or each the lowest? Then there is no maximum. Without entry only."""
    found = np.zeros(len(x), dtype=bool)
    for side in (x, -x):
        everybody = side if known is None else np.where(known, side, -np.inf)
        highest = np.maximum.accumulate(np.maximum.reduceat(everybody, sets.start, axis=1)[:, ::-1], axis=1)[:, ::-1]
        reached = side[:, sets.event] >= highest[:, sets.at]
        found |= (reached if known is None else reached | ~known[:, sets.event]).all(axis=1)
    return found


def _categories(outcome: Outcome, sets: RiskIndex, batch: list[Covariate], ties: str) -> dict:
    """The categorical covariates whose maximum, or limit, is certain; the others are left to ``_alone``."""
    n_levels = max(len(c.levels) for c in batch)
    codes = np.array([c.values for c in batch])
    event = outcome.event
    everyone = np.arange(n_levels)[:, None]
    size = np.array([np.bincount(code[code >= 0], minlength=n_levels) for code in codes])
    size_event = np.array([np.bincount(code[event & (code >= 0)], minlength=n_levels) for code in codes])
    usable = ((size > 0).sum(axis=1) > 1) & (size_event.sum(axis=1) > 0)
    if not usable.any():
        return {}
    batch = [c for c, fine in zip(batch, usable, strict=True) if fine]
    codes, size, size_event = codes[usable], size[usable], size_event[usable]
    codes = codes[:, sets.row]
    member = (codes[:, None, :] == everyone).astype(float)
    at_risk, dying = sets.sum(member), sets.sum_events(member[:, :, sets.event])
    events = _KnownEvents(sets, None if (codes >= 0).all() else codes >= 0, ties)
    present = size > 0
    reference = present.argmax(axis=1)
    inside = size_event > 0
    # a level without events leaves every risk set in the limit; without events in the reference another one stands in
    base = np.where(inside[np.arange(len(batch)), reference], reference, inside.argmax(axis=1))
    every = np.arange(len(batch))

    def evaluator(levels, free):
        alive = at_risk * levels[:, :, None]
        gone = dying * levels[:, :, None]
        total_events = (size_event * levels).astype(float)

        def evaluate(which, beta):
            fraction, counted = events.of(which)
            risk = np.exp(beta)[:, :, None]
            part = (alive[which] * risk)[:, :, sets.at]
            if fraction is not None:
                share = fraction[None, :] if fraction.ndim == 1 else fraction
                part = part - share[:, None, :] * (gone[which] * risk)[:, :, sets.at]
            denominator = part.sum(axis=1)
            if counted is not None:
                denominator = np.where(counted, denominator, 1.0)
                part = part * counted[:, None, :]
            mean = part / denominator[:, None, :]
            log_likelihood = (total_events[which] * beta).sum(axis=1) - np.log(denominator).sum(axis=1)
            expected = mean.sum(axis=2)
            score = np.where(free[which], total_events[which] - expected, 0.0)
            information = expected[:, :, None] * np.eye(n_levels) - mean @ mean.transpose(0, 2, 1)
            both = free[which][:, :, None] & free[which][:, None, :]
            return log_likelihood, score, np.where(both, information, np.eye(n_levels))

        return evaluate

    at_zero = present.copy()
    at_zero[every, reference] = False
    null, score, information = evaluator(present, at_zero)(every, np.zeros(present.shape))
    diagonal = np.sqrt(np.maximum(np.diagonal(information, axis1=1, axis2=2), FLAT))
    correlation = information / (diagonal[:, :, None] * diagonal[:, None, :])
    varied = np.linalg.eigvalsh(correlation)[:, 0] > DEPENDENT
    varied &= (diagonal**2 > FLAT * size_event.sum(axis=1)[:, None]).all(axis=1)
    information[~varied] = np.eye(n_levels)
    score_test = (score * np.linalg.solve(information, score[:, :, None])[:, :, 0]).sum(axis=1)
    free = inside.copy()
    free[every, base] = False
    fit = _lockstep(evaluator(inside, free), len(batch), n_levels, np.ones(free.shape))
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.linalg.inv(np.where((fit.certain & varied)[:, None, None], fit.information, np.eye(n_levels)))
        std_error = np.sqrt(np.diagonal(variance, axis1=1, axis2=2))
    found = {}
    for i in np.flatnonzero(fit.certain & varied):
        covariate = batch[i]
        rows = []
        compared = inside[i, reference[i]]
        for level in np.flatnonzero(present[i]):
            is_reference = bool(level == reference[i])
            estimable = compared and inside[i, level] and not is_reference
            note = "" if estimable or is_reference else NO_EVENTS_IN_REFERENCE if inside[i, level] else NO_EVENTS
            rows.append(
                (
                    covariate.name,
                    covariate.levels[level],
                    size[i, level],
                    size_event[i, level],
                    is_reference,
                    fit.beta[i, level] if estimable else np.nan,
                    std_error[i, level] if estimable else np.nan,
                    note,
                )
            )
        found[covariate.name] = _Alone(
            covariate.name,
            rows,
            int(size[i].sum()),
            int(size_event[i].sum()),
            (null[i], fit.log_likelihood[i]),
            score_test[i],
            int(present[i].sum()) - 1,
        )
    return found


class _Lockstep:
    """State of many small Newton iterations: beta (q, p), log_likelihood (q,), information (q, p, p), certain (q,)."""

    def __init__(self, q: int, p: int):
        self.beta = np.zeros((q, p))
        self.certain = np.zeros(q, dtype=bool)


def _lockstep(evaluate, q: int, p: int, spread: np.ndarray) -> _Lockstep:
    """The maxima of q independent likelihoods of p coefficients; ``certain`` as in ``partial_likelihood.newton``."""
    fit = _Lockstep(q, p)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        value, score, information = evaluate(np.arange(q), fit.beta)
        fit.null, fit.score_at_zero, fit.information_at_zero = value.copy(), score.copy(), information.copy()
        active = np.arange(q)
        close = np.zeros(q, dtype=bool)
        for _ in range(MAX_STEPS):
            if not len(active):
                break
            step, decrement = _newton_steps(information[active], score[active])
            finished = close[active]
            if finished.any():
                done = active[finished]
                proven = _smallest(information[done] / (spread[done, :, None] * spread[done, None, :]))
                near = (np.abs(fit.beta[done]) * spread[done]).sum(axis=1) <= FAR
                fit.certain[done] = near & (4 * decrement[finished] * p < proven)
                fit.beta[done] += np.where(fit.certain[done, None], step[finished], 0.0)
            going = ~finished & np.isfinite(decrement)
            active, step, decrement = active[going], step[going], decrement[going]
            close[active] = decrement / 2 <= COX_TOLERANCE
            trying, step = active, step
            for _ in range(MAX_HALVINGS):
                if not len(trying):
                    break
                new_value, new_score, new_information = evaluate(trying, fit.beta[trying] + step)
                good = np.isfinite(new_value) & np.isfinite(new_information).all(axis=(1, 2))
                good &= close[trying] | (new_value >= value[trying])
                moved = trying[good]
                fit.beta[moved] += step[good]
                value[moved], score[moved], information[moved] = new_value[good], new_score[good], new_information[good]
                trying, step = trying[~good], step[~good] / 2
            if len(trying):
                active = np.setdiff1d(active, trying)
    fit.log_likelihood, fit.information = value, information
    return fit


def _newton_steps(information: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steps (k, p) and decrements (k,), NaN where the information is not positive definite."""
    if information.shape[1] == 1:
        scale = np.where(information[:, :, 0] > 0, information[:, :, 0], np.nan)
        step = score / scale
    else:
        values, vectors = np.linalg.eigh(information)
        values = np.where(values[:, :1] > 0, values, np.nan)
        step = (vectors @ ((score[:, None, :] @ vectors) / values[:, None, :]).transpose(0, 2, 1))[:, :, 0]
    return step, (step * score).sum(axis=1)


def _smallest(information: np.ndarray) -> np.ndarray:
    return information[:, 0, 0] if information.shape[1] == 1 else np.linalg.eigvalsh(information)[:, 0]


def _alone(outcome: Outcome, covariate: Covariate, ties: str) -> _Alone:
    """One covariate by the slow path: constant, without events, separated, or not certain to be fine."""
    kept = covariate.known
    rows, part = outcome.take(kept), covariate.take(kept)
    n, n_event = len(rows), rows.n_event
    if not n_event:
        why = f"not estimable: no events among the {n} rows in which it is known"
        return _Alone(covariate.name, [(covariate.name, "", n, 0, False, np.nan, np.nan, why)], n, 0)
    design = design_matrix([part], n)
    prepared = Prepared(rows, [part], design, None, len(kept) - n, kept)
    if not len(design.x):
        terms, left_out = term_rows(prepared, None)
        return _Alone(covariate.name, terms, n, n_event, why=left_out[0][1])
    found = maximise(prepared.index(ties), design.x, None, prepared.directions)
    terms, left_out = term_rows(prepared, found)
    why = left_out[0][1] if left_out and not found.df else ""
    return _Alone(covariate.name, terms, n, n_event, found.log_likelihood, found.score_test, found.df, why)


def _result(outcome: Outcome, found: list[_Alone], ties: str, conf_level: float) -> CoxResult:
    statistic = np.array([one.statistic for one in found])
    score = np.array([one.score for one in found])
    df = np.array([one.df for one in found], dtype=np.int64)
    n = np.array([one.n for one in found], dtype=np.int64)
    overall = pd.DataFrame(
        {
            "covariate": [one.name for one in found],
            "n": n,
            "n_event": np.array([one.n_event for one in found], dtype=np.int64),
            "n_excluded": len(outcome) - n,
            "statistic": statistic,
            "df": df,
            "p_value": chdtrc(df, statistic),
            "score_statistic": score,
            "score_p_value": chdtrc(df, score),
        }
    )
    return CoxResult(
        terms=wald_table([row for one in found for row in one.rows], conf_level),
        tests=pd.DataFrame({"test": [], "statistic": [], "df": [], "p_value": []}),
        concordance={"estimate": np.nan, "std_error": np.nan},
        n=len(outcome),
        n_event=outcome.n_event,
        n_excluded=0,
        log_likelihood=(np.nan, np.nan),
        ties=ties,
        left_out=tuple((one.name, one.why) for one in found if one.why),
        overall=overall,
    )
