"""One question asked in several ways: do those exposed during follow-up do better, and how much of that is immortal time?

All functions take an outcome in months and the months at which each of its rows was exposed (NaN for never). None of
the hazard ratios says what the exposure causes: who is given a treatment, and who lives to be given it, is not left to chance.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import gammaincinv, ndtri

from core.conventions import CONF_LEVEL, TIES
from core.errors import NotEstimable
from core.survival import CoxResult, Outcome, cox, landmark, person_time, split_at_exposure
from core.survival.exposure import EXPOSED, NOT_EXPOSED
from core.survival.one_exposure import OneExposure
from core.survival.start_stop import split_at_exposures

NAIVE, LANDMARK, TIME_DEPENDENT = "naive", "landmark", "time-dependent"
PER_COURSE = "per additional course"
NEVER, BEFORE, SINCE = "Never exposed", "Before the exposure", "Since the exposure"

ESTIMATE_COLUMNS = (
    "n n_exposed n_event n_event_exposed person_months_exposed person_months_unexposed n_left_out events_left_out "
    "estimate conf_low conf_high p_value note"
).split()


def three_estimates(
    outcome: Outcome, exposure_time, *, landmark_months: float | None, ties=TIES, conf_level=CONF_LEVEL, events="events"
) -> pd.DataFrame:
    """The hazard ratio of exposed v not exposed by three analyses, one row each.

    analysis  "naive": ever exposed as a label fixed at diagnosis, which credits the exposed with the time that they had to
              live through to get there; "landmark": those still followed at ``landmark_months``, by whether exposed by then,
              the clock restarted there; "time-dependent": unexposed until the exposure, exposed since then
    n, n_exposed              patients, and those of them that the analysis counts as exposed
    n_event, n_event_exposed  events, and those while counted as exposed
    person_months_exposed, person_months_unexposed   the time in which they happened
    n_left_out, events_left_out   patients and events that the landmark leaves out; 0 elsewhere
    estimate, conf_low, conf_high, p_value   Cox hazard ratio with Wald interval and test; NaN with a sentence in ``note``
              where it cannot be estimated

    ``events`` names the events in the notes ("deaths"). Without ``landmark_months`` the second row is left out. Raises
    ValueError as ``split_at_exposure`` and ``landmark``.
    """
    exposure = np.asarray(exposure_time, dtype=float)
    if exposure.shape != outcome.time.shape:
        raise ValueError("exposure_time must hold one value for each row of the outcome")
    if np.isinf(exposure).any():
        raise ValueError("exposure_time must be finite, or NaN for the never exposed")
    words = {"ties": ties, "conf_level": conf_level, "events": events}
    found = {NAIVE: _fixed(outcome, ~np.isnan(exposure), **words)}
    if landmark_months is not None:
        try:
            later, kept = landmark(outcome, landmark_months)
        except NotEstimable as reason:
            nobody = np.zeros(0, dtype=bool)
            at_landmark = _fixed(outcome.take(np.zeros(len(outcome), dtype=bool)), nobody, **words) | {
                "note": str(reason)
            }
            kept = np.zeros(len(outcome), dtype=bool)
        else:
            at_landmark = _fixed(later, exposure[kept] <= landmark_months, **words)
        found[LANDMARK] = at_landmark | {
            "n_left_out": int(np.count_nonzero(~kept)),
            "events_left_out": int(np.count_nonzero(outcome.event[~kept])),
        }
    found[TIME_DEPENDENT] = _estimate(OneExposure(outcome, exposure), **words)
    frame = pd.DataFrame(list(found.values()), columns=ESTIMATE_COLUMNS)
    frame.insert(0, "analysis", list(found))
    return frame


def since_exposure(
    outcome: Outcome, exposure_time, *, ties=TIES, conf_level=CONF_LEVEL, events="events"
) -> dict[str, object]:
    """The time-dependent row of ``three_estimates`` alone."""
    seen = OneExposure(outcome, np.asarray(exposure_time, dtype=float))
    return _estimate(seen, ties=ties, conf_level=conf_level, events=events)


def every_threshold(
    outcome: Outcome, course_times, *, ties=TIES, conf_level=CONF_LEVEL, events="events"
) -> pd.DataFrame:
    """The time-dependent hazard ratio of at least k courses for every k, and of each additional course, one row each.

    course_times (n, k): the months at which each row had its 1st, 2nd, .. k-th course, NaN where not given.
    Columns: threshold (k, or NaN in the last row), label ("at least 3", "per additional course"), then those of
    ``three_estimates``. The last row counts the courses so far as a number that rises with each; its n_exposed are those with
    any course. Looking for the k with the lowest ratio is a search: its p value is not that of a question asked beforehand.
    """
    times = np.asarray(course_times, dtype=float)
    words = {"ties": ties, "conf_level": conf_level, "events": events}
    frame = []
    for k in range(times.shape[1]):
        frame.append({"threshold": k + 1.0, "label": f"at least {k + 1}"})
        frame[-1] |= _estimate(OneExposure(outcome, times[:, k]), **words)
    if times.shape[1]:
        rows, given, patient = split_at_exposures(outcome, pd.DataFrame(times))
        number = given.to_numpy().sum(axis=1)
        frame.append({"threshold": np.nan, "label": PER_COURSE})
        frame[-1] |= _per_unit(rows, number.astype(float), patient, **words)
    return pd.DataFrame(frame, columns=["threshold", "label", *ESTIMATE_COLUMNS])


def adjusted(
    outcome: Outcome,
    exposure_times: pd.DataFrame,
    baseline: pd.DataFrame | None = None,
    *,
    ties=TIES,
    stratify=None,
    conf_level=CONF_LEVEL,
) -> CoxResult:
    """A Cox model with several exposures, each from its own date on, and covariates known at diagnosis.

    exposure_times  one column for each exposure, months, NaN for never; its name is the name of the covariate, with the
                    levels "Not exposed" and "Exposed"
    baseline        one column for each covariate, as ``cox`` takes them; patients with a missing value are left out
    stratify        one value for each patient

    In the result n and n_excluded count patients, and n of a level the patients that were ever in it: whoever becomes exposed
    is counted in both. Raises NotEstimable as ``cox``; ValueError on unequal lengths or a name given twice.
    """
    baseline = pd.DataFrame(index=range(len(outcome))) if baseline is None else baseline
    if len(baseline) != len(outcome):
        raise ValueError("baseline must hold one row for each row of the outcome")
    if set(baseline.columns) & set(exposure_times.columns):
        raise ValueError("exposures and baseline covariates must have different names")
    complete = baseline.notna().all(axis=1).to_numpy()
    layers = None if stratify is None else pd.Series(stratify).reset_index(drop=True)
    if layers is not None:
        complete &= layers.notna().to_numpy()
        layers = layers[complete]
    rows, exposed, patient = split_at_exposures(outcome.take(complete), exposure_times[complete])
    covariates = pd.DataFrame({name: _states(exposed[name]) for name in exposed.columns}, index=range(len(rows)))
    for name, values in baseline[complete].items():
        covariates[name] = values.array.take(patient)
    if layers is not None:
        layers = pd.Series(layers.array.take(patient))
    result = cox(rows, covariates, ties=ties, stratify=layers, conf_level=conf_level)
    n = [
        int(complete.sum()) if level == "" else len(np.unique(patient[(covariates[name] == level).to_numpy()]))
        for name, level in zip(result.terms["covariate"], result.terms["level"], strict=True)
    ]
    terms = result.terms.assign(n=n)
    return replace(result, terms=terms, n=int(complete.sum()), n_excluded=int((~complete).sum()))


def person_time_table(outcome: Outcome, exposure_time, *, conf_level=CONF_LEVEL) -> pd.DataFrame:
    """How much time was spent in which state, and how many events happened in it, one row for each state.

    state       "Never exposed"; "Before the exposure": the time that the exposed had to live through, in which by definition
                nobody has the event; "Since the exposure"
    n           patients who spent time in it (in the last two rows the same ones, but for those exposed from the start)
    n_event, person_months
    rate, conf_low, conf_high   events per 100 person-months with exact Poisson limits; NaN where no time was spent. The
                rate before the exposure is 0 by definition and has no limits

    A naive analysis adds the second row to the third. An exposure at or after the end of follow-up counts as never.
    """
    rows, exposed, patient = split_at_exposure(outcome, exposure_time)
    ever = np.zeros(len(outcome), dtype=bool)
    ever[patient[exposed]] = True
    months = person_time(rows)
    states = (~ever[patient], ever[patient] & ~exposed, exposed)
    n = [len(np.unique(patient[state])) for state in states]
    n_event = np.array([np.count_nonzero(rows.event[state]) for state in states])
    spent = np.array([months[state].sum() for state in states])
    tail = (1 - conf_level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(n_event > 0, gammaincinv(np.maximum(n_event, 1), tail), 0.0)
        high = gammaincinv(n_event + 1, 1 - tail)
        rate, conf_low, conf_high = (np.where(spent > 0, 100 * x / spent, np.nan) for x in (n_event, low, high))
    conf_low[1] = conf_high[1] = np.nan
    return pd.DataFrame(
        {
            "state": [NEVER, BEFORE, SINCE],
            "n": n,
            "n_event": n_event,
            "person_months": spent,
            "rate": rate,
            "conf_low": conf_low,
            "conf_high": conf_high,
        }
    )


def _fixed(outcome, exposed, **words) -> dict:
    """Exposed or not as a label from the beginning of the follow-up given."""
    start = -1.0 if outcome.entry is None else outcome.entry
    return _estimate(OneExposure(outcome, np.where(exposed, start, np.nan)), **words)


def _estimate(seen: OneExposure, *, ties, conf_level, events) -> dict:
    """One analysis: counts of patients, events and person-months, and the hazard ratio of the exposure."""
    outcome, event = seen.outcome, seen.outcome.event
    event_exposed = event & seen.exposed
    months = seen.months
    found = {
        "n": len(outcome),
        "n_exposed": int(np.count_nonzero(seen.exposed)),
        "n_event": int(np.count_nonzero(event)),
        "n_event_exposed": int(np.count_nonzero(event_exposed)),
        "person_months_exposed": months[0],
        "person_months_unexposed": months[1],
        "n_left_out": 0,
        "events_left_out": 0,
    } | dict.fromkeys(("estimate", "conf_low", "conf_high", "p_value"), np.nan)
    found["note"] = _nothing_to_compare(
        found["n_event"], found["n_event_exposed"], found["n_exposed"], bool(seen.throughout.all()), events
    )
    if found["note"]:
        return found
    coef, std_error, p_value = seen.cox(ties)
    if np.isnan(coef):
        return found | {"note": _no_best_value(events)}
    width = ndtri(0.5 + conf_level / 2) * std_error
    limits = {"conf_low": float(np.exp(coef - width)), "conf_high": float(np.exp(coef + width))}
    return found | {"estimate": float(np.exp(coef)), "p_value": p_value} | limits


def _per_unit(rows, number, patient, *, ties, conf_level, events) -> dict:
    """The hazard ratio of a number that rises during follow-up; who has any of it counts as exposed."""
    exposed, event, months = number > 0, rows.event, person_time(rows)
    n_event, n_event_exposed = int(event.sum()), int(event[exposed].sum())
    found = {
        "n": int(patient[-1]) + 1 if len(patient) else 0,
        "n_exposed": len(np.unique(patient[exposed])),
        "n_event": n_event,
        "n_event_exposed": n_event_exposed,
        "person_months_exposed": float(months[exposed].sum()),
        "person_months_unexposed": float(months[~exposed].sum()),
        "n_left_out": 0,
        "events_left_out": 0,
    } | dict.fromkeys(("estimate", "conf_low", "conf_high", "p_value"), np.nan)
    found["note"] = _nothing_to_compare(n_event, n_event_exposed, found["n_exposed"], bool(exposed.all()), events)
    # a number can rise among the exposed even where all are exposed
    if not exposed.any() or not n_event:
        return found
    try:
        term = cox(rows, pd.Series(number, name="exposure"), ties=ties, conf_level=conf_level).terms.iloc[-1]
    except NotEstimable:
        term = None
    if term is None or np.isnan(term["estimate"]):
        return found | {"note": found["note"] or _no_best_value(events)}
    return found | {name: float(term[name]) for name in ("estimate", "conf_low", "conf_high", "p_value")} | {"note": ""}


def _no_best_value(events) -> str:
    return f"The order of the {events} leaves the hazard ratio without a best value."


def _nothing_to_compare(n_event, n_event_exposed, n_exposed, all_throughout, events) -> str:
    """Why no hazard ratio can be estimated, as a sentence; empty where nothing speaks against it."""
    if not n_event:
        return f"No {events} here, so nothing can be compared."
    if not n_exposed:
        return "Nobody counts as exposed, so there is nothing to compare."
    if all_throughout:
        return "Everybody counts as exposed from the start, so there is nothing to compare."
    if not n_event_exposed:
        return f"No {events} among the exposed: the hazard ratio has no best value."
    if n_event_exposed == n_event:
        return f"No {events} among those not exposed: the hazard ratio has no best value."
    return ""


def _states(exposed) -> pd.Categorical:
    return pd.Categorical.from_codes(np.asarray(exposed, dtype=np.int8), [NOT_EXPOSED, EXPOSED])
