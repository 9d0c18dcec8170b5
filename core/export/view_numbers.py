"""The numbers of a view as a Python and an R script compute them again: the data, the choices and what must come out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core import competing
from core.analysis import Analysis
from core.conventions import DAYS_PER_MONTH, SMALL_STRATUM
from core.export import numbers_of_groups as groups
from core.export import numbers_of_models as models
from core.export.expected import Expected
from core.export.tables import safe_text
from core.exposure_analysis import ExposureAnalysis, chosen_exposure
from core.exposures import exposure_known, exposure_months
from core.settings import setting_named

# what a page shows and no script computes
NOT_COMPUTED = {
    "cohort": ("Table 1, the distributions, the timelines and the follow-up of this page.",),
    "hazard_ratios": (
        "The concordance, and the test of proportional hazards with its residuals.",
        "The shape of an effect (splines).",
        "What is known only later, each from its date on: the scripts of the Treatment page have one such exposure.",
    ),
    "outcomes": ("The share of patients in each state over time.",),
    "treatment": (
        "Each number of courses, the curves and their test from the landmark, and the draws without effect.",
        "What the bias is under assumed dates, where no dates are recorded.",
    ),
    "findings": ("The published statements beside this cohort.",),
}


@dataclass(frozen=True, eq=False)
class ViewNumbers:
    """What the scripts need.

    data      one row a patient, before any landmark: days on the view's clock, causes, groups, covariates as recorded. No date
              and no identifier
    view      the choices, as plain values
    expected  name -> number; None where there is none ("not reached", nobody followed that long)
    left_out  what stands on the screen and is not computed again, each with the reason
    """

    data: pd.DataFrame
    view: dict
    expected: dict[str, float | None]
    left_out: tuple[str, ...]


def view_numbers(analysis: Analysis) -> ViewNumbers:
    """The numbers of a view for scripts. Raises NotEstimable when nobody is left."""
    analysis.require_patients()
    expected, settings = Expected(), dict(analysis.view.settings)
    grouped = analysis.grouped  # curves and tests; models are of the selected patients
    times = tuple(sorted(float(t) for t in settings.get("at", setting_named(analysis.registry, "at").default)))
    exposure = chosen_exposure(analysis) if analysis.view.page == "treatment" else None
    seen = None if exposure is None else ExposureAnalysis(analysis, exposure)
    model_within = analysis.registry.dictionary.by_label(settings.get("together_within", ""))
    cause = competing.cause_shown(analysis)

    view = {
        "endpoint": analysis.endpoint.label,
        "definition": analysis.definition_of(analysis.endpoint),
        "clock": analysis.time_title,
        "competing": bool(analysis.endpoint.competing),
        "group_by": "" if analysis.by is None else analysis.by.label,
        "times": list(times),
        "interval": analysis.conf_type,
        "level": analysis.conf_level,
        "landmark": analysis.landmark_months,
        "cause": cause,
        "ties": settings.get("ties", "efron"),
        "few": SMALL_STRATUM,
        "selection": grouped is not analysis,
        "causes": [],
        "gray": [],
        "test": None,
        "large_groups": [],
        "differences": False,
    }
    if analysis.endpoint.competing:
        view["groups"], view["causes"], view["gray"] = groups.incidence(expected, grouped, times)
        view["tau"] = groups.time_lost(expected, grouped)
    else:
        view["groups"] = groups.curves(expected, grouped, times)
        view |= groups.means_and_differences(expected, grouped, times)
        view["test"] = groups.comparison(expected, grouped)
    view["covariates"], view["subdistribution"] = models.ratios(expected, analysis, cause)
    view["risks"], view["risk_by"] = models.risks(expected, analysis), float(settings.get("risk_by", 0.0))
    view["together"] = models.together(expected, analysis, model_within)
    view["together_within"] = bool(view["together"]) and model_within is not None
    view["penalised"] = bool(settings.get("firth"))
    view["subgroups"] = models.subgroups(expected, analysis)
    view["exposure"] = None if seen is None else models.exposure(expected, seen)
    view["adjusted"] = models.adjusted(expected, seen) if view["exposure"] else None
    data = _data(analysis, expected.columns, model_within, seen if view["exposure"] else None, bool(view["adjusted"]))
    view["late_entry"] = "entry_days" in data
    view["columns"] = list(data.columns)
    view["text_columns"] = [name for name in data.columns if data[name].dtype == object]
    left_out = (*expected.left_out, *NOT_COMPUTED.get(analysis.view.page, ()))
    return ViewNumbers(data, view, expected.numbers, left_out)


def _data(analysis, columns, model_within, seen, with_adjusted) -> pd.DataFrame:
    grouped, settings, registry = analysis.grouped, dict(analysis.view.settings), analysis.registry
    mask = np.ones(len(registry), dtype=bool) if grouped is not analysis else analysis.cohort.mask
    outcome, rows = analysis.times.outcome(mask)
    patients = registry.patients.iloc[rows].reset_index(drop=True)
    cause = np.minimum(outcome.cause, 2) if analysis.endpoint.competing else outcome.cause
    made = {
        "patient": np.arange(1, len(outcome) + 1),
        "time_days": _days(outcome.time),
        "cause": cause,
    }
    if outcome.entry is not None:
        made["entry_days"] = _days(outcome.entry)
    group = pd.Series("All", index=patients.index)
    if analysis.by is not None:
        group = analysis.by.values.iloc[rows].reset_index(drop=True)
    made["group"] = _texts(group)
    within = registry.dictionary.by_label(settings.get("within", ""))
    made["within"] = _texts(pd.Series("All", index=patients.index) if within is None else patients[within.name])
    if grouped is not analysis:
        made["selected"] = analysis.cohort.mask[rows].astype(int)
    if model_within is not None:
        made["model_within"] = _texts(patients[model_within.name])
    if seen is not None:
        made |= _exposed(seen, rows, with_adjusted)
    for name, column in columns.items():
        values = patients[name]
        made[column] = values.to_numpy(dtype=float) if registry.dictionary[name].is_numeric else _texts(values)
    return pd.DataFrame(made)


def _exposed(seen, rows, with_adjusted) -> dict:
    """Who is in the analysis of the exposure and when each exposure begins."""
    inside = np.isin(rows, seen.rows)
    registry, made = seen.analysis.registry, {"in_exposure_analysis": inside.astype(int)}
    known = inside.copy()
    for i, exposure in enumerate((seen.exposure, *seen.others) if with_adjusted else (seen.exposure,), 1):
        known &= exposure_known(registry, exposure, counted_from=seen.counted_from)[rows]
        months = exposure_months(registry, exposure, counted_from=seen.counted_from)[rows]
        made[f"exposure_{i}_days"] = _days(np.where(inside, months, np.nan))
    if with_adjusted:
        made["in_adjusted_model"] = known.astype(int)
    return made


def _days(months):
    """Months as days, whole where they were days."""
    return np.round(months * DAYS_PER_MONTH, 6)


def _texts(values: pd.Series) -> pd.Series:
    return values.astype(object).map(safe_text, na_action="ignore")
