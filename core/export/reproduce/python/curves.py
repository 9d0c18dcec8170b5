"""Kaplan-Meier curves and cumulative incidences, with their limits, medians and numbers at risk."""

import numpy as np
from lifelines import KaplanMeierFitter
from python.view import FROM_THE_BEGINNING, VIEW, note
from scipy.stats import norm


def counts(entry, time, happened):
    """Times, numbers at risk (entered before, not yet gone) and events at each."""
    times = np.unique(time)
    at_risk = np.array([np.sum((entry < t) & (time >= t)) for t in times])
    events = np.array([np.sum((time == t) & happened) for t in times])
    return times, at_risk, events


def z_of(level):
    return norm.ppf(0.5 + level / 2)


def limits(estimate, log_se, kind, level):
    """Limits at each time, from the standard error of the logarithm; none where the estimate is 0 or 1."""
    z = z_of(level)
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


def greenwood(n, d):
    """The terms of the variance of the logarithm of survival; 0 where nobody remains."""
    return np.divide(d, n * (n - d), out=np.zeros(len(n)), where=n > d)


def kaplan_meier(entry, time, happened, kind, level):
    """Times, survival, standard error of its logarithm (Greenwood), lower and upper limit."""
    times, n, d = counts(entry, time, happened)
    survival = np.cumprod((n - d) / n)
    if (entry == FROM_THE_BEGINNING).all():
        survival = KaplanMeierFitter().fit(time, happened).survival_function_at_times(times).to_numpy()
    log_se = np.sqrt(np.cumsum(greenwood(n, d)))
    log_se[survival <= 0] = np.nan
    return times, survival, log_se, *limits(survival, log_se, kind, level)


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
        times, survival, _, low, high = kaplan_meier(entry, time, event, kind, level)
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


def aalen_johansen(entry, time, cause, k):
    """Times, cumulative incidence of cause k, its standard error: each event counts with the share still free of any event."""
    times, n, any_event = counts(entry, time, cause > 0)
    d = counts(entry, time, cause == k)[2]
    free_before = np.concatenate([[1.0], np.cumprod((n - any_event) / n)[:-1]])
    estimate = np.minimum(np.cumsum(free_before * d / n), 1.0)
    h, H = d / n, any_event / n
    variance = np.zeros(len(times))
    for i in range(len(times)):
        later = estimate[i] - estimate[: i + 1]
        a, hh, HH, nn = free_before[: i + 1], h[: i + 1], H[: i + 1], n[: i + 1]
        gone = np.divide(HH, 1 - HH, out=np.zeros(i + 1), where=HH < 1)
        variance[i] = np.sum((a**2 * hh * (1 - hh) - 2 * a * later * hh + later**2 * gone) / nn)
    return times, estimate, np.sqrt(np.maximum(variance, 0))


def incidence(data):
    for group in VIEW["groups"]:
        part = data[data["group"] == group]
        entry, time, cause = (part[name].to_numpy() for name in ("entry", "time", "cause"))
        note(len(part), group, "patients")
        for k in VIEW["causes"]:
            note(np.sum(cause == k), group, f"events of cause {k}")
            times, estimate, se = aalen_johansen(entry, time, cause, k)
            log_se = np.divide(se, estimate, out=np.zeros(len(se)), where=estimate > 0)
            low, high = limits(estimate, log_se, VIEW["interval"], VIEW["level"])
            for t in VIEW["times"]:
                where = f"{t:g} months"
                note(np.sum((entry < t) & (time >= t)), group, where, "at risk")
                note(read_off(times, estimate, t, 0.0), group, where, f"incidence of cause {k}")
                note(read_off(times, low, t, np.nan), group, where, f"lower limit, cause {k}")
                note(read_off(times, high, t, np.nan), group, where, f"upper limit, cause {k}")
