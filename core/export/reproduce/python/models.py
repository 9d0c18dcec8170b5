"""Hazard ratios: Cox, Firth, within subgroups, and Fine and Gray."""

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError
from python.curves import z_of
from python.view import FROM_THE_BEGINNING, VIEW, note
from scipy.optimize import brentq
from scipy.stats import chi2

# lifelines stops early unless told not to.
FIT_OPTIONS = {"step_size": 0.5, "precision": 1e-16, "r_precision": 0.0, "max_steps": 200}


def columns_of(data, covariates):
    """A number in steps, or one column for each level but the reference: {(label, level): values}; NaN where missing."""
    made = {}
    for covariate in covariates:
        values = data[covariate["column"]]
        if covariate["kind"] == "number":
            made[covariate["label"], ""] = values.to_numpy(dtype=float) / covariate["step"]
        for level in covariate["levels"]:
            made[covariate["label"], level] = np.where(values.isna(), np.nan, values == level)
    return made


def likelihood_of(entry, time, event, x, strata, ties):
    """The log partial likelihood as a function of the coefficients: value, score, information; Efron's or Breslow's ties."""

    def likelihood(beta):
        value, score, information = 0.0, np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
        risk = np.exp(x @ beta)
        for stratum in set(strata):
            here = strata == stratum
            for t in np.unique(time[here & event]):
                at_risk, dead = here & (entry < t) & (time >= t), here & (time == t) & event
                value += np.sum(x[dead] @ beta)
                score += x[dead].sum(axis=0)
                sums = [
                    (risk[who].sum(), risk[who] @ x[who], (x[who] * risk[who, None]).T @ x[who])
                    for who in (at_risk, dead)
                ]
                for j in range(dead.sum()):
                    share = j / dead.sum() if ties == "efron" else 0.0
                    s0, s1, s2 = (a - share * b for a, b in zip(*sums, strict=True))
                    value -= np.log(s0)
                    score = score - s1 / s0
                    information += s2 / s0 - np.outer(s1, s1) / s0**2
        return value, score, information

    return likelihood


def climb(likelihood, beta):
    """Newton's method with halved steps: the coefficients at the maximum, and what ``likelihood`` says there."""
    now = likelihood(beta)
    for _ in range(200):
        step = np.linalg.solve(now[2], now[1])
        for _ in range(40):
            new = likelihood(beta + step)
            if new[0] >= now[0] - 1e-12 * abs(now[0]):
                break
            step = step / 2
        beta, now = beta + step, new
        if np.max(np.abs(step)) < 1e-10:
            break
    return beta, now


def cox(entry, time, event, x, strata, ties):
    """Log hazard ratios, their covariance and the log likelihood."""
    scale = x.std(axis=0)
    beta, (value, _, information) = climb(
        likelihood_of(entry, time, event, (x - x.mean(axis=0)) / scale, strata, ties), np.zeros(x.shape[1])
    )
    return beta / scale, np.linalg.inv(information) / np.outer(scale, scale), value


def firth(entry, time, event, x, strata, ties):
    """Firth (1993): the likelihood times the root of the determinant of its information.

    Log hazard ratios, limits and p values from the profile of that likelihood (Heinze and Schemper 2001).
    """
    scale = x.std(axis=0)
    likelihood = likelihood_of(entry, time, event, (x - x.mean(axis=0)) / scale, strata, ties)
    n = x.shape[1]

    def half_log_determinant(beta):
        return np.linalg.slogdet(likelihood(beta)[2])[1] / 2

    def highest(start, fixed=None):
        """The maximum; ``fixed`` is the place of a coefficient that stays as it is."""
        free = [i for i in range(n) if i != fixed]

        def penalised(values):
            beta = start.copy()
            beta[free] = values
            value, score, information = likelihood(beta)
            h = 1e-4 * np.eye(n)
            slope = [(half_log_determinant(beta + h[i]) - half_log_determinant(beta - h[i])) / 2e-4 for i in free]
            determinant = np.linalg.slogdet(information)[1] / 2
            return value + determinant, score[free] + slope, information[np.ix_(free, free)]

        beta = start.copy()
        if not free:
            return beta, likelihood(beta)[0] + half_log_determinant(beta)
        beta[free], found_there = climb(penalised, start[free])
        return beta, found_there[0]

    best, top = highest(np.zeros(n))
    spread = np.sqrt(np.diag(np.linalg.inv(likelihood(best)[2])))

    def drop(i, value):
        """Twice what the penalised likelihood loses when coefficient i has this value."""
        start = best.copy()
        start[i] = value
        return 2 * (top - highest(start, i)[1])

    ends = np.empty((n, 2))
    for i in range(n):
        for side, sign in ((0, -1), (1, 1)):
            far = best[i] + sign * 1.5 * spread[i]
            while drop(i, far) < chi2.ppf(0.95, 1):
                far += sign * spread[i]
            ends[i, side] = brentq(lambda b, i=i: drop(i, b) - chi2.ppf(0.95, 1), best[i], far, xtol=1e-9)
    p = np.array([chi2.sf(max(drop(i, 0.0), 0.0), 1) for i in range(n)])
    return best / scale, ends / scale[:, None], p


def lifelines_cox(entry, time, event, x):
    scale = x.std(axis=0)
    frame = pd.DataFrame((x - x.mean(axis=0)) / scale).add_prefix("x")
    late = not (entry == FROM_THE_BEGINNING).all()
    frame = frame.assign(time=time, event=event, **({"entry": entry} if late else {}))
    fit = CoxPHFitter().fit(frame, "time", "event", entry_col="entry" if late else None, fit_options=FIT_OPTIONS)
    return fit.params_.to_numpy() / scale, fit.variance_matrix_.to_numpy() / np.outer(scale, scale)


def note_ratios(title, names, coef, variance, level=0.95):
    width = z_of(level) * np.sqrt(np.diag(variance))
    p = chi2.sf((coef / np.sqrt(np.diag(variance))) ** 2, 1)
    note_limits(title, names, coef, np.column_stack([coef - width, coef + width]), p)


def note_limits(title, names, coef, ends, p):
    for (label, level_name), b, (low, high), p_value in zip(names, coef, ends, p, strict=True):
        name = (title, label, level_name) if level_name else (title, label)
        with np.errstate(over="ignore"):
            for value, what in ((b, "estimate"), (low, "lower limit"), (high, "upper limit")):
                note(np.exp(value), *name, what)
        note(p_value, *name, "p")


def hazard_ratios(data, title, covariates, within="", cause=1, ties="efron", penalised=False):
    """One model of all these covariates."""
    made = columns_of(data, covariates)
    x = np.column_stack(list(made.values()))
    complete = ~np.isnan(x).any(axis=1)
    if within:
        complete &= data[within].notna().to_numpy()
    part, x = data[complete], x[complete]
    entry, time, event = part["entry"].to_numpy(), part["time"].to_numpy(), (part["cause"] == cause).to_numpy()
    strata = part[within].to_numpy() if within else np.zeros(len(part))
    if penalised:
        note_limits(title, made, *firth(entry, time, event, x, strata, ties))
        return
    if ties == "efron" and not within:
        try:
            note_ratios(title, made, *lifelines_cox(entry, time, event, x))
            return
        except ConvergenceError:
            pass  # then by the function above
    note_ratios(title, made, *cox(entry, time, event, x, strata, ties)[:2])


def subgroups(data):
    """One covariate's ratio in each level of another, from one model; p of the interaction by the likelihood ratio."""
    for other in VIEW["subgroups"]["within"]:
        (effect,) = columns_of(data, [VIEW["subgroups"]["effect"]]).values()
        within = data[other["column"]]
        complete = ~np.isnan(effect) & within.notna().to_numpy()
        part, effect, within = data[complete], effect[complete], within[complete].to_numpy()
        entry, time, event = part["entry"].to_numpy(), part["time"].to_numpy(), (part["cause"] == 1).to_numpy()
        levels = other["levels"]
        dummies = [(within == level).astype(float) for level in levels[1:]]
        nested = [effect * (within == level) for level in levels]
        one = np.zeros(len(part))
        without = cox(entry, time, event, np.column_stack([effect, *dummies]), one, VIEW["ties"])[2]
        coef, variance, value = cox(entry, time, event, np.column_stack([*dummies, *nested]), one, VIEW["ties"])
        k = len(levels) - 1
        names = [(other["label"], level) for level in levels]
        note_ratios("Subgroups", names, coef[k:], variance[k:, k:])
        note(chi2.sf(2 * (value - without), k), "Subgroups", other["label"], "p of the interaction")


def fine_gray(time, cause, x, k):
    """Fine and Gray (1999): log subdistribution hazard ratios and their robust covariance."""
    x = x - x.mean(axis=0)
    n = len(time)
    gone, n_censor = np.unique(time[cause == 0], return_counts=True)
    n_risk = np.array([np.sum(time >= u) for u in gone])
    steps = np.cumprod(1 - n_censor / n_risk)

    def uncensored_before(t):
        return np.concatenate([[1.0], steps])[np.searchsorted(gone, t)]

    t_event, d = np.unique(time[cause == k], return_counts=True)
    competing = (cause > 0) & (cause != k)
    g_own, g_at = uncensored_before(time), uncensored_before(t_event)
    # (patients, event times): 1 while at risk; after a competing event the chance of being still uncensored
    weight = np.where(time[:, None] >= t_event, 1.0, 0.0)
    after = competing[:, None] & (time[:, None] < t_event)
    weight = np.where(after, g_at / np.where(g_own > 0, g_own, 1.0)[:, None], weight)

    def at(beta):
        risk = weight * np.exp(x @ beta)[:, None]
        total = risk.sum(axis=0)
        mean = (risk.T @ x) / total[:, None]
        value = np.sum(x[cause == k] @ beta) - d @ np.log(total)
        score = x[cause == k].sum(axis=0) - d @ mean
        second = np.einsum("ij,ia,ib->jab", risk, x, x) / total[:, None, None]
        information = np.tensordot(d, second - mean[:, :, None] * mean[:, None, :], axes=1)
        return value, score, information, risk, total, mean

    beta, now = climb(at, np.zeros(x.shape[1]))
    _, _, information, risk, total, mean = now
    hazard = d / total
    residual = -(x * (risk @ hazard)[:, None] - risk @ (mean * hazard[:, None]))
    mine = np.flatnonzero(cause == k)
    residual[mine] += x[mine] - mean[np.searchsorted(t_event, time[mine])]
    # what the estimated weights add: how each censoring moves the weights of those with an earlier competing event
    if len(gone) and competing.any():
        share = np.exp(x[competing] @ beta) / np.where(g_own[competing] > 0, g_own[competing], 1.0)
        change = np.zeros((len(gone), x.shape[1]))
        for i, u in enumerate(gone):
            earlier, later = time[competing] < u, t_event >= u
            to_come = np.sum((g_at * hazard)[later])
            mean_to_come = (g_at * hazard)[later] @ mean[later]
            change[i] = share[earlier] @ (x[competing][earlier] * to_come - mean_to_come) / n_risk[i]
        so_far = np.cumsum(change * (n_censor / n_risk)[:, None], axis=0)
        for i in range(n):
            passed = np.searchsorted(gone, time[i], side="right")
            if passed:
                residual[i] -= so_far[passed - 1]
            if cause[i] == 0:
                residual[i] += change[np.searchsorted(gone, time[i])]
    influence = np.linalg.solve(information, residual.T)
    return beta, influence @ influence.T


def subdistribution(data, covariates):
    for covariate in covariates:
        made = columns_of(data, [covariate])
        x = np.column_stack(list(made.values()))
        complete = ~np.isnan(x).any(axis=1)
        part = data[complete]
        found_here = fine_gray(part["time"].to_numpy(), part["cause"].to_numpy(), x[complete], VIEW["cause"])
        note_ratios("Subdistribution hazard ratio", made, *found_here)
