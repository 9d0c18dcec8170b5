"""Cox's model for every covariate alone, all at once.

Numbers: the sums over the risk sets of all columns are running sums over one order of the rows, and Newton's steps are
taken in lockstep. Categories: all that matters is how many of each level are at risk at each event time.
"""

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from core.conventions import CONF_LEVEL, TIES
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
from core.survival.level_counts import level_fits
from core.survival.outcome import Outcome
from core.survival.partial_likelihood import FLAT, maximise
from core.survival.separation import recession_direction
from core.survival.single_number import NumbersAlone, maxima
from core.survival.tied_events import TiedEvents, tied_events

BLOCK = 2**14  # values of numbers taken up at a time, and twice as many counts of levels


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
    nodes = tied_events(sets)
    single: dict[str, _Alone] = {}
    numeric = [c for c in read if c.is_numeric]
    nominal = [c for c in read if not c.is_numeric]
    if numeric:
        alone = NumbersAlone(sets, nodes)
        size = max(1, BLOCK // len(outcome))
        for i in range(0, len(numeric), size):
            single |= _numbers(sets, alone, numeric[i : i + size])
    # those of few levels together: a batch is as wide as its widest
    nominal.sort(key=lambda c: len(c.levels))
    while nominal:
        size = 1
        while size < len(nominal) and (size + 1) * len(nominal[size].levels) * len(nodes.at) <= 2 * BLOCK:
            size += 1
        single |= _categories(sets, nodes, nominal[:size])
        nominal = nominal[size:]
    found = [single.get(c.name) or _alone(outcome, c, ties) for c in read]
    return _result(outcome, found, ties, conf_level)


class _Alone:
    """One covariate's rows of ``terms`` and its line of ``overall``."""

    def __init__(self, name, rows, n, n_event, log_likelihood=(np.nan, np.nan), score=np.nan, df=0, why=""):
        self.name, self.rows, self.n, self.n_event = name, rows, n, n_event
        self.statistic = max(2 * (log_likelihood[1] - log_likelihood[0]), 0.0) if df else np.nan
        self.score, self.df, self.why = score, df, why


def _numbers(sets: RiskIndex, alone: NumbersAlone, batch: list[Covariate]) -> dict:
    """The numeric covariates whose maximum is certain; the others are left to ``_alone``."""
    values = batch[0].values[None] if len(batch) == 1 else np.array([c.values for c in batch])
    known = ~np.isnan(values)
    n = known.sum(axis=1)
    known = None if known.all() else known.take(sets.row, axis=1).astype(float)
    x = values.take(sets.row, axis=1)
    if known is not None:
        np.copyto(x, 0.0, where=known == 0)
    largest = np.abs(x).max(axis=1)
    at_risk = len(sets.row) if known is None else np.maximum(known.sum(axis=1), 1)
    x -= (x.sum(axis=1) / at_risk)[:, None]
    if known is not None:
        x *= known
    scale = np.sqrt(np.einsum("ij,ij->i", x, x) / at_risk)
    varied = scale > 1e-12 * largest
    scale = np.where(varied, scale, 1.0)
    x /= scale[:, None]
    alone.take(x, known)
    fit = maxima(alone, x.max(axis=1) - x.min(axis=1))
    certain = fit.certain & varied & (fit.information_at_zero > FLAT * alone.n_event)
    found = {}
    for i in np.flatnonzero(certain):
        name, n_event = batch[i].name, alone.n_event[i]
        score = fit.score_at_zero[i] ** 2 / fit.information_at_zero[i]
        row = (name, "", n[i], n_event, False, fit.beta[i] / scale[i], fit.information[i] ** -0.5 / scale[i], "")
        found[name] = _Alone(name, [row], n[i], n_event, (fit.null[i], fit.log_likelihood[i]), score, 1)
    return found


def _categories(sets: RiskIndex, nodes: TiedEvents, batch: list[Covariate]) -> dict:
    """The categorical covariates whose maximum, or limit, is certain; the others are left to ``_alone``."""
    codes = batch[0].values[None] if len(batch) == 1 else np.array([c.values for c in batch])
    fits = level_fits(sets, nodes, codes, max(len(c.levels) for c in batch))
    found = {}
    for i in np.flatnonzero(fits.certain):
        covariate, size, n_event = batch[i], fits.size[i], fits.n_event[i]
        rows = []
        for level in np.flatnonzero(size):
            is_reference = bool(level == fits.reference[i])
            estimable = fits.compared[i] and n_event[level] > 0 and not is_reference
            note = "" if estimable or is_reference else NO_EVENTS_IN_REFERENCE if n_event[level] else NO_EVENTS
            coef, std_error = (fits.beta[i, level], fits.std_error[i, level]) if estimable else (np.nan, np.nan)
            rows.append(
                (
                    covariate.name,
                    covariate.levels[level],
                    size[level],
                    n_event[level],
                    is_reference,
                    coef,
                    std_error,
                    note,
                )
            )
        found[covariate.name] = _Alone(
            covariate.name, rows, size.sum(), n_event.sum(), fits.log_likelihood[:, i], fits.score[i], len(rows) - 1
        )
    return found


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
    directions = prepared.directions
    if part.is_numeric:
        # a number without a maximum is the usual reason to be here, and quickly told
        x = (design.x - design.x.mean()) / design.x.std()
        sets = risk_index(rows, None, ties)
        direction = recession_direction(sets, x[:, sets.row])
        directions = [] if direction is None else [direction]
    found = maximise(prepared.index(ties), design.x, None, directions)
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
        },
        copy=False,
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
