"""Computes the numbers of the view again, from data.csv alone, and compares them with expected.json.

Run it in the folder it came in:  python analysis.py
Needs Python 3.10 or later with numpy, pandas, scipy and lifelines (pip install numpy pandas scipy lifelines).

lifelines computes what it computes exactly: Kaplan-Meier curves, the log-rank test, Cox models with Efron's ties. What it
does not have (late entry with its tests, other weights, competing risks, covariates that change) is written out below.
view.json holds the choices of the view: the columns to use, the times to read off, the kind of interval.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.exceptions import ConvergenceError
from lifelines.statistics import multivariate_logrank_test
from scipy.stats import chi2, norm

HERE = Path(__file__).parent
DAYS_PER_MONTH = 30.4375
VIEW = json.loads((HERE / "view.json").read_text(encoding="utf-8"))
EXPECTED = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
# Without late entry everybody is at risk from the beginning, whoever dies on day 0 included.
FROM_THE_BEGINNING = -1.0
# lifelines stops early unless told not to.
FIT_OPTIONS = {"step_size": 0.5, "precision": 1e-16, "r_precision": 0.0, "max_steps": 200}
found = {}


def note(value, *name):
    """Keeps a number that was computed, under its name in expected.json."""
    found["; ".join(name)] = float(value)


# --- curves ------------------------------------------------------------------------------------------------------------


def counts(entry, time, happened):
    """Times, numbers at risk (entered before, not yet gone) and events at each."""
    times = np.unique(time)
    at_risk = np.array([np.sum((entry < t) & (time >= t)) for t in times])
    events = np.array([np.sum((time == t) & happened) for t in times])
    return times, at_risk, events


def limits(estimate, log_se, kind, level):
    """Limits at each time, from the standard error of the logarithm; none where the estimate is 0 or 1."""
    z = norm.ppf(0.5 + level / 2)
    low, high = np.full(len(estimate), np.nan), np.full(len(estimate), np.nan)
    inside = (estimate > 0) & (estimate < 1)
    s, width = estimate[inside], z * log_se[inside]
    if kind == "plain":
        low[inside], high[inside] = np.maximum(s - width * s, 0), np.minimum(s + width * s, 1)
    elif kind == "log":
        low[inside], high[inside] = s * np.exp(-width), np.minimum(s * np.exp(width), 1)
    else:
        low[inside] = s ** np.exp(-width / np.log(s))
        high[inside] = s ** np.exp(width / np.log(s))
    return low, high


def kaplan_meier(entry, time, happened, kind, level):
    """Times, survival, lower and upper limit (Greenwood's variance)."""
    times, n, d = counts(entry, time, happened)
    survival = np.cumprod((n - d) / n)
    if (entry == FROM_THE_BEGINNING).all():
        survival = KaplanMeierFitter().fit(time, happened).survival_function_at_times(times).to_numpy()
    left = n - d
    terms = np.divide(d, n * left, out=np.zeros(len(n)), where=left > 0)
    log_se = np.sqrt(np.cumsum(terms))
    log_se[survival <= 0] = np.nan
    return times, survival, *limits(survival, log_se, kind, level)


def half(times, survival):
    """When the curve comes to 50%: the first time below it, or the middle of a stretch exactly on it (R's rule)."""
    share = 1 - np.concatenate([[1.0], survival])
    at = np.concatenate([[0.0], times])[~np.isnan(share)]
    share = share[~np.isnan(share)]
    last = share[-1]
    share, first = np.unique(share, return_index=True)
    at = np.append(at[first], np.nan)
    tolerance = 1.5e-8
    lower = np.searchsorted(share, 0.5 - tolerance)
    upper = np.searchsorted(share, 0.5 + tolerance)
    if abs(last - 0.5) < tolerance and lower < len(share):
        return (at[lower] + times[-1]) / 2
    return (at[lower] + at[upper]) / 2


def read_off(times, values, t, start):
    """The value of a step function at t; nothing beyond the last time."""
    return np.nan if t > times[-1] else np.concatenate([[start], values])[np.searchsorted(times, t, side="right")]


def curves(data):
    kind, level = VIEW["interval"], VIEW["level"]
    for group in VIEW["groups"]:
        part = data[data["group"] == group]
        entry, time = part["entry"].to_numpy(), part["time"].to_numpy()
        event = (part["cause"] == 1).to_numpy()
        times, survival, low, high = kaplan_meier(entry, time, event, kind, level)
        note(len(part), group, "patients")
        note(event.sum(), group, "events")
        note(half(times, survival), group, "median (months)")
        note(half(times, np.where(survival == 1, 1.0, low)), group, "median, lower limit")
        note(half(times, np.where(survival == 1, 1.0, high)), group, "median, upper limit")
        # how long they were followed: being censored is the event
        times_c, n, lost = counts(entry, time, (part["cause"] == 0).to_numpy())
        note(half(times_c, np.cumprod((n - lost) / n)), group, "median follow-up (months)")
        for t in VIEW["times"]:
            where = f"{t:g} months"
            note(np.sum((entry < t) & (time >= t)), group, where, "at risk")
            note(read_off(times, survival, t, 1.0), group, where, "free of the event")
            note(read_off(times, low, t, np.nan), group, where, "lower limit")
            note(read_off(times, high, t, np.nan), group, where, "upper limit")


def incidence(data):
    """Aalen-Johansen: each event counts with the share still free of any event just before it."""
    for group in VIEW["groups"]:
        part = data[data["group"] == group]
        entry, time, cause = (part[name].to_numpy() for name in ("entry", "time", "cause"))
        times, n, any_event = counts(entry, time, cause > 0)
        free_before = np.concatenate([[1.0], np.cumprod((n - any_event) / n)[:-1]])
        note(len(part), group, "patients")
        for k in VIEW["causes"]:
            d = counts(entry, time, cause == k)[2]
            note(d.sum(), group, f"events of cause {k}")
            gained = free_before * d / n
            estimate = np.minimum(np.cumsum(gained), 1.0)
            h, H = d / n, any_event / n
            variance = np.zeros(len(times))
            for i in range(len(times)):
                later = estimate[i] - estimate[: i + 1]
                a, hh, HH, nn = free_before[: i + 1], h[: i + 1], H[: i + 1], n[: i + 1]
                greenwood = np.divide(HH, 1 - HH, out=np.zeros(i + 1), where=HH < 1)
                variance[i] = np.sum((a**2 * hh * (1 - hh) - 2 * a * later * hh + later**2 * greenwood) / nn)
            se = np.sqrt(np.maximum(variance, 0))
            log_se = np.divide(se, estimate, out=np.zeros(len(se)), where=estimate > 0)
            low, high = limits(estimate, log_se, VIEW["interval"], VIEW["level"])
            for t in VIEW["times"]:
                where = f"{t:g} months"
                note(np.sum((entry < t) & (time >= t)), group, where, "at risk")
                note(read_off(times, estimate, t, 0.0), group, where, f"incidence of cause {k}")
                note(read_off(times, low, t, np.nan), group, where, f"lower limit, cause {k}")
                note(read_off(times, high, t, np.nan), group, where, f"upper limit, cause {k}")


# --- tests -------------------------------------------------------------------------------------------------------------


def quadratic_form(difference, covariance):
    """Chi-squared and its degrees of freedom."""
    spread = np.sqrt(np.diag(covariance))
    used = spread > 1e-9 * max(1.0, spread.max())
    difference, spread, covariance = difference[used], spread[used], covariance[np.ix_(used, used)]
    values, vectors = np.linalg.eigh(covariance / np.outer(spread, spread))
    kept = values > 1e-9 * values[-1]
    along = vectors[:, kept].T @ (difference / spread)
    return np.sum(along**2 / values[kept]), kept.sum()


def weighted_logrank(entry, time, event, group, within, test):
    """Observed less expected events by group, weighted and summed over the strata, with the hypergeometric variance."""
    levels = sorted(set(group))
    difference, covariance = np.zeros(len(levels)), np.zeros((len(levels), len(levels)))
    for stratum in sorted(set(within)):
        here = within == stratum
        survival = 1.0  # of all groups together, just before each time
        for t in np.unique(time[here & event]):
            n = np.array([np.sum(here & (group == g) & (entry < t) & (time >= t)) for g in levels])
            d = np.array([np.sum(here & (group == g) & (time == t) & event) for g in levels])
            N, D = n.sum(), d.sum()
            weight = {
                "log-rank": 1.0,
                "gehan": N,
                "tarone-ware": np.sqrt(N),
                "peto": survival,
                "fleming-harrington": survival ** test.get("rho", 0) * (1 - survival) ** test.get("gamma", 0),
            }[test["weights"]]
            difference += weight * (d - D * n / N)
            if N > 1:
                share = n / N
                covariance += weight**2 * D * (N - D) / (N - 1) * (np.diag(share) - np.outer(share, share))
            survival *= (N - D) / N
    return quadratic_form(difference, covariance)


def comparison(data):
    test = VIEW["test"]
    data = data[data["group"].notna() & data["within"].notna()]
    entry, time, event = data["entry"].to_numpy(), data["time"].to_numpy(), (data["cause"] == 1).to_numpy()
    group, within = data["group"].to_numpy(), data["within"].to_numpy()
    statistic, df = weighted_logrank(entry, time, event, group, within, test)
    plain = test["weights"] == "log-rank" and len(set(within)) == 1 and (entry == FROM_THE_BEGINNING).all()
    if plain and df == len(set(group)) - 1:
        statistic = multivariate_logrank_test(time, group, event).test_statistic
    note(statistic, test["name"], "chi-squared")
    note(df, test["name"], "degrees of freedom")
    note(chi2.sf(statistic, df), test["name"], "p")


def gray_scores(time, cause, group, levels, k):
    """Gray (1988): the score of each group and its covariance, for cause k in one stratum."""
    times = np.unique(time[cause > 0])
    n = np.array([[np.sum((group == g) & (time >= t)) for g in levels] for t in times], dtype=float)
    d = np.array([[np.sum((group == g) & (time == t) & (cause == k)) for g in levels] for t in times], dtype=float)
    other = np.array(
        [[np.sum((group == g) & (time == t) & (cause > 0) & (cause != k)) for g in levels] for t in times], dtype=float
    )
    at_risk, safe = n > 0, np.maximum(n, 1)

    def just_before(values, start):
        return np.concatenate([np.full_like(values[:1], start), values[:-1]])

    after = np.cumprod(np.where(at_risk, (n - d - other) / safe, 1.0), axis=0)
    before = just_before(after, 1.0)
    incidence_before = just_before(np.cumsum(before * d / safe, axis=0), 0.0)
    inflated = np.divide(n, before, out=np.zeros_like(n), where=at_risk)  # puts back those with a competing event
    total = inflated.sum(axis=1)
    still = inflated * (1 - incidence_before)
    events = d.sum(axis=1)
    pooled = np.cumsum(events / total)
    difference = d.sum(axis=0) - events @ (still / still.sum(axis=1)[:, None])
    step = np.divide(events, total * (1 - just_before(pooled, 0.0)), out=np.zeros(len(events)), where=events > 0)
    gained = np.divide(1 - pooled[:, None], after, out=np.zeros_like(after), where=after > 0)
    covariance = np.zeros((len(levels), len(levels)))
    for j in range(len(levels)):
        own = -inflated * (inflated[:, j] / total)[:, None]
        own[:, j] += inflated[:, j]
        own[~at_risk[:, j]] = 0.0
        running = np.cumsum(own * step[:, None], axis=0)
        later = running[-1] - running
        tied = np.where(events > 1, (events - 1) / np.maximum(total * before[:, j] - 1, 1e-300), 0.0)
        spread = np.where(at_risk[:, j], (1 - tied) * before[:, j] * events / (total * safe[:, j]), 0.0)
        moved = own + (1 - gained[:, j])[:, None] * later
        covariance += (moved * spread[:, None]).T @ moved
        lost = other[:, j]
        tied = np.where(lost > 1, (lost - 1) / np.maximum(n[:, j] - 1, 1), 0.0)
        spread = np.where(after[:, j] > 0, (1 - tied) * (before[:, j] / safe[:, j]) ** 2 * lost, 0.0)
        moved = gained[:, j][:, None] * later
        covariance += (moved * spread[:, None]).T @ moved
    return difference, covariance


def gray(data):
    data = data[data["group"].notna() & data["within"].notna()]
    levels = sorted(set(data["group"]))
    for k in VIEW["gray"]:
        difference, covariance = np.zeros(len(levels)), np.zeros((len(levels), len(levels)))
        for _, part in data.groupby("within"):
            time, cause, group = (part[name].to_numpy() for name in ("time", "cause", "group"))
            if (cause == k).any():
                more = gray_scores(time, cause, group, levels, k)
                difference, covariance = difference + more[0], covariance + more[1]
        statistic, df = quadratic_form(difference, covariance)
        note(statistic, f"Gray's test, cause {k}", "chi-squared")
        note(df, f"Gray's test, cause {k}", "degrees of freedom")
        note(chi2.sf(statistic, df), f"Gray's test, cause {k}", "p")


# --- hazard ratios -----------------------------------------------------------------------------------------------------


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


def cox(entry, time, event, x, strata, ties):
    """Log hazard ratios and their covariance by Newton's method; Efron's or Breslow's ties, strata, start-stop rows."""
    scale = x.std(axis=0)
    x = (x - x.mean(axis=0)) / scale

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

    beta = np.zeros(x.shape[1])
    value, score, information = likelihood(beta)
    for _ in range(100):
        step = np.linalg.solve(information, score)
        for _ in range(40):
            new = likelihood(beta + step)
            if new[0] >= value - 1e-12 * abs(value):
                break
            step = step / 2
        beta, (value, score, information) = beta + step, new
        if np.max(np.abs(step)) < 1e-10:
            break
    return beta / scale, np.linalg.inv(information) / np.outer(scale, scale)


def lifelines_cox(entry, time, event, x):
    scale = x.std(axis=0)
    frame = pd.DataFrame((x - x.mean(axis=0)) / scale).add_prefix("x")
    late = not (entry == FROM_THE_BEGINNING).all()
    frame = frame.assign(time=time, event=event, **({"entry": entry} if late else {}))
    fit = CoxPHFitter().fit(frame, "time", "event", entry_col="entry" if late else None, fit_options=FIT_OPTIONS)
    return fit.params_.to_numpy() / scale, fit.variance_matrix_.to_numpy() / np.outer(scale, scale)


def note_ratios(title, names, coef, variance, level=0.95):
    z = norm.ppf(0.5 + level / 2)
    for (label, level_name), b, se in zip(names, coef, np.sqrt(np.diag(variance)), strict=True):
        name = (title, label, level_name) if level_name else (title, label)
        with np.errstate(over="ignore"):
            for value, what in ((b, "estimate"), (b - z * se, "lower limit"), (b + z * se, "upper limit")):
                note(np.exp(value), *name, what)
        note(chi2.sf((b / se) ** 2, 1), *name, "p")


def hazard_ratios(data, title, covariates, within="", cause=1, ties="efron"):
    """One model of all these covariates."""
    made = columns_of(data, covariates)
    x = np.column_stack(list(made.values()))
    complete = ~np.isnan(x).any(axis=1)
    if within:
        complete &= data[within].notna().to_numpy()
    part, x = data[complete], x[complete]
    entry, time, event = part["entry"].to_numpy(), part["time"].to_numpy(), (part["cause"] == cause).to_numpy()
    if ties == "efron" and not within:
        try:
            note_ratios(title, made, *lifelines_cox(entry, time, event, x))
            return
        except ConvergenceError:
            pass  # then by the function above
    strata = part[within].to_numpy() if within else np.zeros(len(part))
    note_ratios(title, made, *cox(entry, time, event, x, strata, ties))


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

    beta = np.zeros(x.shape[1])
    now = at(beta)
    for _ in range(100):
        step = np.linalg.solve(now[2], now[1])
        for _ in range(40):
            new = at(beta + step)
            if new[0] >= now[0] - 1e-12 * abs(now[0]):
                break
            step = step / 2
        beta, now = beta + step, new
        if np.max(np.abs(step)) < 1e-10:
            break
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


# --- exposures that begin during follow-up -----------------------------------------------------------------------------


def exposures(data):
    """Naive, from a landmark, and exposed from the date on (start-stop rows); the Mantel-Byar test."""
    rule = VIEW["exposure"]
    data = data[data["in_exposure_analysis"] == 1]
    time, event = data["time"].to_numpy(), (data["cause"] == 1).to_numpy()
    exposed_at = data["exposure_days"].to_numpy(dtype=float) / DAYS_PER_MONTH
    zero = np.full(len(time), FROM_THE_BEGINNING)

    kept, mark = time > rule["landmark"], rule["landmark"]
    # a first row up to the exposure, a second one after it; whoever is exposed on day 0 has the second one only
    start = np.full(len(time), FROM_THE_BEGINNING if (time == 0).any() else 0.0)
    cut = (exposed_at > 0) & (exposed_at < time)
    rows = pd.concat(
        [
            pd.DataFrame({"entry": start, "time": np.where(cut, exposed_at, time), "event": event & ~cut}).assign(
                exposed=exposed_at <= 0
            ),
            pd.DataFrame({"entry": exposed_at, "time": time, "event": event, "exposed": True})[cut],
        ]
    )
    analyses = {
        "naive": (zero, time, event, ~np.isnan(exposed_at)),
        "landmark": (zero[kept], time[kept] - mark, event[kept], exposed_at[kept] <= mark),
        "time-dependent": tuple(rows[name].to_numpy() for name in ("entry", "time", "event", "exposed")),
    }
    for name in rule["estimable"]:
        entry, until, happened, exposed = analyses[name]
        x = exposed.astype(float)[:, None]
        coef, variance = cox(entry, until, happened, x, np.zeros(len(until)), "efron")
        note_ratios(f"Exposure, {name}", {(rule["label"], ""): x}, coef, variance)
        note(happened.sum(), f"Exposure, {name}", "events")
        note(happened[exposed].sum(), f"Exposure, {name}", "events while exposed")
    if rule["mantel_byar"]:
        entry, until, happened, exposed = analyses["time-dependent"]
        one = np.zeros(len(until))
        statistic, df = weighted_logrank(entry, until, happened, exposed.astype(int), one, {"weights": "log-rank"})
        note(statistic, "Mantel-Byar test", "chi-squared")
        note(chi2.sf(statistic, df), "Mantel-Byar test", "p")


# --- run ---------------------------------------------------------------------------------------------------------------


def read():
    """The data in months on the clock of the view, from the landmark on where there is one."""
    text = dict.fromkeys(VIEW["text_columns"], str)
    data = pd.read_csv(
        HERE / "data.csv", dtype=text, keep_default_na=False, na_values={c: [""] for c in VIEW["columns"]}
    )
    data["time"] = data["time_days"] / DAYS_PER_MONTH
    data["entry"] = data["entry_days"] / DAYS_PER_MONTH if VIEW["late_entry"] else FROM_THE_BEGINNING
    mark = VIEW["landmark"]
    if mark:
        data = data[data["time"] > mark].copy()
        data["time"] -= mark
        if VIEW["late_entry"]:
            data["entry"] = (
                np.maximum(data["entry"] - mark, 0.0) if (data["entry"] > mark).any() else FROM_THE_BEGINNING
            )
    return data


def same(value, expected):
    if expected is None:
        return not np.isfinite(value)
    return abs(value - expected) <= 1e-6 + 1e-5 * abs(expected)


def main():
    data = read()
    if VIEW["competing"]:
        incidence(data)
        gray(data)
    else:
        curves(data)
        if VIEW["test"]:
            comparison(data)
    for covariate in VIEW["covariates"]:
        hazard_ratios(data, "Hazard ratio, each alone", [covariate], cause=VIEW["cause"], ties=VIEW["ties"])
    if VIEW["together"]:
        within = "model_within" if VIEW["together_within"] else ""
        hazard_ratios(data, "Hazard ratio, one model", VIEW["together"], within, ties=VIEW["ties"])
    if VIEW["subdistribution"]:
        subdistribution(data, VIEW["subdistribution"])
    if VIEW["exposure"]:
        exposures(data)

    wrong = 0
    for name, expected in EXPECTED.items():
        value = found.get(name, "not computed")
        passed = name in found and same(value, expected)
        wrong += not passed
        print(
            f"{'PASS' if passed else 'FAIL'}  {name}: expected {'none' if expected is None else expected}, found {value}"
        )
    for name in found.keys() - EXPECTED.keys():
        wrong += 1
        print(f"FAIL  {name}: not expected, found {found[name]}")
    print(f"{len(EXPECTED)} numbers, {wrong} different.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    sys.exit(main())
