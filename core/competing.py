"""What happens to patients when one event makes another impossible: cumulative incidence, its tests and ratios, and states.

Everything works from an Analysis. Cause 1 is the event of its endpoint; whatever competes with it is cause 2.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis import Analysis
from core.conventions import DAYS_PER_MONTH
from core.endpoints import CALCIPHYLAXIS, OTHER_CAUSE, OVERALL, competing_end, event_name
from core.errors import NotEstimable
from core.registry import Registry
from core.settings import WHAT_COMPETES
from core.survival import (
    CumulativeIncidenceResult,
    Outcome,
    TestResult,
    cox_each,
    cumulative_incidence,
    fine_gray,
    gray_test,
    kaplan_meier,
    logrank_test,
)

EVENT, COMPETING = 1, 2
CAUSE_SPECIFIC, SUBDISTRIBUTION = "Cause-specific", "Subdistribution (Fine-Gray)"


def outcome_of(analysis: Analysis) -> Outcome:
    """The outcome of the view in which everything that competes is cause 2. Raises NotEstimable when nobody is left."""
    analysis.require_patients()
    outcome = analysis.outcome
    if outcome.cause.max() <= COMPETING:
        return outcome
    return Outcome(outcome.time, np.minimum(outcome.cause, COMPETING), outcome.entry)


def cause_shown(analysis: Analysis) -> int:
    """Whether the reader looks at the event or at what competes with it."""
    return COMPETING if dict(analysis.view.settings).get("incidence_of") == WHAT_COMPETES else EVENT


def cause_in_words(analysis: Analysis, cause: int) -> str:
    """What a cause is: "resolution", "death without resolution"."""
    return analysis.endpoint.event if cause == EVENT else " or ".join(analysis.endpoint.competing)


def incidence(analysis: Analysis, *, by_group: bool = True) -> CumulativeIncidenceResult:
    """The cumulative incidence of the event and of what competes, by the view's groups or of all together.

    Raises NotEstimable when nobody is left, or the grouping variable is not recorded for anybody.
    """
    analysis = analysis.grouped if by_group else analysis
    outcome = outcome_of(analysis)
    strata = analysis.strata if by_group else None
    if strata is not None and strata.isna().all():
        raise NotEstimable(
            f"{analysis.by.label} is not recorded for any of these {len(outcome)} patients. Group by something else."
        )
    return cumulative_incidence(outcome, strata, conf_level=analysis.conf_level, conf_type=analysis.conf_type)


def median_follow_up(analysis: Analysis) -> float:
    """The median follow-up of all together by the reverse Kaplan-Meier method; NaN where it is not reached."""
    outcome = outcome_of(analysis)
    any_event = Outcome(outcome.time, outcome.cause > 0, outcome.entry)
    return float(kaplan_meier(any_event).summary["follow_up"].iloc[0])


def comparison(analysis: Analysis, cause: int = EVENT) -> TestResult:
    """Gray's test of the groups. Raises NotEstimable as the log-rank test of the view does: no groups, small groups, no event."""
    analysis.require_group_sizes()
    analysis = analysis.grouped
    outcome = outcome_of(analysis)
    if not (outcome.cause == cause).any():
        raise NotEstimable(f"No {cause_in_words(analysis, cause)} here, so nothing can be compared.")
    if not analysis.endpoint.competing:  # then the incidence is one minus survival, and its test the log-rank test
        return logrank_test(outcome, analysis.strata, stratify=analysis.within)
    return gray_test(outcome, analysis.strata, cause=cause, stratify=analysis.within)


def naive(analysis: Analysis, cause: int = EVENT, *, by_group: bool = True):
    """Kaplan-Meier with everything that competes taken for censored: one minus it is too high wherever something competes."""
    analysis = analysis.grouped if by_group else analysis
    outcome = outcome_of(analysis)
    return kaplan_meier(
        Outcome(outcome.time, outcome.cause == cause, outcome.entry),
        analysis.strata if by_group else None,
        conf_level=analysis.conf_level,
        conf_type=analysis.conf_type,
    )


def naive_error(analysis: Analysis, cause: int = EVENT, *, by_group: bool = True) -> pd.DataFrame:
    """How far one minus Kaplan-Meier is off, at the end of each group's follow-up where it is largest.

    Columns: stratum time naive estimate competing (the incidence of what competes there).
    """
    result = incidence(analysis, by_group=by_group)
    rows = []
    survival = naive(analysis, cause, by_group=by_group).curve
    for stratum, part in result.curve.groupby("stratum", sort=False, observed=True):
        last = part[part["cause"] == cause].iloc[-1] if (part["cause"] == cause).any() else None
        estimate = 0.0 if last is None else float(last["estimate"])
        end = part["time"].max()
        competing = part[(part["cause"] != cause) & (part["time"] == end)]["estimate"].sum()
        survived = survival.loc[survival["stratum"] == stratum, "estimate"].iloc[-1]
        rows.append((stratum, float(end), 1 - float(survived), estimate, float(competing)))
    return pd.DataFrame(rows, columns=["stratum", "time", "naive", "estimate", "competing"])


def at_times(analysis: Analysis, times) -> pd.DataFrame:
    """At chosen months: stratum time n_risk, and for cause 1 (event_), 2 (competing_) estimate, conf_low and conf_high, and
    free, the share without any event. NaN where nobody is followed that long. The three estimates add up to 1.
    """
    result = incidence(analysis)
    parts = {cause: part.reset_index(drop=True) for cause, part in result.at(times).groupby("cause")}
    event = parts[EVENT]
    frame = event[["stratum", "time", "n_risk"]].copy()
    for cause, name in ((EVENT, "event"), (COMPETING, "competing")):
        part = parts.get(cause)
        for column in ("estimate", "conf_low", "conf_high"):
            if part is not None:
                frame[f"{name}_{column}"] = part[column]
            else:
                frame[f"{name}_{column}"] = np.where(event["estimate"].isna() | (column != "estimate"), np.nan, 0.0)
    frame["free"] = 1 - frame["event_estimate"] - frame["competing_estimate"]
    frame["free"] = frame["free"].clip(lower=0)
    return frame


def ratios(analysis: Analysis, variables, cause: int = EVENT) -> pd.DataFrame:
    """Two hazard ratios of each covariate alone, of each level against the reference: one row for each of the two models.

    covariate level n n_event model estimate conf_low conf_high std_error p_value note. The cause-specific hazard is the rate
    of the event among those still free of every event; the subdistribution hazard is that whose ratio moves the cumulative
    incidence. Raises NotEstimable when nobody is left or nobody had the event.
    """
    outcome = outcome_of(analysis)
    if not (outcome.cause == cause).any():
        raise NotEstimable(
            f"No {cause_in_words(analysis, cause)} among these {len(outcome)} patients, so no ratio can be estimated."
        )
    relabelled = Outcome(
        outcome.time,
        np.where(outcome.cause == cause, 1, np.where(outcome.cause == 0, 0, 2)),
        outcome.entry,
    )
    covariates = analysis.covariates(variables)
    specific = cox_each(relabelled, covariates, conf_level=analysis.conf_level).terms
    rows = []
    for variable in variables:
        first = specific[(specific["covariate"] == variable.name) & ~specific["is_reference"]]
        try:
            second = fine_gray(relabelled, covariates[[variable.name]], conf_level=analysis.conf_level).terms
            second, why = second.set_index("level"), ""
        except NotEstimable as reason:
            second, why = None, str(reason)
        for term in first.itertuples(index=False):
            rows.append(_ratio(term, CAUSE_SPECIFIC))
            if second is not None and term.level in second.index:
                other = second.loc[term.level].to_dict() | {"level": term.level}
                rows.append(_ratio(pd.Series(other), SUBDISTRIBUTION))
            else:
                rows.append(_ratio(term, SUBDISTRIBUTION, note=term.note or why or "not estimable"))
    return pd.DataFrame(rows)


def _ratio(term, model, note=None) -> dict:
    names = ("estimate", "conf_low", "conf_high", "std_error", "p_value")
    numbers = {name: np.nan if note is not None else float(getattr(term, name)) for name in names}
    counts = {"covariate": term.covariate, "level": term.level, "n": int(term.n), "n_event": int(term.n_event)}
    return counts | {"model": model} | numbers | {"note": term.note if note is None else note}


def time_lost(analysis: Analysis) -> tuple[pd.DataFrame, float]:
    """The mean months lost to each cause up to tau, by group: stratum cause estimate conf_low conf_high; and tau.

    Raises NotEstimable where no group is followed for any time.
    """
    result = incidence(analysis)
    tau = dict(analysis.view.settings).get("tau") or result.default_tau()
    if not tau > 0:
        raise NotEstimable("No span of time in which every group is followed. Widen the filters.")
    return result.restricted_mean_time_lost(tau), float(tau)


@dataclass(frozen=True)
class State:
    """Where a patient can end up: ``part`` is "resolved", "death" or "end"."""

    name: str
    part: str


@dataclass(frozen=True, eq=False)
class States:
    """What became of each patient first, whatever endpoint is chosen.

    ``states`` are causes 1, 2, .. of ``outcome``; ``free`` names having come to none of them (cause 0 when last seen).
    ``rows`` are the positions of the patients in the registry; ``n_died_after`` of the resolved died later on.
    """

    states: tuple[State, ...]
    free: str
    outcome: Outcome
    rows: np.ndarray
    n_died_after: int

    @property
    def counts(self) -> tuple[tuple[str, int], ...]:
        """(state, patients that came to it), the last one those that came to none. Adds up to all patients."""
        cause = self.outcome.cause
        found = [(state.name, int(np.count_nonzero(cause == i))) for i, state in enumerate(self.states, 1)]
        return (*found, (self.free, int(np.count_nonzero(cause == 0))))


def states_of(analysis: Analysis) -> States:
    """The states of the view's cohort. Raises NotEstimable when nobody is left."""
    if not len(analysis.cohort):
        analysis.require_patients()
    registry = analysis.registry
    everyone = analysis.by is not None and analysis.by.against_the_rest
    mask = np.ones(len(registry), dtype=bool) if everyone else analysis.cohort.mask
    states, free, months, cause, died_after = _all_states(registry, analysis.unknown_cause)
    rows = np.flatnonzero(mask)
    return States(states, free, Outcome(months[rows], cause[rows]), rows, int(np.count_nonzero(died_after[rows])))


def state_incidence(analysis: Analysis, found: States, *, by_group: bool) -> CumulativeIncidenceResult:
    """The share of patients in each state over time, of all together or by the view's groups."""
    strata = None
    if by_group:
        strata = analysis.by.values.iloc[found.rows].reset_index(drop=True)
    return cumulative_incidence(found.outcome, strata)


def _all_states(registry: Registry, unknown_cause: str):
    """States, the name of being in none, and over all patients: months, cause, died after resolution."""
    return registry.remember(("states", unknown_cause), lambda: _make_states(registry, unknown_cause))


def _make_states(registry, unknown_cause):
    table = registry.follow_up
    state, cause_of_death = table["state"].to_numpy(), table["cause"].to_numpy()
    died, ended = state == "death", state == "competing"
    time = table["days"].to_numpy(dtype=float)
    resolved = np.zeros(len(table), dtype=bool)
    found: list[tuple[State, np.ndarray]] = []
    if registry.dictionary.meaning("resolution_date") is not None:
        resolved_at = table["resolution_days"].to_numpy(dtype=float)
        resolved = ~np.isnan(resolved_at)
        time = np.where(resolved, resolved_at, time)
        found.append((State("Resolved", "resolved"), resolved))
    event = event_name(registry)
    if event == OVERALL.event and registry.dictionary.meaning("cause_of_death") is not None:
        unknown = cause_of_death == "unknown"
        specific = cause_of_death == "specific"
        words = [CALCIPHYLAXIS, OTHER_CAUSE]
        if (unknown & died & ~resolved).any():
            if unknown_cause == CALCIPHYLAXIS:
                words[0] = f"{CALCIPHYLAXIS} or unknown cause"
            else:
                words[1] = "another or unknown cause"
        if unknown_cause == CALCIPHYLAXIS:
            specific = specific | unknown
        found.append((State(f"Died of {words[0]}", "death"), died & specific & ~resolved))
        found.append((State(f"Died of {words[1]}", "death"), died & ~specific & ~resolved))
    else:
        found.append((State("Died" if event == OVERALL.event else f"With {event}", "death"), died & ~resolved))
    end = competing_end(registry)
    if end:
        found.append((State(end[:1].upper() + end[1:], "end"), ended & ~resolved))
    cause = np.zeros(len(table), dtype=np.int64)
    for position, (_, mask) in enumerate(found, 1):
        cause[mask] = position
    free = "Alive" if event == OVERALL.event else f"Free of {event}"
    if found[0][0].part == "resolved":
        free += ", unresolved"
    elif end:
        free += f" without {end}" if event == OVERALL.event else f" and {end}"
    return tuple(one for one, _ in found), free, time / DAYS_PER_MONTH, cause, died & resolved
