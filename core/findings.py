"""What was published about one registry, statement by statement, beside the same computed from the cohort on the screen.

The publication is an abstract. It gives counts, and names what was associated with death; it gives no hazard ratio, no
interval, no p value and no survival percentage. So counts can agree, and associations can only point the same way.
"""

import calendar
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis import Analysis, covariate_values
from core.endpoints import EARLY, OVERALL, RESOLUTION, SPECIFIC, Endpoint, endpoint_times, endpoints_of, event_name
from core.errors import NotEstimable
from core.exposures import Exposure, exposure_known, exposure_months, exposures_of
from core.registry import Variable
from core.survival import Outcome, cox_each
from core.treatment import NAIVE, TIME_DEPENDENT, three_estimates

SOURCE = "Jiao and Zhang, Clinical Features and Outcomes of Calciphylaxis in Chinese Patients With CKD, Kidney Week 2022, SA-PO164"
UNPUBLISHED = "No hazard ratio, interval or p value was published."
SAME_COUNT, OTHER_COUNT = "same count", "different count"
SAME_DIRECTION, OPPOSITE = "same direction", "opposite"
NOT_ESTIMABLE, NOT_COMPARABLE = "not estimable", "cannot be compared"
VERDICTS = (SAME_COUNT, OTHER_COUNT, SAME_DIRECTION, OPPOSITE, NOT_ESTIMABLE, NOT_COMPARABLE)
FIXED, FROM_DATE, AT_DIAGNOSIS = "As if known at diagnosis", "From its date on", "Known at diagnosis"
HIGHER, LOWER = 1, -1
COURSES = 3
WORDS = {"lesion_duration": "lesion duration", "vintage": "dialysis vintage", "sts_courses": "courses of STS"}
HAEMODIALYSIS = ("haemodialysis", "hemodialysis", "hd")
FEMALE = ("female", "f", "woman")


@dataclass(frozen=True)
class Opens:
    """The view that a row comes from: the url path of a page, and settings by name."""

    page: str
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Count:
    """A published number beside this cohort's, both as text; ``detail`` says of how many."""

    statement: str
    published: str
    here: str
    detail: str
    verdict: str
    opens: Opens


@dataclass(frozen=True)
class Result:
    """One analysis of an association: hazard ratio with its interval, NaN where it cannot be estimated; why is in ``note``."""

    analysis: str
    estimate: float
    conf_low: float
    conf_high: float
    n: int
    n_event: int
    verdict: str
    note: str = ""


@dataclass(frozen=True)
class Association:
    """A published association beside this cohort's hazard ratios. ``direction`` HIGHER or LOWER hazard, 0 where none was said."""

    name: str
    statement: str
    published: str
    endpoint: str
    ratio_of: str
    direction: int
    results: tuple[Result, ...]
    opens: Opens


def counts(analysis: Analysis) -> tuple[Count, ...]:
    """Every published count, mean and median, in the order of the abstract."""
    registry, mask = analysis.registry, analysis.cohort.mask
    n = len(analysis.cohort)
    cohort = Opens("cohort")
    diagnosis = registry.dictionary.meaning("diagnosis_date")
    rows = [
        _count("Diagnosed", "December 2015 to September 2020", _dates(analysis, diagnosis), "", cohort),
        _count("Patients", "51", str(n), "", cohort),
    ]
    rows.append(_count("Age", "52.02 ± 14.09 years", *_mean(analysis, "age"), cohort))
    rows.append(_count("Women", "37.3%", *_share(analysis, "sex", FEMALE, with_count=False), cohort))
    rows.append(_count("On haemodialysis", "43 (84.3%)", *_share(analysis, "dialysis_status", HAEMODIALYSIS), cohort))
    rows.append(_count("Dialysis vintage", "median 88 months", *_median(analysis, "vintage"), cohort))
    resolved, died = (_endpoint(analysis, endpoint) for endpoint in (RESOLUTION, OVERALL))
    for statement, published, endpoint, page in (
        ("Resolution of calciphylaxis", "18 (35.3%)", resolved, "outcomes"),
        ("Died", "20 (39.2%)", died, "overview"),
    ):
        if endpoint is None:
            rows.append(_count(statement, published, "", "", Opens(page)))
            continue
        k = int(np.count_nonzero(_times(analysis, endpoint).event & mask))
        opens = Opens(page, (("endpoint", endpoint.label),))
        rows.append(_count(statement, published, f"{k} ({_percent(k, n)})" if n else "", f"of {n}", opens))
    return tuple(rows)


def associations(analysis: Analysis) -> tuple[Association, ...]:
    """Every published association, in the order of the abstract. What this registry does not record has no result."""
    found = [_stage(analysis)]
    for endpoint, statement in ((EARLY, "early"), (OVERALL, "overall")):
        found.append(
            _fixed(
                analysis,
                f"lesion_duration.{statement}",
                f"Time of skin lesions was a risk factor in {statement} mortality.",
                "lesion_duration",
                endpoint,
            )
        )
        found.append(_infection(analysis, endpoint, f"Infection was a risk factor in {statement} mortality."))
    found.append(
        _fixed(
            analysis,
            "vintage.specific",
            "Dialysis vintage was a risk factor in calciphylaxis-specific mortality.",
            "vintage",
            SPECIFIC,
        )
    )
    found.append(_infection(analysis, SPECIFIC, "Infection was a risk factor in calciphylaxis-specific mortality."))
    found.append(_sts(analysis))
    found.append(_other_treatments(analysis))
    return tuple(found)


def _count(statement, published, here, detail, opens) -> Count:
    if not here:
        return Count(statement, published, "not recorded", "", NOT_COMPARABLE, opens)
    return Count(statement, published, here, detail, SAME_COUNT if here == published else OTHER_COUNT, opens)


def _dates(analysis, variable) -> str:
    dates = None if variable is None else analysis.cohort.values(variable.name).dropna()
    if dates is None or dates.empty:
        return ""
    first, last = (f"{calendar.month_name[date.month]} {date.year}" for date in (dates.min(), dates.max()))
    return f"{first} to {last}"


def _named(analysis, name) -> Variable | None:
    return next((v for v in analysis.registry.dictionary if v.name == name), None)


def _variable(analysis, name, *, numeric: bool) -> Variable | None:
    variable = _named(analysis, name)
    return variable if variable is not None and variable.is_numeric == numeric else None


def _numbers(analysis, name):
    variable = _variable(analysis, name, numeric=True)
    values = None if variable is None else analysis.cohort.values(name).dropna().to_numpy(dtype=float)
    return variable, values if values is not None and len(values) else None


def _mean(analysis, name):
    variable, values = _numbers(analysis, name)
    if values is None:
        return "", ""
    spread = f" ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    return f"{np.mean(values):.2f}{spread} {variable.unit}".rstrip(), f"of {len(values)}"


def _median(analysis, name):
    variable, values = _numbers(analysis, name)
    return ("", "") if values is None else (f"median {np.median(values):g} {variable.unit}", f"of {len(values)}")


def _share(analysis, name, codes, *, with_count=True):
    variable = _variable(analysis, name, numeric=False)
    if variable is None or not variable.is_categorical:
        return "", ""
    levels = [level for code, level in zip(variable.codes, variable.levels, strict=True) if code.lower() in codes]
    values = analysis.cohort.values(name).dropna()
    if not levels or values.empty:
        return "", ""
    k, n = int(values.isin(levels).sum()), len(values)
    return (f"{k} ({_percent(k, n)})", f"of {n}") if with_count else (_percent(k, n), f"{k} of {n}")


def _percent(k, n) -> str:
    return f"{100 * k / n:.1f}%"


def _endpoint(analysis, endpoint) -> Endpoint | None:
    """The published endpoint as this registry has it; None also where it has another event than death under that name."""
    if endpoint is not RESOLUTION and event_name(analysis.registry) != OVERALL.event:
        return None
    return next((e for e in endpoints_of(analysis.registry) if e.name == endpoint.name), None)


def _times(analysis, endpoint):
    return endpoint_times(
        analysis.registry, endpoint, window_months=analysis.window_months, unknown_cause=analysis.unknown_cause
    )


def _stage(analysis) -> Association:
    statement = "Patients in later stages had worse survival than those in earlier stages."
    published = "A Kaplan-Meier figure without numbers."
    variable, endpoint = _variable(analysis, "stage", numeric=False), _endpoint(analysis, OVERALL)
    if variable is not None and not variable.is_categorical:
        variable = None
    if variable is None or endpoint is None:
        return _absent("stage.overall", statement, published, OVERALL, "stage", HIGHER, endpoint, variable)
    opens = Opens("survival", (("endpoint", OVERALL.label), ("by", variable.label)))
    outcome, rows = _times(analysis, OVERALL).outcome(analysis.cohort.mask)
    values = analysis.registry.patients["stage"].iloc[rows].reset_index(drop=True)
    if len(variable.levels) == 2:
        ratio_of = f"{variable.label}: {variable.levels[1]} against {variable.levels[0]}"
        covariate = pd.Series(pd.Categorical(values.astype(object), list(variable.levels)))
    else:
        ratio_of = f"{variable.label}, per step"
        codes = pd.Categorical(values.astype(object), list(variable.levels)).codes
        covariate = pd.Series(np.where(codes < 0, np.nan, codes.astype(float)))
    result = _cox(outcome, covariate, HIGHER, AT_DIAGNOSIS, OVERALL)
    return Association("stage.overall", statement, published, OVERALL.label, ratio_of, HIGHER, (result,), opens)


def _fixed(analysis, name, statement, variable_name, wanted) -> Association:
    endpoint, variable = _endpoint(analysis, wanted), _variable(analysis, variable_name, numeric=True)
    published = f"A risk factor in univariate Cox regression. {UNPUBLISHED}"
    if variable is None or endpoint is None:
        what = WORDS.get(variable_name, variable_name)
        return _absent(name, statement, published, wanted, what, HIGHER, endpoint, variable)
    outcome, rows = _times(analysis, endpoint).outcome(analysis.cohort.mask)
    values = analysis.registry.patients[variable_name].iloc[rows].reset_index(drop=True)
    result = _cox(outcome, covariate_values(variable, values), HIGHER, AT_DIAGNOSIS, endpoint)
    opens = Opens("hazard_ratios", (("endpoint", endpoint.label),))
    return Association(name, statement, published, endpoint.label, variable.label_with_step, HIGHER, (result,), opens)


def _infection(analysis, wanted, statement) -> Association:
    published = f"A risk factor in univariate Cox regression; whether from its date on is not said. {UNPUBLISHED}"
    exposure = next((e for e in exposures_of(analysis.registry) if e.name == "infection"), None)
    return _exposed(analysis, f"infection.{wanted.name}", statement, published, wanted, exposure, "infection", HIGHER)


def _sts(analysis) -> Association:
    exposure = next((e for e in exposures_of(analysis.registry) if e.courses == COURSES), None)
    return _exposed(
        analysis,
        "sts.overall",
        f"Among the treatments only the use of STS for at least {COURSES} courses went with a lower hazard of death.",
        f"Significant in univariate Cox regression; whether from the third course on is not said. {UNPUBLISHED}",
        OVERALL,
        exposure,
        "sts_courses",
        LOWER,
    )


def _exposed(analysis, name, statement, published, wanted, exposure: Exposure | None, variable_name, direction):
    """An association with what begins during follow-up: as a fixed covariate, and from its date on."""
    endpoint = _endpoint(analysis, wanted)
    variable = _named(analysis, variable_name)
    what = WORDS.get(variable_name, variable_name)
    if endpoint is None or (exposure is None and variable is None):
        return _absent(name, statement, published, wanted, what, direction, endpoint, exposure or variable)
    settings = (("endpoint", endpoint.label),)
    if variable is not None:
        settings = (*settings, ("by", variable.label))
    if exposure is not None:
        settings = (*settings, ("exposure", exposure.label))
    opens = Opens("treatment", settings)
    times = _times(analysis, endpoint)
    if exposure is None:
        label, results = _undated(analysis, times, variable, endpoint, direction)
    else:
        label = exposure.label
        results = _dated(analysis, times, exposure, endpoint, direction, (FIXED, FROM_DATE))
    return Association(name, statement, published, endpoint.label, label, direction, results, opens)


def _dated(analysis, times, exposure, endpoint, direction, wanted):
    registry = analysis.registry
    known = exposure_known(registry, exposure)
    outcome, rows = times.outcome(analysis.cohort.mask & known)
    frame = three_estimates(
        outcome, exposure_months(registry, exposure)[rows], landmark_months=None, events=endpoint.events
    ).set_index("analysis")
    found = []
    for words, name in ((FIXED, NAIVE), (FROM_DATE, TIME_DEPENDENT)):
        if words in wanted:
            row = frame.loc[name]
            found.append(_result(words, row, int(row["n"]), int(row["n_event"]), direction, str(row["note"])))
    return tuple(found)


def _undated(analysis, times, variable, endpoint, direction):
    """Only whether, or how often, is recorded: the fixed covariate alone."""
    outcome, rows = times.outcome(analysis.cohort.mask)
    values = analysis.registry.patients[variable.name].iloc[rows].reset_index(drop=True)
    label = variable.label
    if variable.is_numeric:
        label = f"At least {COURSES} {variable.label}"
        numbers = values.to_numpy(dtype=float)
        values = pd.Series(np.where(np.isnan(numbers), np.nan, (numbers >= COURSES).astype(float)))
    else:
        values = covariate_values(variable, values)
    why = "No date says since when, so this analysis cannot be made."
    undated = Result(FROM_DATE, math.nan, math.nan, math.nan, len(outcome), outcome.n_event, NOT_COMPARABLE, why)
    return label, (_cox(outcome, values, direction, FIXED, endpoint), undated)


def _other_treatments(analysis) -> Association:
    statement = "No other treatment went with the hazard of death."
    published = f'Implied by the word "only"; which treatments were looked at is not said. {UNPUBLISHED}'
    registry = analysis.registry
    exposures = [
        e for e in exposures_of(registry) if not e.courses and registry.dictionary[e.variable].role == "treatment"
    ]
    times, endpoint = _times(analysis, OVERALL), _endpoint(analysis, OVERALL)
    results = []
    for exposure in exposures:
        (result,) = _dated(analysis, times, exposure, OVERALL, 0, (FROM_DATE,))
        words = f"{exposure.label}, from its date on"
        results.append(
            Result(words, *(getattr(result, name) for name in Result.__dataclass_fields__ if name != "analysis"))
        )
    opens = Opens("treatment", (("endpoint", OVERALL.label),))
    if not results or endpoint is None:
        what = "another treatment with its date"
        return _absent("other.overall", statement, published, OVERALL, what, 0, endpoint, exposures or None)
    return Association(
        "other.overall", statement, published, OVERALL.label, "Other treatments", 0, tuple(results), opens
    )


def _absent(name, statement, published, wanted, what, direction, endpoint, variable) -> Association:
    lacking = [] if variable is not None else [what]
    if endpoint is None:
        lacking.append("the cause of death" if wanted is SPECIFIC else wanted.event)
    note = f"Not recorded in this registry: {' and '.join(lacking)}."
    nothing = Result("", math.nan, math.nan, math.nan, 0, 0, NOT_COMPARABLE, note)
    return Association(name, statement, published, wanted.label, "", direction, (nothing,), Opens("methods"))


def _cox(outcome: Outcome, covariate: pd.Series, direction: int, words: str, endpoint: Endpoint) -> Result:
    """The hazard ratio of one covariate alone."""
    known = covariate.notna().to_numpy()
    n, n_event = int(known.sum()), int(np.count_nonzero(outcome.event & known))
    nothing = {"estimate": math.nan, "conf_low": math.nan, "conf_high": math.nan}
    if not n or not n_event:
        return _result(words, nothing, n, n_event, direction, f"No {endpoint.events} among {n} patients.")
    try:
        terms = cox_each(outcome, pd.DataFrame({"covariate": covariate})).terms
    except NotEstimable as reason:
        return _result(words, nothing, n, n_event, direction, str(reason))
    rows = terms[~terms["is_reference"]]
    if len(rows) != 1:
        return _result(words, nothing, n, n_event, direction, "Everybody here has the same value.")
    row = rows.iloc[0]
    return _result(words, row, n, n_event, direction, str(row["note"]).removeprefix("not estimable: "))


def _result(words, row, n, n_event, direction, note) -> Result:
    estimate, low, high = (float(row[name]) for name in ("estimate", "conf_low", "conf_high"))
    if math.isnan(estimate):
        verdict = NOT_ESTIMABLE
    elif direction == 0:
        verdict = NOT_COMPARABLE
    else:
        verdict = SAME_DIRECTION if (estimate - 1) * direction > 0 else OPPOSITE
        if low <= 1 <= high:
            note = "The interval includes 1."
    return Result(words, estimate, low, high, n, n_event, verdict, note)
