"""The Kaplan-Meier curve, its interval, quantiles, risk table and restricted mean."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import ndtri

from core.conventions import CONF_LEVEL, CONF_TYPE, CONF_TYPES, QUANTILE_TOLERANCE
from core.survival.outcome import Outcome
from core.survival.risk_sets import RiskSets, risk_sets
from core.survival.strata import require_rows, split, strata_of


@dataclass(frozen=True, eq=False)
class _Curve:
    """One stratum's curve at its distinct times."""

    sets: RiskSets
    estimate: np.ndarray
    std_error: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray


@dataclass(frozen=True, eq=False)
class KaplanMeierResult:
    """Survival by stratum, as R's ``survfit`` counts it.

    curve       stratum time n_risk n_event n_censor estimate std_error conf_low conf_high; one row for each distinct time
                of an event or a censoring. n_risk is the number just before the time; std_error is that of the estimate
                (Greenwood); limits are NaN before the first event and where the estimate is 0 (as is std_error there)
    summary     stratum n n_event median conf_low conf_high follow_up: one row a stratum; n counts rows; a median not
                reached is NaN; follow_up is the median of the reverse Kaplan-Meier curve, in which being censored (cause
                0) is the event
    strata      the levels that have rows, in order
    n_excluded  rows left out because their stratum is missing
    """

    curve: pd.DataFrame
    strata: tuple
    conf_level: float
    conf_type: str
    n_excluded: int
    _curves: tuple[_Curve, ...] = field(repr=False)
    has_follow_up: bool = True  # False where leaving a stratum is no end of follow-up; its median is then NaN

    @cached_property
    def summary(self) -> pd.DataFrame:
        frame = _summary(_as_objects(self.strata), self._curves)
        return frame if self.has_follow_up else frame.assign(follow_up=np.nan)

    def at_risk(self, times) -> pd.DataFrame:
        """The numbers under the curve: stratum time n_risk n_event n_censor.

        n_risk is the number just before the time (entry < t <= time; at time 0, whoever starts there). n_event and n_censor
        are cumulative, up to and including the time; whoever leaves at the time itself is therefore in two of the
        columns (layout of KMunicate: Morris et al. 2019, doi:10.1136/bmjopen-2019-030215).
        """
        times = as_times(times)

        def rows(curve):
            sets, at = curve.sets, curve.sets.snapped(times)
            return {
                "time": times,
                "n_risk": sets.at_risk(at),
                "n_event": sets.before(sets.n_event, at),
                "n_censor": sets.before(sets.n_censor, at),
            }

        return self._per_stratum(times, rows)

    def survival_at(self, times) -> pd.DataFrame:
        """S(t) at chosen times: stratum time n_risk estimate std_error conf_low conf_high.

        The estimate is 1 before the first event; beyond the last time of a stratum it is NaN, since nobody is followed
        there.
        """
        times = as_times(times)

        def rows(curve):
            at = curve.sets.snapped(times)
            position = np.searchsorted(curve.sets.time, at, side="right")
            beyond = at > curve.sets.time[-1]

            def value(column, start):
                return np.where(beyond, np.nan, np.concatenate([[start], column])[position])

            return {
                "time": times,
                "n_risk": curve.sets.at_risk(at),
                "estimate": value(curve.estimate, 1.0),
                "std_error": value(curve.std_error, 0.0),
                "conf_low": value(curve.conf_low, np.nan),
                "conf_high": value(curve.conf_high, np.nan),
            }

        return self._per_stratum(times, rows)

    def quantile(self, p) -> pd.DataFrame:
        """The time by which a share p has had the event: stratum p time conf_low conf_high; NaN where not reached.

        R's rule: the first time at which S(t) < 1 - p; where S(t) = 1 - p on an interval, its middle. The limits are
        the same quantile of the curve's limits (Brookmeyer and Crowley 1982). Raises ValueError unless 0 <= p <= 1.
        """
        p = np.atleast_1d(np.asarray(p, dtype=float))
        if not ((p >= 0) & (p <= 1)).all():
            raise ValueError("p must lie between 0 and 1")

        def rows(curve):
            low, high = curve.conf_low, curve.conf_high
            before = curve.estimate == 1
            return {
                "p": p,
                "time": _quantile(curve.sets.time, curve.estimate, p),
                "conf_low": _quantile(curve.sets.time, np.where(before, 1.0, low), p),
                "conf_high": _quantile(curve.sets.time, np.where(before, 1.0, high), p),
            }

        return self._per_stratum(p, rows)

    def restricted_mean(self, tau: float | None = None) -> pd.DataFrame:
        """The mean time lived up to tau, the area under the curve: stratum tau estimate std_error conf_low conf_high.

        tau defaults to the largest time at which every stratum still has somebody at risk. A stratum whose follow-up
        ends before tau with survivors is NaN: its curve is not known up to tau. The standard error is Greenwood's for
        the area; the interval is symmetric. Raises ValueError unless tau > 0.
        """
        tau = self.default_tau() if tau is None else float(tau)
        if not (np.isfinite(tau) and tau > 0):
            raise ValueError("tau must be a positive time")
        z = ndtri(0.5 + self.conf_level / 2)
        rows = np.array([_restricted_mean(curve, tau) for curve in self._curves])
        estimate, std_error = rows[:, 0], rows[:, 1]
        z = np.where(std_error > 0, z, np.nan)  # without an event before tau there is no variance, and no interval
        return pd.DataFrame(
            {
                "stratum": np.array(self.strata, dtype=object),
                "tau": tau,
                "estimate": estimate,
                "std_error": std_error,
                "conf_low": estimate - z * std_error,
                "conf_high": estimate + z * std_error,
            }
        )

    def default_tau(self) -> float:
        """The largest time at which every stratum still has somebody at risk."""
        return min(float(curve.sets.time[-1]) for curve in self._curves)

    def _per_stratum(self, at, rows) -> pd.DataFrame:
        columns = [rows(curve) for curve in self._curves]
        stratum = np.repeat(np.array(self.strata, dtype=object), len(at))
        return pd.DataFrame(
            {"stratum": stratum} | {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
        )


def kaplan_meier(
    outcome: Outcome, strata=None, *, conf_level: float = CONF_LEVEL, conf_type: str = CONF_TYPE
) -> KaplanMeierResult:
    """The Kaplan-Meier estimate of survival free of cause 1, by stratum; every other cause counts as censored.

    strata      one value a row, aligned by position, or None for a single stratum "All". Categories keep their order
    conf_type   "log-log", "log" or "plain": the scale on which the pointwise interval is symmetric

    With delayed entry the risk set at t holds the rows with entry < t <= time; once everybody in it has had the event the
    estimate is 0 and stays there. Raises NotEstimable without rows; ValueError for an unknown conf_type or conf_level.
    Kaplan and Meier 1958; Greenwood 1926; Kalbfleisch and Prentice 2002 for the log-log scale.
    """
    if conf_type not in CONF_TYPES:
        raise ValueError(f"conf_type must be one of {', '.join(CONF_TYPES)}")
    if not 0 < conf_level < 1:
        raise ValueError("conf_level must lie between 0 and 1")
    groups = strata_of(outcome, strata)
    require_rows(groups)
    z = ndtri(0.5 + conf_level / 2)
    curves = tuple(
        _curve(risk_sets(rows), conf_type, z) for rows in split(groups.rows_of(outcome), groups.code, len(groups))
    )
    sets = [curve.sets for curve in curves]

    joined = np.concatenate  # copies, also of a single part: the frame is the caller's to change

    frame = pd.DataFrame(
        {
            "stratum": np.repeat(_as_objects(groups.levels), [len(part.time) for part in sets]),
            "time": joined([part.time for part in sets]),
            "n_risk": joined([part.n_risk for part in sets]),
            "n_event": joined([part.n_event for part in sets]),
            "n_censor": joined([part.n_censor for part in sets]),
            "estimate": joined([curve.estimate for curve in curves]),
            "std_error": joined([curve.std_error for curve in curves]),
            "conf_low": joined([curve.conf_low for curve in curves]),
            "conf_high": joined([curve.conf_high for curve in curves]),
        },
        copy=False,
    )
    return KaplanMeierResult(frame, groups.levels, conf_level, conf_type, groups.n_excluded, curves)


def _as_objects(levels: tuple) -> np.ndarray:
    values = np.empty(len(levels), dtype=object)
    values[:] = levels
    return values


def follow_up(
    outcome: Outcome, strata=None, *, conf_level: float = CONF_LEVEL, conf_type: str = CONF_TYPE
) -> pd.DataFrame:
    """How long the patients were followed, by the reverse Kaplan-Meier method: stratum n median conf_low conf_high
    lower_quartile upper_quartile.

    Being censored (cause 0) is the event; the event and every competing one end the observation of a patient who could
    have been followed longer. NaN where not reached. Raises as ``kaplan_meier``. Schemper and Smith 1996.
    """
    reverse = kaplan_meier(reversed_outcome(outcome), strata, conf_level=conf_level, conf_type=conf_type)
    quartiles = reverse.quantile([0.25, 0.75])["time"].to_numpy().reshape(-1, 2)
    frame = reverse.summary[["stratum", "n", "median", "conf_low", "conf_high"]]
    return frame.assign(lower_quartile=quartiles[:, 0], upper_quartile=quartiles[:, 1])


def reversed_outcome(outcome: Outcome) -> Outcome:
    """The outcome in which being censored is the event."""
    return Outcome(outcome.time, outcome.cause == 0, outcome.entry)


def _curve(sets: RiskSets, conf_type: str, z: float) -> _Curve:
    n, d = sets.n_risk, sets.n_event
    estimate = np.cumprod((n - d) / n)
    alive = estimate > 0
    # of log S; not defined from the time on at which S is 0
    log_se = np.sqrt(np.cumsum(greenwood(n, d)))
    log_se[~alive] = np.nan
    low, high = limits(estimate, log_se, conf_type, z)
    return _Curve(sets, estimate, estimate * log_se, low, high)


def greenwood(n_risk, n_event):
    """The terms of the variance of log S, 0 where nobody remains."""
    remaining = n_risk - n_event
    terms = np.zeros(len(n_risk))
    np.divide(n_event, n_risk * remaining.astype(float), out=terms, where=remaining > 0)
    return terms


def limits(estimate, log_se, conf_type, z):
    """Pointwise limits of probabilities from the standard error of their logarithm; NaN at 0 and at 1."""
    low, high = np.full(len(estimate), np.nan), np.full(len(estimate), np.nan)
    inside = (estimate > 0) & (estimate < 1)
    s, width = estimate[inside], z * log_se[inside]
    if conf_type == "plain":
        low[inside], high[inside] = np.maximum(s - width * s, 0), np.minimum(s + width * s, 1)
    elif conf_type == "log":
        low[inside], high[inside] = s * np.exp(-width), np.minimum(s * np.exp(width), 1)
    else:
        hazard = -np.log(s)
        factor = np.exp(width / hazard)
        low[inside], high[inside] = np.exp(-hazard * factor), np.exp(-hazard / factor)
    return low, high


def _quantile(time, survival, p):
    """R's rule. Where a limit is not monotone its values are put in order first, as R's approx() does."""
    share = 1 - np.concatenate([[1.0], survival])
    at = np.concatenate([[0.0], time])
    known = ~np.isnan(share)
    share, at = share[known], at[known]
    last, end = share[-1], time[-1]
    share, first = np.unique(share, return_index=True)
    at = at[first]
    not_reached = len(share)
    at = np.append(at, np.nan)
    lower = np.searchsorted(share, p - QUANTILE_TOLERANCE, side="left")
    upper = np.searchsorted(share, p + QUANTILE_TOLERANCE, side="left")
    value = (at[lower] + at[upper]) / 2
    on_the_last = (np.abs(p - last) < QUANTILE_TOLERANCE) & (lower < not_reached)
    value[on_the_last] = (at[lower[on_the_last]] + end) / 2
    value[p == 0] = 0.0
    return value


def _summary(levels, curves) -> pd.DataFrame:
    half = np.array([0.5])
    rows = []
    for curve in curves:
        sets, before = curve.sets, curve.estimate == 1
        reverse = np.cumprod((sets.n_risk - sets.n_lost) / sets.n_risk)
        rows.append(
            (
                _quantile(sets.time, curve.estimate, half)[0],
                _quantile(sets.time, np.where(before, 1.0, curve.conf_low), half)[0],
                _quantile(sets.time, np.where(before, 1.0, curve.conf_high), half)[0],
                _quantile(sets.time, reverse, half)[0],
            )
        )
    median, low, high, follow_up = np.array(rows).T
    return pd.DataFrame(
        {
            "stratum": levels,
            "n": [curve.sets.n for curve in curves],
            "n_event": [int(curve.sets.n_event.sum()) for curve in curves],
            "median": median,
            "conf_low": low,
            "conf_high": high,
            "follow_up": follow_up,
        }
    )


def _restricted_mean(curve: _Curve, tau: float) -> tuple[float, float]:
    sets = curve.sets
    if tau > sets.time[-1] and curve.estimate[-1] > 0:
        return np.nan, np.nan
    inside = sets.time < tau
    knots = np.concatenate([[0.0], sets.time[inside], [tau]])
    areas = np.concatenate([[1.0], curve.estimate[inside]]) * np.diff(knots)
    beyond = np.cumsum(areas[:0:-1])[::-1]
    variance = np.sum(beyond**2 * greenwood(sets.n_risk[inside], sets.n_event[inside]))
    return areas.sum(), np.sqrt(variance)


def as_times(times) -> np.ndarray:
    """One or several times as an array. Raises ValueError unless they are finite."""
    times = np.atleast_1d(np.asarray(times, dtype=float))
    if not np.isfinite(times).all():
        raise ValueError("times must be finite")
    return times
