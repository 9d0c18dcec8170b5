"""Do hazard ratios stay the same over time? The score test of R's survival since 3.0, and the residuals to look at."""

import numpy as np
import pandas as pd
from scipy.special import chdtrc
from scipy.stats import rankdata

from core.conventions import TIES
from core.errors import NotEstimable
from core.survival.at_risk import risk_index
from core.survival.cox import prepare
from core.survival.functional_form import natural_spline
from core.survival.outcome import Outcome
from core.survival.partial_likelihood import maximise

FEWEST_FOR_A_TREND = 8
TRANSFORMS = ("km", "identity", "log", "rank")


def proportional_hazards_test(
    outcome: Outcome, covariates, *, transform="km", ties=TIES, stratify=None
) -> pd.DataFrame:
    """Test of each covariate's coefficient against one that changes with g(time): term, statistic, df, p_value; GLOBAL last.

    transform is g: "km" (1 - Kaplan-Meier just before the time), "identity", "log" or "rank". Equal to ``cox.zph`` of survival
    3.0 and later: the score test of g(time) x covariate added to the fitted model. What ``cox`` leaves out is left out.

    Raises NotEstimable when the model has a coefficient without an estimate, or when "log" meets an event at time zero.
    Method: Grambsch & Therneau (1994), without their approximation of the variance.
    """
    fit = _Fit(outcome, covariates, ties, stratify)
    g = fit.transformed(transform)
    g = g - g.mean()
    first, second = fit.information(g), fit.information(g * g)
    information = np.block([[fit.information(np.ones_like(g)), first], [first, second]])
    score = fit.residual @ g
    p = len(score)
    rows = []
    names = list(dict.fromkeys(fit.covariate))
    for name in names:
        chosen = np.array([j for j in range(p) if fit.covariate[j] == name])
        rows.append((name, *_score_test(information, score, chosen)))
    rows.append(("GLOBAL", *_score_test(information, score, np.arange(p))))
    table = pd.DataFrame(rows, columns=["term", "statistic", "df"])
    table["p_value"] = chdtrc(table["df"].to_numpy(), table["statistic"].to_numpy())
    return table


def schoenfeld_residuals(outcome: Outcome, covariates, *, transform="km", ties=TIES, stratify=None) -> pd.DataFrame:
    """What each event says about each coefficient at its time, to be plotted over time.

    One row per event and coefficient: time, transformed_time (g of ``proportional_hazards_test``), stratum (number of the stratum),
    covariate, level ("" for a number), residual (Schoenfeld: covariate of the event minus its mean at risk), scaled (residual
    scaled by the mean information, plus the coefficient: scatters around the coefficient at that time; as ``cox.zph``'s
    y). In a stratum in which a covariate does not vary, scaled is NaN. Raises NotEstimable as the test.
    """
    fit = _Fit(outcome, covariates, ties, stratify)
    scaled = fit.scaled()
    m = len(fit.sets.at)
    common = {
        "time": fit.sets.time[fit.sets.at],
        "transformed_time": fit.transformed(transform),
        "stratum": fit.sets.stratum[fit.sets.at],
    }
    return pd.DataFrame(
        {name: np.tile(values, len(fit.beta)) for name, values in common.items()}
        | {
            "covariate": np.repeat(np.array(fit.covariate, dtype=object), m),
            "level": np.repeat(np.array(fit.level, dtype=object), m),
            "residual": fit.residual.ravel(),
            "scaled": scaled.ravel(),
        }
    )


def residual_trend(time: np.ndarray, scaled: np.ndarray, points: int = 60) -> pd.DataFrame:
    """The smooth course of scaled residuals over time: time estimate; no rows where there are too few events for one.

    Least squares on a natural cubic spline of time with three degrees of freedom, as R's ``plot.cox.zph`` does with df = 3.
    """
    known = ~np.isnan(scaled)
    time, scaled = np.asarray(time)[known], np.asarray(scaled)[known]
    knots = np.quantile(time, np.arange(4) / 3) if len(time) else np.zeros(0)
    if len(np.unique(time)) < FEWEST_FOR_A_TREND or len(np.unique(knots)) < 4:
        return pd.DataFrame({"time": [], "estimate": []}, dtype=float)
    at = np.linspace(time.min(), time.max(), points)

    def basis(values):
        return np.column_stack([np.ones(len(values)), natural_spline(values, knots)])

    weights = np.linalg.lstsq(basis(time), scaled, rcond=None)[0]
    return pd.DataFrame({"time": at, "estimate": basis(at) @ weights})


class _Fit:
    """A Cox model with the sums that its Schoenfeld residuals need, one column per event."""

    def __init__(self, outcome: Outcome, covariates, ties: str, stratify):
        prepared = prepare(outcome, covariates, stratify)
        found = maximise(prepared.index(ties), prepared.design.x, prepared.stratum, prepared.directions)
        columns = {term.column: term for term in prepared.design.terms if term.column is not None}
        if found.unbounded or not len(found.active):
            names = [str(columns[j].covariate) for j in found.unbounded] or [str(c.name) for c in prepared.covariates]
            raise NotEstimable(
                f"Proportional hazards cannot be tested: the model of {len(prepared.outcome)} patients with "
                f"{prepared.outcome.n_event} events has no hazard ratio for {', '.join(dict.fromkeys(names))}. Take it out "
                "or widen the filters."
            )
        self.outcome, self.sets, self.beta = prepared.outcome, found.sets, found.beta
        self.covariate = [columns[j].covariate for j in found.active]
        self.level = [columns[j].level for j in found.active]
        x = prepared.design.x[found.active]
        x = x - x.mean(axis=1, keepdims=True)
        sets = self.sets
        self.x, self.all_x = x[:, sets.row], x
        self.stratum = np.zeros(len(self.outcome), dtype=np.int64) if prepared.stratum is None else prepared.stratum
        linear = self.beta @ self.x
        self.risk = np.exp(linear - linear.max())
        weighted = self.x * self.risk
        at = sets.at
        total, mean = sets.sum(self.risk)[at], sets.sum(weighted)[:, at]
        if sets.fraction is not None:
            total = total - sets.fraction * sets.sum_events(self.risk[sets.event])[at]
            mean = mean - sets.fraction * sets.sum_events(weighted[:, sets.event])[:, at]
        self.total, self.mean = total, mean / total
        tied = np.bincount(at)[at]
        self.residual = self.x[:, sets.event] - sets.sum_events(self.mean)[:, at] / tied

    def information(self, weight: np.ndarray) -> np.ndarray:
        """(p, p) the information, each event counted with its weight (m,)."""
        sets = self.sets
        hazard = sets.accumulate(sets.sum_events(weight / self.total))
        if sets.fraction is not None:
            hazard[sets.event] -= sets.sum_events(weight * sets.fraction / self.total)[sets.at]
        return (self.x * (self.risk * hazard)) @ self.x.T - (self.mean * weight) @ self.mean.T

    def transformed(self, transform: str) -> np.ndarray:
        """(m,) g at the time of each event."""
        if transform not in TRANSFORMS:
            raise ValueError(f"transform must be one of {', '.join(TRANSFORMS)}, not {transform!r}")
        time = self.sets.time[self.sets.at]
        if transform == "identity":
            return time
        if transform == "log":
            if (time == 0).any():
                raise NotEstimable(
                    f"{np.count_nonzero(time == 0)} events at time zero have no logarithm. Choose another scale of time."
                )
            return np.log(time)
        if transform == "rank":
            rank = rankdata(self.outcome.time)
            return rank[self.sets.row[self.sets.event]]
        everybody = risk_index(self.outcome, None, "breslow")
        n_risk = everybody.sum(np.ones(len(everybody.row)))
        survival = np.cumprod(1 - np.bincount(everybody.at) / n_risk)
        before = np.concatenate([[1.0], survival])
        return 1 - before[np.searchsorted(everybody.time, time)]

    def scaled(self) -> np.ndarray:
        """(p, m) residuals divided by the mean information of an event, plus the coefficient."""
        sets = self.sets
        stratum = sets.stratum[sets.at]
        p = len(self.beta)
        order = np.argsort(self.stratum, kind="stable")
        begin = np.searchsorted(self.stratum[order], np.arange(int(self.stratum.max()) + 1))
        grouped = self.all_x[:, order]
        varies = np.maximum.reduceat(grouped, begin, axis=1) > np.minimum.reduceat(grouped, begin, axis=1)
        count = np.bincount(stratum, minlength=varies.shape[1])
        shared = (varies * count) @ varies.T
        mean_information = self.information(np.ones(len(stratum))) / np.maximum(shared, 1)
        scaled = np.full((p, len(stratum)), np.nan)
        for number in np.flatnonzero(count):
            used = np.flatnonzero(varies[:, number])
            events = np.flatnonzero(stratum == number)
            if len(used):
                part = np.ix_(used, events)
                scaled[part] = np.linalg.solve(mean_information[np.ix_(used, used)], self.residual[part])
        return scaled + self.beta[:, None]


def _score_test(information: np.ndarray, score: np.ndarray, chosen: np.ndarray) -> tuple[float, int]:
    p = len(score)
    rows = np.concatenate([np.arange(p), chosen + p])
    part = information[np.ix_(rows, rows)]
    u = np.concatenate([np.zeros(p), score[chosen]])
    # scaled, so that covariates in small units do not look singular
    size = np.sqrt(np.diag(part))
    if not (size > 0).all() or np.linalg.eigvalsh(part / np.outer(size, size))[0] < 1e-10:
        # all events at one time, say: nothing can change over time
        return np.nan, len(chosen)
    return float(u @ (np.linalg.solve(part / np.outer(size, size), u / size) / size)), len(chosen)
