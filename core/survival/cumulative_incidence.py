"""The cumulative incidence of competing events: Aalen-Johansen."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import ndtri

from core.conventions import CONF_LEVEL, CONF_TYPE, CONF_TYPES
from core.survival.kaplan_meier import as_times, greenwood, limits
from core.survival.outcome import Outcome
from core.survival.risk_sets import RiskSets, count_rows, risk_sets
from core.survival.strata import require_rows, split, strata_of

STANDARD_ERROR = (
    "Delta method with the multinomial variance of the events at each time: Greenwood's formula where there is one cause, "
    "and without delayed entry the infinitesimal jackknife of R's survfit"
)


@dataclass(frozen=True, eq=False)
class _Incidence:
    """One cause in one stratum, at the stratum's distinct times."""

    n_event: np.ndarray
    estimate: np.ndarray
    std_error: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray


@dataclass(frozen=True, eq=False)
class _Stratum:
    sets: RiskSets
    free: np.ndarray  # event-free just before each time
    remaining: np.ndarray  # of those at risk at each time, how many stay free of every event
    by_cause: tuple[_Incidence, ...]


@dataclass(frozen=True, eq=False)
class CumulativeIncidenceResult:
    """The probability of each event by time t in the presence of the others, by stratum and cause.

    curve       stratum cause time n_risk n_event n_censor estimate std_error conf_low conf_high; one row for each distinct
                time of an event of any cause or a censoring. n_event counts that cause, n_censor the censored (cause 0);
                limits are NaN where the estimate is 0 or 1
    event_free  stratum time estimate std_error: no event of any cause yet. At every time it and the estimates of all
                causes add up to 1
    strata, causes   the levels that have rows; the causes that happened, cause 1 always among them
    n_excluded  rows left out because their stratum is missing

    The standard error is STANDARD_ERROR.
    """

    strata: tuple
    causes: tuple[int, ...]
    conf_level: float
    conf_type: str
    n_excluded: int
    _parts: tuple[_Stratum, ...] = field(repr=False)

    @cached_property
    def curve(self) -> pd.DataFrame:
        return self._tidy(
            lambda part, incidence: {
                "time": part.sets.time,
                "n_risk": part.sets.n_risk,
                "n_event": incidence.n_event,
                "n_censor": part.sets.n_lost,
                "estimate": incidence.estimate,
                "std_error": incidence.std_error,
                "conf_low": incidence.conf_low,
                "conf_high": incidence.conf_high,
            }
        )

    @cached_property
    def event_free(self) -> pd.DataFrame:
        return _event_free(self.strata, self._parts)

    def risk_at(self, time: float) -> dict:
        """stratum -> (estimate, std_error) of cause 1 at one time, as ``at`` gives them."""
        found = {}
        for level, part in zip(self.strata, self._parts, strict=True):
            at = part.sets.snapped(as_times(time))[0]
            position = int(np.searchsorted(part.sets.time, at, side="right")) - 1
            risk = part.by_cause[self.causes.index(1)]
            if at > part.sets.time[-1]:
                found[level] = np.nan, np.nan
            else:
                found[level] = (
                    (float(risk.estimate[position]), float(risk.std_error[position])) if position >= 0 else (0.0, 0.0)
                )
        return found

    def at(self, times) -> pd.DataFrame:
        """At chosen times: stratum cause time n_risk estimate std_error conf_low conf_high.

        0 before the first event; NaN beyond the last time of a stratum.
        """
        times = as_times(times)

        def rows(part, incidence):
            at = part.sets.snapped(times)
            position = np.searchsorted(part.sets.time, at, side="right")
            beyond = at > part.sets.time[-1]

            def value(column, start):
                return np.where(beyond, np.nan, np.concatenate([[start], column])[position])

            return {
                "time": times,
                "n_risk": part.sets.at_risk(at),
                "estimate": value(incidence.estimate, 0.0),
                "std_error": value(incidence.std_error, 0.0),
                "conf_low": value(incidence.conf_low, np.nan),
                "conf_high": value(incidence.conf_high, np.nan),
            }

        return self._tidy(rows)

    def at_risk(self, times) -> pd.DataFrame:
        """The numbers under the curves: stratum cause time n_risk n_event n_censor.

        n_risk is the number just before the time, n_event (of the cause) and n_censor (cause 0) are cumulative, up to and
        including it. n_risk and n_censor repeat for every cause.
        """
        times = as_times(times)

        def rows(part, incidence):
            sets, at = part.sets, part.sets.snapped(times)
            return {
                "time": times,
                "n_risk": sets.at_risk(at),
                "n_event": sets.before(incidence.n_event, at),
                "n_censor": sets.before(sets.n_lost, at),
            }

        return self._tidy(rows)

    def restricted_mean_time_lost(self, tau: float | None = None) -> pd.DataFrame:
        """The mean time up to tau lost to each cause, the area under its curve: stratum cause tau estimate std_error
        conf_low conf_high.

        tau defaults to the largest time at which every stratum still has somebody at risk; a stratum whose follow-up ends
        before tau with patients free of events is NaN. Raises ValueError unless tau > 0. Andersen 2013.
        """
        tau = self.default_tau() if tau is None else float(tau)
        if not (np.isfinite(tau) and tau > 0):
            raise ValueError("tau must be a positive time")
        z = ndtri(0.5 + self.conf_level / 2)

        def rows(part, incidence):
            estimate, std_error = _time_lost(part, incidence, tau)
            return {
                "tau": [tau],
                "estimate": [estimate],
                "std_error": [std_error],
                "conf_low": [estimate - z * std_error],
                "conf_high": [estimate + z * std_error],
            }

        return self._tidy(rows)

    def default_tau(self) -> float:
        """The largest time at which every stratum still has somebody at risk."""
        return min(float(part.sets.time[-1]) for part in self._parts)

    def _tidy(self, rows) -> pd.DataFrame:
        return _tidy(self.strata, self.causes, self._parts, rows)


def cumulative_incidence(
    outcome: Outcome, strata=None, *, conf_level: float = CONF_LEVEL, conf_type: str = CONF_TYPE
) -> CumulativeIncidenceResult:
    """The Aalen-Johansen estimate of the cumulative incidence of every cause, by stratum; exact with ties.

    strata     one value a row, aligned by position, or None for a single stratum "All"
    conf_type  "log-log", "log" or "plain": the scale on which the pointwise interval is symmetric

    With delayed entry the risk set at t holds the rows with entry < t <= time. Raises NotEstimable without rows; ValueError for an unknown conf_type or conf_level.
    Aalen and Johansen 1978; for the variance Gaynor et al. 1993.
    """
    if conf_type not in CONF_TYPES:
        raise ValueError(f"conf_type must be one of {', '.join(CONF_TYPES)}")
    if not 0 < conf_level < 1:
        raise ValueError("conf_level must lie between 0 and 1")
    groups = strata_of(outcome, strata)
    require_rows(groups)
    rows = groups.rows_of(outcome)
    causes = tuple(sorted({1, *np.unique(rows.cause).tolist()} - {0}))
    z = ndtri(0.5 + conf_level / 2)
    parts = tuple(_stratum(part, causes, conf_type, z) for part in split(rows, groups.code, len(groups)))
    return CumulativeIncidenceResult(groups.levels, causes, conf_level, conf_type, groups.n_excluded, parts)


def _stratum(rows: Outcome, causes, conf_type, z) -> _Stratum:
    sets = risk_sets(rows)
    n = sets.n_risk
    any_event = sets.n_left - sets.n_lost
    remaining = n - any_event
    free = np.concatenate([[1.0], np.cumprod(remaining / n)[:-1]])
    by_cause = []
    for cause in causes:
        d = sets.n_event if cause == 1 else count_rows(rows.cause == cause, sets.first)
        estimate = np.minimum(np.cumsum(free * d / n), 1.0)
        std_error = _std_error(n, any_event, d, free, estimate)
        inside = (estimate > 0) & (estimate < 1)
        log_se = np.divide(std_error, estimate, out=np.zeros(len(n)), where=inside)
        low, high = limits(estimate, log_se, conf_type, z)
        by_cause.append(_Incidence(d, estimate, std_error, low, high))
    return _Stratum(sets, free, remaining, tuple(by_cause))


def _std_error(n, any_event, d, free, estimate):
    # Each time adds (a^2 h (1 - h) - 2 a D h) / n + D^2 * Greenwood's term, where a is the share free of events, h = d / n and
    # D = F(t) - F(t_j) is what the cause gains after t_j; expanded in F(t) the sums over j are cumulative.
    term = greenwood(n, any_event)
    share = free * d / (n * n.astype(float))
    squares = np.cumsum(term * estimate**2 + 2 * share * estimate + free * share * (n - d) / n)
    cross = np.cumsum(term * estimate + share)
    variance = estimate**2 * np.cumsum(term) - 2 * estimate * cross + squares
    # what is left of an exact 0 by rounding, when everybody has had the event
    variance[variance < 1e-13 * squares] = 0.0
    return np.sqrt(variance)


def _time_lost(part: _Stratum, incidence: _Incidence, tau: float) -> tuple[float, float]:
    sets = part.sets
    if tau > sets.time[-1] and part.remaining[-1] * part.free[-1] > 0:
        return np.nan, np.nan
    inside = sets.time < tau
    n, d = sets.n_risk[inside], incidence.n_event[inside]
    weight = (tau - sets.time[inside]) * part.free[inside]
    gained = weight * d / n
    later = gained.sum() - np.cumsum(gained)
    variance = (
        weight**2 * d * (n - d) / n.astype(float) ** 3
        - 2 * weight * later * d / n.astype(float) ** 2
        + later**2 * greenwood(n, (n - part.remaining[inside]))
    )
    return float(gained.sum()), float(np.sqrt(max(variance.sum(), 0.0)))


def _event_free(levels, parts) -> pd.DataFrame:
    estimate = [part.free * part.remaining / part.sets.n_risk for part in parts]
    spread = [
        np.sqrt(np.cumsum(greenwood(part.sets.n_risk, part.sets.n_risk - part.remaining))) * free
        for part, free in zip(parts, estimate, strict=True)
    ]
    estimate, spread = np.concatenate(estimate), np.concatenate(spread)
    return pd.DataFrame(
        {
            "stratum": np.repeat(_objects(levels), [len(part.sets.time) for part in parts]),
            "time": np.concatenate([part.sets.time for part in parts]),
            "estimate": estimate,
            "std_error": np.where(estimate > 0, spread, np.nan),
        }
    )


def _tidy(levels, causes, parts, rows) -> pd.DataFrame:
    """Rows for every stratum and, within it, every cause."""
    blocks = [rows(part, incidence) for part in parts for incidence in part.by_cause]
    sizes = [len(next(iter(block.values()))) for block in blocks]
    return pd.DataFrame(
        {
            "stratum": np.repeat(np.repeat(_objects(levels), len(causes)), sizes),
            "cause": np.repeat(np.tile(np.array(causes), len(levels)), sizes),
        }
        | {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    )


def _objects(levels) -> np.ndarray:
    array = np.empty(len(levels), dtype=object)
    array[:] = levels
    return array
