"""One question asked in several ways: do those exposed during follow-up do better, and how much of that is immortal time?

All functions take an outcome in months and the months at which each of its rows was exposed (NaN for never). None of
the hazard ratios says what the exposure causes: who is given a treatment, and who lives to be given it, is not left to chance.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import gammaincinv

from core.conventions import CONF_LEVEL, TIES
from core.errors import NotEstimable
from core.survival import CoxResult, Outcome, cox, landmark, person_time, split_at_exposure
from core.survival.exposure import EXPOSED, NOT_EXPOSED
from core.survival.start_stop import split_at_exposures

NAIVE, LANDMARK, TIME_DEPENDENT = "naive", "landmark", "time-dependent"
PER_COURSE = "per additional course"
NEVER, BEFORE, SINCE = "Never exposed", "Before the exposure", "Since the exposure"

ESTIMATE_COLUMNS = (
    "n n_exposed n_event n_event_exposed person_months_exposed person_months_unexposed n_left_out events_left_out "
    "estimate conf_low conf_high p_value note"
).split()


def three_estimates(
    outcome: Outcome, exposure_time, *, landmark_months: float, ties=TIES, conf_level=CONF_LEVEL, events="events"
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

    ``events`` names the events in the notes ("deaths"). Raises ValueError as ``split_at_exposure`` and ``landmark``.
    """
    exposure = np.asarray(exposure_time, dtype=float)
    words = {"ties": ties, "conf_level": conf_level, "events": events}
    rows, exposed, patient = split_at_exposure(outcome, exposure)
    naive = _row(outcome, ~np.isnan(exposure), **words)
    try:
        later, kept = landmark(outcome, landmark_months)
    except NotEstimable as reason:
        nobody = np.zeros(0, dtype=bool)
        at_landmark = _row(outcome.take(np.zeros(len(outcome), dtype=bool)), nobody, **words) | {"note": str(reason)}
        kept = np.zeros(len(outcome), dtype=bool)
    else:
        at_landmark = _row(later, exposure[kept] <= landmark_months, **words)
    at_landmark |= {
        "n_left_out": int(np.count_nonzero(~kept)),
        "events_left_out": int(np.count_nonzero(outcome.event[~kept])),
    }
    split = _row(rows, exposed, patient=patient, **words)
    frame = pd.DataFrame([naive, at_landmark, split], columns=ESTIMATE_COLUMNS)
    frame.insert(0, "analysis", [NAIVE, LANDMARK, TIME_DEPENDENT])
    return frame


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
        rows, exposed, patient = split_at_exposure(outcome, times[:, k])
        frame.append({"threshold": k + 1.0, "label": f"at least {k + 1}"})
        frame[-1] |= _row(rows, exposed, patient=patient, **words)
    if times.shape[1]:
        rows, given, patient = split_at_exposures(outcome, pd.DataFrame(times))
        number = given.to_numpy().sum(axis=1)
        frame.append({"threshold": np.nan, "label": PER_COURSE})
        frame[-1] |= _row(rows, number > 0, patient=patient, covariate=number.astype(float), **words)
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


def _row(outcome, exposed, *, ties, conf_level, events, patient=None, covariate=None) -> dict:
    """One analysis: counts of patients, events and person-months, and the hazard ratio of ``exposed`` or ``covariate``."""
    patient = np.arange(len(outcome)) if patient is None else patient
    event, months = outcome.event, person_time(outcome)
    found = {
        "n": len(np.unique(patient)),
        "n_exposed": len(np.unique(patient[exposed])),
        "n_event": int(event.sum()),
        "n_event_exposed": int(event[exposed].sum()),
        "person_months_exposed": float(months[exposed].sum()),
        "person_months_unexposed": float(months[~exposed].sum()),
        "n_left_out": 0,
        "events_left_out": 0,
        "estimate": np.nan,
        "conf_low": np.nan,
        "conf_high": np.nan,
        "p_value": np.nan,
        "note": _nothing_to_compare(exposed, event, events),
    }
    # a number can rise among the exposed even where all are exposed
    if found["note"] and (covariate is None or not exposed.any() or not event.any()):
        return found
    values = pd.Series(_states(exposed) if covariate is None else covariate, name="exposure")
    try:
        term = cox(outcome, values, ties=ties, conf_level=conf_level).terms.iloc[-1]
    except NotEstimable:
        term = None
    if term is None or np.isnan(term["estimate"]):
        found["note"] = found["note"] or f"The order of the {events} leaves the hazard ratio without a best value."
        return found
    return found | {name: float(term[name]) for name in ("estimate", "conf_low", "conf_high", "p_value")} | {"note": ""}


def _nothing_to_compare(exposed, event, events) -> str:
    """Why no hazard ratio can be estimated, as a sentence; empty where nothing speaks against it."""
    if not event.any():
        return f"No {events} here, so nothing can be compared."
    if not exposed.any():
        return "Nobody counts as exposed, so there is nothing to compare."
    if exposed.all():
        return "Everybody counts as exposed from the start, so there is nothing to compare."
    if not event[exposed].any():
        return f"No {events} among the exposed: the hazard ratio has no best value."
    if not event[~exposed].any():
        return f"No {events} among those not exposed: the hazard ratio has no best value."
    return ""


def _states(exposed) -> pd.Categorical:
    return pd.Categorical.from_codes(np.asarray(exposed, dtype=np.int8), [NOT_EXPOSED, EXPOSED])
