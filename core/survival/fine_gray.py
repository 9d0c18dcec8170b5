"""Fine and Gray's model: hazard ratios of the subdistribution, for prognosis when other events compete."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from core.conventions import CONF_LEVEL
from core.errors import NotEstimable
from core.survival.at_risk import RiskIndex, risk_index
from core.survival.cox import CoxResult, Prepared, nothing_estimable, prepare, term_rows, wald_table
from core.survival.outcome import Outcome
from core.survival.partial_likelihood import Maximum, maximise


def fine_gray(outcome: Outcome, covariates, *, cause=1, conf_level=CONF_LEVEL) -> CoxResult:
    """Subdistribution hazard ratios of one cause; coefficients and standard errors equal to R's ``cmprsk::crr``.

    Arguments and result as ``cox``; ties as Breslow. Whoever has a competing event stays at risk, with the weight of still
    being uncensored. The standard error is Fine and Gray's sandwich, which allows for the estimated weights. With entry, the
    weights also allow for late entry, the coefficients equal R's ``finegray`` with ``coxph``, and the standard error is the
    robust one of that fit, which takes the weights as known. ``tests`` holds the pseudo likelihood-ratio and the robust Wald test;
    concordance is not defined.

    Raises NotEstimable without rows or events of the cause, or when nothing can be estimated.
    Method: Fine & Gray (1999); Geskus (2011) for late entry.
    """
    recoded = np.where(outcome.cause == cause, 1, np.where(outcome.cause == 0, 0, 2))
    prepared = prepare(_with_cause(outcome, recoded), covariates)
    rows = prepared.outcome
    weights = _censoring(rows)
    expanded, source, ghost, weight = _expanded(rows, weights)

    def build(stratum):
        sets = risk_index(expanded, None if stratum is None else stratum[source], "breslow")
        fields = {name: getattr(sets, name) for name in RiskIndex.__dataclass_fields__}
        fields |= {"row": source[sets.row], "weight": weight[sets.row]}
        return _Subdistribution(**fields, ghost=ghost[sets.row], uncensored=weights.before(sets.time))

    found = maximise(build, prepared.design.x, None, prepared.directions)
    if not found.fitted.any():
        raise NotEstimable(nothing_estimable(prepared, found))
    variance = _sandwich(prepared, found, weights)
    inside = np.searchsorted(found.active, np.flatnonzero(found.fitted))
    chosen = found.active[inside]
    robust = np.full_like(found.variance, np.nan)
    robust[np.ix_(chosen, chosen)] = variance[np.ix_(inside, inside)]
    found.variance[...] = robust
    lines, left_out = term_rows(prepared, found)
    null, best = found.log_likelihood
    wald = np.nan
    if not found.unbounded:
        wald = float(found.coef[chosen] @ np.linalg.solve(robust[np.ix_(chosen, chosen)], found.coef[chosen]))
    statistic = np.array([max(2 * (best - null), 0.0), wald])
    return CoxResult(
        terms=wald_table(lines, conf_level),
        tests=pd.DataFrame(
            {
                "test": ["pseudo likelihood ratio", "Wald"],
                "statistic": statistic,
                "df": found.df,
                "p_value": chdtrc(found.df, statistic),
            }
        ),
        concordance={"estimate": np.nan, "std_error": np.nan},
        n=len(rows),
        n_event=rows.n_event,
        n_excluded=prepared.n_excluded,
        log_likelihood=(null, best),
        ties="breslow",
        left_out=left_out,
    )


@dataclass(frozen=True, eq=False)
class _Subdistribution(RiskIndex):
    """Risk sets in which rows after a competing event (``ghost``) stay, with a weight that falls with time."""

    ghost: np.ndarray | None = None
    uncensored: np.ndarray | None = None  # (n_times,)

    def sum(self, values: np.ndarray) -> np.ndarray:
        return super().sum(values * ~self.ghost) + self.uncensored * super().sum(values * self.ghost)

    def accumulate(self, values: np.ndarray) -> np.ndarray:
        return np.where(self.ghost, super().accumulate(values * self.uncensored), super().accumulate(values))


@dataclass(frozen=True, eq=False)
class _Weights:
    """Kaplan-Meier of being uncensored (and, with entry, of having entered): steps at ``time``, down to ``after``."""

    time: np.ndarray
    after: np.ndarray
    n_risk: np.ndarray
    n_censor: np.ndarray
    entry_time: np.ndarray | None = None
    entered: np.ndarray | None = None

    def before(self, time: np.ndarray) -> np.ndarray:
        value = np.concatenate([[1.0], self.after])[np.searchsorted(self.time, time)]
        if self.entry_time is not None:
            value = value * np.concatenate([self.entered, [1.0]])[np.searchsorted(self.entry_time, time)]
        return value


def _censoring(outcome: Outcome) -> _Weights:
    """How likely it is to be still uncensored. With entry, whoever has an event leaves before a censoring at the same time."""
    time, n_censor = np.unique(outcome.time[outcome.cause == 0], return_counts=True)
    ordered = np.sort(outcome.time)
    n_risk = len(ordered) - np.searchsorted(ordered, time)
    if outcome.entry is None:
        return _Weights(time, np.cumprod(1 - n_censor / n_risk), n_risk, n_censor)
    failed = np.sort(outcome.time[outcome.cause != 0])
    n_risk = n_risk - (np.searchsorted(failed, time, side="right") - np.searchsorted(failed, time))
    entries = np.sort(outcome.entry)
    n_risk = n_risk - (len(entries) - np.searchsorted(entries, time))
    # late entry is censoring with time running backwards
    entry_time, n_entry = np.unique(outcome.entry, return_counts=True)
    present = np.searchsorted(entries, entry_time, side="right") - np.searchsorted(ordered, entry_time, side="right")
    factor = 1 - n_entry / np.maximum(present, 1)
    entered = np.cumprod(factor[::-1])[::-1]
    return _Weights(time, np.cumprod(1 - n_censor / n_risk), n_risk, n_censor, entry_time, entered)


def _expanded(outcome: Outcome, weights: _Weights):
    """(outcome, source row, ghost, weight): a second row, after it, for everybody with a competing event."""
    n = len(outcome)
    competing = np.flatnonzero(outcome.cause == 2)
    start = outcome.time[competing]
    chance = weights.before(start)
    source = np.concatenate([np.arange(n), competing])
    ghost = np.arange(len(source)) >= n
    end = np.nextafter(outcome.time.max() * 2 + 1, np.inf)
    entry = np.full(n, -1.0) if outcome.entry is None else outcome.entry
    time = np.concatenate([outcome.time, np.full(len(competing), end)])
    cause = np.concatenate([outcome.event.astype(np.int64), np.zeros(len(competing), dtype=np.int64)])
    weight = np.concatenate([np.ones(n), 1 / np.where(chance > 0, chance, 1.0)])
    return _bare(time, cause, np.concatenate([entry, start])), source, ghost, weight


def _sandwich(prepared: Prepared, found: Maximum, weights: _Weights) -> np.ndarray:
    """Fine and Gray's variance of the free coefficients, summed over patients."""
    sets, outcome = found.sets, prepared.outcome
    n = len(outcome)
    x = prepared.design.x[found.active]
    x = x - x.mean(axis=1, keepdims=True)
    rows = x[:, sets.row]
    risk = sets.weight * np.exp(found.beta @ rows)
    total = sets.sum(risk)
    mean = sets.sum(rows * risk) / total
    hazard = np.bincount(sets.at, minlength=sets.n_times) / total
    information = (rows * (risk * sets.accumulate(hazard))) @ rows.T - (mean[:, sets.at]) @ mean[:, sets.at].T
    residual = np.zeros((len(x), n))
    part = -risk * (rows * sets.accumulate(hazard) - sets.accumulate(mean * hazard))
    part[:, sets.event] += rows[:, sets.event] - mean[:, sets.at]
    for column, values in zip(residual, part, strict=True):
        column += np.bincount(sets.row, values, minlength=n)
    if outcome.entry is None and not (sets.stratum > 0).any():
        residual += _through_weights(outcome, x, found.beta, sets, mean, hazard, weights)
    inverse = np.linalg.inv(information)
    influence = inverse @ residual
    return influence @ influence.T


def _through_weights(outcome: Outcome, x, beta, sets: RiskIndex, mean, hazard, weights: _Weights) -> np.ndarray:
    """(p, n) what each patient's censoring contributes through the estimated weights."""
    competing = np.flatnonzero(outcome.cause == 2)
    if not len(weights.time) or not len(competing):
        return np.zeros((len(x), len(outcome)))
    uncensored = weights.before(sets.time) * hazard

    def still_to_come(values):
        tail = np.concatenate(
            [np.cumsum(values[..., ::-1], axis=-1)[..., ::-1], np.zeros((*values.shape[:-1], 1))], axis=-1
        )
        return tail[..., np.searchsorted(sets.time, weights.time)]

    order = competing[np.argsort(outcome.time[competing], kind="stable")]
    chance = weights.before(outcome.time[order])
    share = np.exp(beta @ x[:, order]) / np.where(chance > 0, chance, 1.0)
    # at equal times crr counts the event of interest before the censoring, and the competing one after it
    so_far = np.searchsorted(outcome.time[order], weights.time)
    n_share = np.concatenate([[0.0], np.cumsum(share)])[so_far]
    x_share = np.concatenate([np.zeros((len(x), 1)), np.cumsum(x[:, order] * share, axis=1)], axis=1)[:, so_far]
    change = (x_share * still_to_come(uncensored) - n_share * still_to_come(mean * uncensored)) / weights.n_risk
    until = np.concatenate(
        [np.zeros((len(x), 1)), np.cumsum(change * weights.n_censor / weights.n_risk, axis=1)], axis=1
    )
    contribution = -until[:, np.searchsorted(weights.time, outcome.time, side="right")]
    censored = outcome.cause == 0
    contribution[:, censored] += change[:, np.searchsorted(weights.time, outcome.time[censored])]
    return contribution


def _with_cause(outcome: Outcome, cause: np.ndarray) -> Outcome:
    return _bare(outcome.time, cause, outcome.entry)


def _bare(time, cause, entry) -> Outcome:
    """An outcome from arrays that have been checked already: near-ties must not be merged a second time."""
    made = object.__new__(Outcome)
    for name, values in (("time", time), ("cause", cause), ("entry", entry)):
        object.__setattr__(made, name, values)
    return made
