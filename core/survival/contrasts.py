"""How far apart the strata are in time lived and in survival, with intervals."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from core.conventions import CONF_LEVEL
from core.errors import NotEstimable
from core.survival.kaplan_meier import kaplan_meier
from core.survival.outcome import Outcome


def restricted_mean_difference(
    outcome: Outcome, strata, tau: float | None = None, *, conf_level: float = CONF_LEVEL
) -> pd.DataFrame:
    """The restricted mean time of each stratum against each before it: stratum_a stratum_b measure tau estimate std_error
    conf_low conf_high p_value.

    Two rows a pair: measure "difference" is b less a, in the unit of time; "ratio" is b over a, with std_error that of its
    logarithm. tau defaults to the largest time at which every stratum still has somebody at risk; a stratum not followed
    that far gives NaN. Raises NotEstimable with fewer than two strata. Royston and Parmar 2013; Uno et al. 2014.
    """
    result = _two_or_more(outcome, strata, conf_level)
    means = result.restricted_mean(tau)
    z = ndtri(0.5 + conf_level / 2)
    at, mean, se = (means[name].to_numpy() for name in ("tau", "estimate", "std_error"))
    rows = []
    for a, b in combinations(range(len(mean)), 2):
        pair = (result.strata[a], result.strata[b])
        difference, spread = mean[b] - mean[a], np.hypot(se[a], se[b])
        certain = min(se[a], se[b]) > 0
        width = z if certain else np.nan
        p_value = _p_value(difference, spread) if certain else np.nan
        rows.append((*pair, "difference", at[a], *_interval(difference, spread, width), p_value))
        if mean[a] > 0 and mean[b] > 0:
            log_ratio, log_se = np.log(mean[b] / mean[a]), np.hypot(se[a] / mean[a], se[b] / mean[b])
        else:
            log_ratio = log_se = np.nan
        _, _, low, high = _interval(log_ratio, log_se, width)
        p_value = _p_value(log_ratio, log_se) if certain else np.nan
        rows.append((*pair, "ratio", at[a], np.exp(log_ratio), log_se, np.exp(low), np.exp(high), p_value))
    return _frame(rows, "measure", "tau")


def survival_difference(outcome: Outcome, strata, times, *, conf_level: float = CONF_LEVEL) -> pd.DataFrame:
    """Survival in each stratum less that in each before it, at chosen times: stratum_a stratum_b time estimate std_error
    conf_low conf_high p_value.

    estimate is S_b(t) - S_a(t), its standard error from Greenwood's of both, the interval symmetric. NaN beyond the last
    time of either stratum; no interval where a curve is 0 or where one had no event yet. Raises NotEstimable with
    fewer than two strata. Klein et al. 2007 (the difference without transformation).
    """
    result = _two_or_more(outcome, strata, conf_level)
    at = result.survival_at(times)
    n = len(at) // len(result.strata)
    estimate, se = (at[name].to_numpy().reshape(-1, n) for name in ("estimate", "std_error"))
    time = at["time"].to_numpy()[:n]
    z = ndtri(0.5 + conf_level / 2)
    rows = []
    for a, b in combinations(range(len(estimate)), 2):
        for i in range(n):
            difference, spread = estimate[b, i] - estimate[a, i], np.hypot(se[a, i], se[b, i])
            certain = min(se[a, i], se[b, i]) > 0  # a curve without an event yet has no variance to speak of
            interval = _interval(difference, spread, z if certain else np.nan)
            p_value = _p_value(difference, spread) if certain else np.nan
            rows.append((result.strata[a], result.strata[b], time[i], *interval, p_value))
    return _frame(rows, "time")


def _two_or_more(outcome, strata, conf_level):
    result = kaplan_meier(outcome, strata, conf_level=conf_level)
    if len(result.strata) < 2:
        raise NotEstimable(
            f"A comparison needs at least two groups with patients; there is only {result.strata[0]}. "
            "Choose a grouping or widen the filters."
        )
    return result


def _interval(estimate, std_error, z):
    """estimate std_error conf_low conf_high; no interval from a standard error of 0."""
    if not std_error > 0:
        return estimate, std_error, np.nan, np.nan
    return estimate, std_error, estimate - z * std_error, estimate + z * std_error


def _p_value(estimate, std_error):
    return float(2 * ndtr(-abs(estimate) / std_error)) if std_error > 0 else np.nan


def _frame(rows, *keys):
    columns = ["stratum_a", "stratum_b", *keys, "estimate", "std_error", "conf_low", "conf_high", "p_value"]
    return pd.DataFrame(rows, columns=columns)
