"""Means up to a stated time, and how far groups are apart in time and in risk."""

from itertools import combinations

import numpy as np
import pandas as pd
from python.curves import aalen_johansen, counts, greenwood, kaplan_meier, read_off, z_of
from python.view import VIEW, note
from scipy.stats import norm


def note_difference(estimate, se, certain, *name):
    """Estimate, symmetric limits and p; neither limits nor p where one of the two curves has no variance."""
    width = z_of(VIEW["level"]) * se if certain and se > 0 else np.nan
    note(estimate, *name, "estimate")
    note(estimate - width, *name, "lower limit")
    note(estimate + width, *name, "upper limit")
    return 2 * norm.sf(abs(estimate) / se) if certain and se > 0 else np.nan


def restricted_mean(part, tau):
    """The area under the curve up to tau and its standard error; nothing where the curve ends before with survivors."""
    entry, time = part["entry"].to_numpy(), part["time"].to_numpy()
    times, n, d = counts(entry, time, (part["cause"] == 1).to_numpy())
    survival = np.cumprod((n - d) / n)
    if tau > times[-1] * (1 + 1e-9) and survival[-1] > 0:
        return np.nan, np.nan
    inside = times < tau
    areas = np.concatenate([[1.0], survival[inside]]) * np.diff(np.concatenate([[0.0], times[inside], [tau]]))
    beyond = np.cumsum(areas[:0:-1])[::-1]  # the area that is left after each time
    return areas.sum(), np.sqrt(np.sum(beyond**2 * greenwood(n[inside], d[inside])))


def means(data):
    """Restricted means, and the difference and the ratio of every two groups."""
    found_here = {group: restricted_mean(data[data["group"] == group], VIEW["tau"]) for group in VIEW["groups"]}
    for group, (mean, se) in found_here.items():
        width = z_of(VIEW["level"]) * se if se > 0 else np.nan
        note(mean, "Restricted mean", group, "estimate")
        note(mean - width, "Restricted mean", group, "lower limit")
        note(mean + width, "Restricted mean", group, "upper limit")
    for a, b in combinations(VIEW["large_groups"], 2):
        (m_a, se_a), (m_b, se_b) = found_here[a], found_here[b]
        certain = se_a > 0 and se_b > 0
        name = ("Restricted mean", f"{b} less {a}")
        note(note_difference(m_b - m_a, np.hypot(se_a, se_b), certain, *name), *name, "p")
        name = ("Restricted mean", f"{b} over {a}")
        log_ratio, log_se = np.log(m_b / m_a), np.hypot(se_a / m_a, se_b / m_b)
        width = z_of(VIEW["level"]) * log_se if certain else np.nan
        note(np.exp(log_ratio), *name, "estimate")
        note(np.exp(log_ratio - width), *name, "lower limit")
        note(np.exp(log_ratio + width), *name, "upper limit")
        note(2 * norm.sf(abs(log_ratio) / log_se) if certain else np.nan, *name, "p")


def survival_differences(data):
    """At each time, survival in one group less that in the other; both standard errors by Greenwood's formula."""
    curve = {}
    for group in VIEW["large_groups"]:
        part = data[data["group"] == group]
        event = (part["cause"] == 1).to_numpy()
        curve[group] = kaplan_meier(part["entry"].to_numpy(), part["time"].to_numpy(), event, "plain", VIEW["level"])
    for a, b in combinations(VIEW["large_groups"], 2):
        for t in VIEW["times"]:
            (s_a, se_a), (s_b, se_b) = (
                (read_off(times, s, t, 1.0), read_off(times, s * log_se, t, 0.0))
                for times, s, log_se, _, _ in (curve[a], curve[b])
            )
            certain = se_a > 0 and se_b > 0
            note_difference(s_b - s_a, np.hypot(se_a, se_b), certain, "Difference", f"{b} less {a}", f"{t:g} months")


def time_lost(data):
    """The area under each incidence up to tau: the mean time lost to each cause."""
    tau = VIEW["tau"]
    for group in VIEW["groups"]:
        part = data[data["group"] == group]
        entry, time, cause = (part[name].to_numpy() for name in ("entry", "time", "cause"))
        times, n, any_event = counts(entry, time, cause > 0)
        free = np.cumprod((n - any_event) / n)
        inside = times < tau
        weight = ((tau - times) * np.concatenate([[1.0], free[:-1]]))[inside]
        for k in VIEW["causes"]:
            d, nn = counts(entry, time, cause == k)[2][inside], n[inside].astype(float)
            gained = weight * d / nn
            later = gained.sum() - np.cumsum(gained)
            variance = weight**2 * d * (nn - d) / nn**3 - 2 * weight * later * d / nn**2
            variance = np.sum(variance + later**2 * greenwood(nn, any_event[inside]))
            known = tau <= times[-1] * (1 + 1e-9) or free[-1] == 0
            mean, se = (gained.sum(), np.sqrt(max(variance, 0.0))) if known else (np.nan, np.nan)
            name = ("Time lost", group, f"cause {k}")
            note(mean, *name, "estimate")
            note(mean - z_of(VIEW["level"]) * se, *name, "lower limit")
            note(mean + z_of(VIEW["level"]) * se, *name, "upper limit")


def risk_differences(data):
    """The risk by a time in each level, and that less the risk in the reference; a number is cut at its median."""
    title, months = f"Risk by {VIEW['risk_by']:g} months", VIEW["risk_by"]
    for covariate in VIEW["risks"]:
        values = data[covariate["column"]]
        if covariate["kind"] == "number":
            halves = np.where(values > values.median(), "upper half", "lower half")
            values = pd.Series(halves, index=values.index).where(values.notna())
        found_here = {}
        for level in covariate["risk_levels"]:
            part = data[values == level]
            entry, time, cause = (part[name].to_numpy() for name in ("entry", "time", "cause"))
            times, estimate, se = aalen_johansen(entry, time, cause, 1)
            few = len(part) < VIEW["few"]  # too few to say
            found_here[level] = (
                (np.nan, np.nan) if few else (read_off(times, estimate, months, 0.0), read_off(times, se, months, 0.0))
            )
            note(found_here[level][0], title, covariate["label"], level, "risk")
        reference = covariate["risk_levels"][0]
        for level in covariate["risk_levels"][1:]:
            (r0, se0), (r1, se1) = found_here[reference], found_here[level]
            width = z_of(0.95) * np.hypot(se0, se1)
            width = width if width > 0 else np.nan
            for value, what in (
                (r1 - r0, "difference"),
                (r1 - r0 - width, "lower limit"),
                (r1 - r0 + width, "upper limit"),
            ):
                note(value, title, covariate["label"], level, what)
