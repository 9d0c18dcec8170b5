"""Tests of groups: log-rank and its kin, trend, pairs, and Gray's test where something competes."""

from itertools import combinations

import numpy as np
from lifelines.statistics import multivariate_logrank_test
from python.view import FROM_THE_BEGINNING, VIEW, note
from scipy.stats import chi2


def quadratic_form(difference, covariance):
    """Chi-squared and its degrees of freedom."""
    spread = np.sqrt(np.diag(covariance))
    used = spread > 1e-9 * max(1.0, spread.max())
    if used.sum() < 2:
        return np.nan, 0
    difference, spread, covariance = difference[used], spread[used], covariance[np.ix_(used, used)]
    values, vectors = np.linalg.eigh(covariance / np.outer(spread, spread))
    kept = values > 1e-9 * values[-1]
    along = vectors[:, kept].T @ (difference / spread)
    return np.sum(along**2 / values[kept]), kept.sum()


def logrank_scores(entry, time, event, group, within, test, levels):
    """Observed less expected events by group, weighted and summed over the strata, with the hypergeometric variance."""
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
    return difference, covariance


def weighted_logrank(entry, time, event, group, within, test):
    levels = sorted(set(group))
    return quadratic_form(*logrank_scores(entry, time, event, group, within, test, levels))


def comparison(data):
    """The test of all groups, the trend over ordered ones, and every pair."""
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
    levels = [g for g in VIEW["groups"] if g in set(group)]
    if test["trend"]:
        score = np.arange(len(levels)) - (len(levels) - 1) / 2
        difference, covariance = logrank_scores(entry, time, event, group, within, {"weights": "log-rank"}, levels)
        statistic = (score @ difference) ** 2 / (score @ covariance @ score)
        note(statistic, test["trend"], "chi-squared")
        note(chi2.sf(statistic, 1), test["trend"], "p")
    if test["pairs"]:
        pairs = list(combinations(levels, 2))
        p = np.full(len(pairs), np.nan)
        for i, pair in enumerate(pairs):
            two = np.isin(group, pair)
            parts = (values[two] for values in (entry, time, event, group, within))
            statistic, df = weighted_logrank(*parts, test)
            p[i] = chi2.sf(statistic, df) if df else np.nan
        for pair, p_value, p_adjusted in zip(pairs, p, holm(p), strict=True):
            note(p_value, "Pair", f"{pair[0]} and {pair[1]}", "p")
            note(p_adjusted, "Pair", f"{pair[0]} and {pair[1]}", "p, adjusted")


def holm(p):
    """P values adjusted for how many there are; the smallest times their number, the next times one less, ..."""
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate((len(order) - np.arange(len(order))) * p[order]), 1)
    return adjusted


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
