"""Cox's model with Firth's penalty: hazard ratios that stay finite where the ordinary ones do not."""

import numpy as np
import pandas as pd
from scipy.special import chdtrc, chdtri

from core.conventions import CONF_LEVEL, TIES
from core.errors import NotEstimable
from core.survival.at_risk import RiskIndex
from core.survival.concordance import concordance
from core.survival.cox import CoxResult, finite, prepare, term_rows, wald_table
from core.survival.outcome import Outcome
from core.survival.partial_likelihood import Maximum, independent_columns

MAX_STEPS = 200
SCORING_STEPS = 8  # with few events scoring can crawl: from then on the curvature itself is used
MAX_HALVINGS = 40
STEP_TOLERANCE = 1e-10  # of a step, in standard errors
LIMIT_TOLERANCE = 1e-10  # of a confidence limit, in standard errors


def firth_cox(outcome: Outcome, covariates, *, ties=TIES, stratify=None, conf_level=CONF_LEVEL) -> CoxResult:
    """Hazard ratios with Firth's penalty, profile-likelihood intervals and tests; for few events and separated groups.

    Arguments and result as ``cox``. The log partial likelihood is raised by half the log determinant of its information,
    which has a maximum even when every event falls into one group. conf_low, conf_high and p_value come from the profile of the
    penalised likelihood; ``statistic`` is its signed root, std_error that of the information at the maximum. log_likelihood
    is penalised. A limit that lies beyond any number is NaN.

    Raises NotEstimable without rows or events, or when no covariate varies among those at risk.
    Method: Firth (1993); Heinze & Schemper (2001).
    """
    prepared = prepare(outcome, covariates, stratify)
    design, rows = prepared.design, prepared.outcome
    sets = prepared.index(ties)(prepared.stratum)
    x = design.x - design.x.mean(axis=1, keepdims=True)
    scale = x.std(axis=1)
    scale[~(scale > 0)] = 1.0
    likelihood = _Penalised(sets, (x / scale[:, None])[:, sets.row])
    kept, dependent_on = independent_columns(likelihood.information(np.zeros(len(x))), len(sets.at))
    if not len(kept):
        raise NotEstimable(
            f"No covariate varies among those at risk when one of the {rows.n_event} events happens "
            f"({len(rows)} patients). Widen the filters or choose other covariates."
        )
    likelihood = _Penalised(sets, likelihood.x[kept])
    q = len(kept)
    null = likelihood(np.zeros(q))[0]
    beta, best, variance = likelihood.maximum(np.zeros(q), np.arange(q))
    np.sqrt(np.diag(variance))
    drop = chdtri(1, 1 - conf_level) / 2
    signed, low, high = np.empty(q), np.empty(q), np.empty(q)
    for j in range(q):
        signed[j] = np.sign(beta[j]) * np.sqrt(max(2 * (best - likelihood.profile(beta, variance, j, 0.0)[0]), 0.0))
        low[j] = likelihood.limit(beta, variance, j, best - drop, -1)
        high[j] = likelihood.limit(beta, variance, j, best - drop, +1)
    # the determinant in the units of the covariates, not in those of the computation
    null, best = (value + float(np.log(scale[kept]).sum()) for value in (null, best))
    p = len(design.x)
    coef, covariance, fitted = np.full(p, np.nan), np.full((p, p), np.nan), np.zeros(p, dtype=bool)
    coef[kept] = beta / scale[kept]
    covariance[np.ix_(kept, kept)] = variance / np.outer(scale[kept], scale[kept])
    fitted[kept] = True
    predictor = np.round(beta @ (x / scale[:, None])[kept], 8)
    found = Maximum(
        coef, covariance, fitted, (null, best), np.nan, q, predictor, dependent_on, (), sets, kept, coef[kept]
    )
    lines, left_out = term_rows(prepared, found)
    terms = wald_table(lines, conf_level)
    profile = {kept[j]: (low[j] / scale[kept[j]], high[j] / scale[kept[j]], signed[j]) for j in range(q)}
    limits = np.array([profile.get(term.column, (np.nan,) * 3) for term in design.terms])
    with np.errstate(over="ignore"):
        terms["conf_low"], terms["conf_high"] = finite(np.exp(limits[:, 0])), finite(np.exp(limits[:, 1]))
    terms["statistic"] = limits[:, 2]
    terms["p_value"] = chdtrc(1, limits[:, 2] ** 2)
    statistic = np.array([max(2 * (best - null), 0.0), float(beta @ np.linalg.solve(variance, beta))])
    tests = pd.DataFrame(
        {
            "test": ["penalised likelihood ratio", "Wald"],
            "statistic": statistic,
            "df": q,
            "p_value": chdtrc(q, statistic),
        }
    )
    estimate, spread = concordance(rows, predictor, prepared.stratum)
    return CoxResult(
        terms=terms,
        tests=tests,
        concordance={"estimate": estimate, "std_error": spread},
        n=len(rows),
        n_event=rows.n_event,
        n_excluded=prepared.n_excluded,
        log_likelihood=(null, best),
        ties=ties,
        left_out=left_out,
    )


class _Penalised:
    """The log partial likelihood plus half the log determinant of its information, for x (p, r)."""

    def __init__(self, sets: RiskIndex, x: np.ndarray):
        self.sets, self.x = sets, x
        p = len(x)
        self.products = (x[:, None, :] * x[None, :, :]).reshape(p * p, x.shape[1])

    def _moments(self, beta: np.ndarray):
        sets, x = self.sets, self.x
        linear = beta @ x
        linear = linear - linear.max()
        risk = np.exp(linear)
        p = len(x)
        values = np.concatenate([risk[None], x * risk, self.products * risk])
        sums = sets.sum(values)[:, sets.at]
        if sets.fraction is not None:
            sums = sums - sets.fraction * sets.sum_events(values[:, sets.event])[:, sets.at]
        total = sums[0]
        mean = sums[1 : p + 1] / total
        second = (sums[p + 1 :] / total).reshape(p, p, len(total))
        information = second.sum(axis=2) - mean @ mean.T
        log_likelihood = float((linear[sets.event] - np.log(total)).sum())
        return risk, total, mean, second, information, log_likelihood

    def information(self, beta: np.ndarray) -> np.ndarray:
        return self._moments(beta)[4]

    def __call__(self, beta: np.ndarray):
        """(penalised log-likelihood, its score, inverse of the information); -inf where the information is singular."""
        sets, x = self.sets, self.x
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            risk, total, mean, second, information, value = self._moments(beta)
        none = (-np.inf, np.zeros(len(x)), information)
        if not (np.isfinite(value) and np.isfinite(information).all()):
            return none
        eigenvalue, vectors = np.linalg.eigh(information)
        if not eigenvalue[0] > 0:
            return none
        inverse = (vectors / eigenvalue) @ vectors.T
        # derivative of half the log determinant: half the third central moment, contracted with the inverse
        square = np.einsum("ir,ij,jr->r", x, inverse, x)
        moments = np.concatenate([(square * risk)[None], x * (square * risk)])
        sums = sets.sum(moments)[:, sets.at]
        if sets.fraction is not None:
            sums = sums - sets.fraction * sets.sum_events(moments[:, sets.event])[:, sets.at]
        mean_square, mean_square_x = sums[0] / total, sums[1:] / total
        turned = inverse @ mean
        length = (mean * turned).sum(axis=0)
        cross = np.einsum("ijm,jm->im", second, turned)
        around = mean_square - 2 * (mean * turned).sum(axis=0) + length
        third = mean_square_x - 2 * cross + length * mean - mean * around
        score = (x[:, sets.event] - mean).sum(axis=1) + third.sum(axis=1) / 2
        return value + 0.5 * float(np.log(eigenvalue).sum()), score, inverse

    def maximum(self, beta: np.ndarray, free: np.ndarray):
        """(beta, value, inverse information) with the coefficients ``free`` at their best, the others as given."""
        value, score, inverse = self(beta)
        for number in range(MAX_STEPS):
            information = np.linalg.inv(inverse)[np.ix_(free, free)]
            if number >= SCORING_STEPS:
                information = self._curvature(beta, free, information)
            move = np.linalg.solve(information, score[free])
            for _ in range(MAX_HALVINGS):
                trial = beta.copy()
                trial[free] += move
                new = self(trial)
                if new[0] >= value - 1e-12 * abs(value):
                    break
                move = move / 2
            else:
                break
            beta, (value, score, inverse) = trial, new
            if float(move @ information @ move) < STEP_TOLERANCE**2:
                break
        return beta, value, inverse

    def _curvature(self, beta: np.ndarray, free: np.ndarray, information: np.ndarray) -> np.ndarray:
        """Minus the second derivative, from differences of the score; the information where that is not positive."""
        units = 1e-5 / np.sqrt(np.diag(information))
        curvature = np.empty_like(information)
        for k, (j, unit) in enumerate(zip(free, units, strict=True)):
            step = np.where(np.arange(len(beta)) == j, unit, 0.0)
            curvature[:, k] = (self(beta - step)[1] - self(beta + step)[1])[free] / (2 * unit)
        curvature = (curvature + curvature.T) / 2
        smallest = np.linalg.eigvalsh(curvature / np.sqrt(np.outer(np.diag(information), np.diag(information))))[0]
        return curvature if smallest > 1e-4 else information

    def profile(self, beta, variance, j: int, at: float):
        """(value, score of coefficient j, all coefficients) with coefficient j fixed."""
        start = beta + variance[:, j] / variance[j, j] * (at - beta[j])
        free = np.array([k for k in range(len(beta)) if k != j], dtype=int)
        if not np.isfinite(self(start)[0]):
            start = np.where(np.arange(len(beta)) == j, at, beta)
        if len(free):
            start, value, _ = self.maximum(start, free)
        value, score, _ = self(start)
        return value, score[j], start

    def limit(self, beta, variance, j: int, target: float, side: int) -> float:
        """Where the profile of coefficient j falls to ``target`` on one side, by Newton's method within a bracket; else NaN."""
        unit = np.sqrt(variance[j, j])
        inside, outside = beta[j], np.nan
        at = beta[j] + side * unit * np.sqrt(2 * max(self.profile(beta, variance, j, beta[j])[0] - target, 0.0))
        for _ in range(100):
            value, slope, _ = self.profile(beta, variance, j, at)
            if value >= target:
                inside = at
            else:
                outside = at
            step = (target - value) / slope if slope * side < 0 and np.isfinite(value) else np.nan
            new = at + step
            if np.isnan(outside):
                # not yet beyond the limit: go on, but not too far at a time
                new = new if side * (new - inside) > 0 else at + side * unit
                new = side * min(side * new, side * at + 5 * unit)
            elif not min(inside, outside) < new < max(inside, outside):
                new = (inside + outside) / 2
            if abs(new - at) < LIMIT_TOLERANCE * unit:
                return float(new)
            at = new
        return np.nan
