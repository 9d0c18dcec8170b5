"""The numbers of a view's models for its scripts: hazard ratios alone, together, within subgroups, and of exposures."""

import math

from core import competing
from core.analysis import Analysis
from core.errors import NotEstimable
from core.export.expected import Expected
from core.export.tables import safe_text
from core.exposure_analysis import ExposureAnalysis
from core.ratios import LOWER, joint_model, risk_differences, subgroup_effects
from core.settings import RATIO_PARTS

ALONE, TOGETHER, SUBGROUPS, SHAPE = RATIO_PARTS


def ratios(expected: Expected, analysis: Analysis, cause: int) -> tuple[list[dict], list[dict]]:
    """The covariates whose ratios the scripts estimate one by one, and those of the subdistribution."""
    headline = [v for v in analysis.registry.dictionary.headline if not v.is_post_baseline]
    page, title = analysis.view.page, "Hazard ratio, each alone"
    try:
        if page == "outcomes" and analysis.endpoint.competing:
            frame = competing.ratios(analysis, headline, cause)
            parts = {model: frame[frame["model"] == model] for model in frame["model"].unique()}
            alone = expected.described(title, parts[competing.CAUSE_SPECIFIC], headline)
            other = parts[competing.SUBDISTRIBUTION]
            return alone, expected.described("Subdistribution hazard ratio", other, headline)
        variables = analysis.recorded_covariates if page == "hazard_ratios" else headline
        terms = analysis.hazard_ratios(variables, ties=dict(analysis.view.settings).get("ties", "efron")).terms
    except NotEstimable as reason:
        expected.left_out.append(f"Hazard ratios: {reason}")
        return [], []
    return expected.described(title, terms[~terms["is_reference"]], variables), []


def risks(expected: Expected, analysis: Analysis) -> list[dict]:
    """The covariates beside whose ratios a difference in risk stands, with the levels that somebody has, the reference first."""
    if analysis.view.page != "hazard_ratios" or not analysis.outcome.n_event:
        return []
    months = float(analysis.view["risk_by"])
    found = []
    for variable in analysis.recorded_covariates:
        frame = risk_differences(analysis, [variable], months)
        reference = LOWER if variable.is_numeric else variable.reference
        levels = [level for level in frame["level"] if level != reference]
        if reference not in set(frame["level"]) or not levels:
            expected.left_out.append(f"Risk differences, {variable.label}: one group only.")
            continue
        described = expected.covariate(variable)
        title, label = f"Risk by {months:g} months", described["label"]
        for row in frame.itertuples(index=False):
            level = safe_text(row.level)
            expected.add(row.risk, title, label, level, "risk")
            if row.level != reference:
                expected.add(row.estimate, title, label, level, "difference")
                expected.add(row.conf_low, title, label, level, "lower limit")
                expected.add(row.conf_high, title, label, level, "upper limit")
        found.append(described | {"risk_levels": [safe_text(level) for level in (reference, *levels)]})
    return found


def together(expected: Expected, analysis: Analysis, within) -> list[dict]:
    """The covariates of the model of several."""
    settings = dict(analysis.view.settings)
    variables = [v for v in analysis.recorded_covariates if v.label in settings.get("together", ())]
    if not variables:
        return []
    title, before = "Hazard ratio, one model", dict(expected.numbers)
    try:
        model = joint_model(analysis, variables, ties=settings["ties"], within=within, penalised=settings["firth"])
    except NotEstimable as reason:
        expected.left_out.append(f"{title}: {reason}")
        return []
    terms = model.result.terms
    terms = terms[~terms["is_reference"]]
    if terms["estimate"].isna().any() or terms["std_error"].isna().any() or (terms["note"] != "").any():
        expected.left_out.append(f"{title}: not every ratio has an estimate.")
        return []
    if model.penalised and terms[["conf_low", "conf_high"]].isna().any().any():
        expected.numbers = before
        expected.left_out.append(f"{title}: a limit lies beyond any number.")
        return []
    return expected.described(title, terms, variables)


def subgroups(expected: Expected, analysis: Analysis) -> dict | None:
    """The covariate whose ratio is shown within the levels of others, and those others."""
    settings = dict(analysis.view.settings)
    if settings.get("part") != SUBGROUPS:
        return None
    effect = analysis.registry.dictionary.by_label(settings["effect_of"])
    if effect is None:
        return None
    try:
        frame = subgroup_effects(analysis, effect, ties=settings["ties"])
    except NotEstimable as reason:
        expected.left_out.append(f"Subgroups: {reason}")
        return None
    within = []
    for name, own in frame.groupby("covariate", sort=False):
        other = analysis.registry.dictionary[name]
        if own["estimate"].isna().any() or own["std_error"].isna().any() or own["p_interaction"].isna().any():
            expected.left_out.append(f"Subgroups, {other.label}: no ratio, or not in every level.")
            continue
        label = safe_text(other.label_with_step)
        for row in own.itertuples(index=False):
            expected.add_parts(row, "Subgroups", label, safe_text(row.level))
        expected.add(own["p_interaction"].iloc[0], "Subgroups", label, "p of the interaction")
        within.append(expected.covariate(other, own["level"]))
    if not within:
        return None
    levels = [level for level in effect.levels if level != effect.reference]
    return {"effect": expected.covariate(effect, () if effect.is_numeric else levels), "within": within}


def exposure(expected: Expected, seen: ExposureAnalysis) -> dict | None:
    """Naive, from a landmark, and from its date on; the Mantel-Byar test."""
    try:
        estimates = seen.estimates
    except NotEstimable as reason:
        expected.left_out.append(f"Exposure: {reason}")
        return None
    label, estimable = safe_text(seen.exposure.label), []
    for row in estimates.itertuples(index=False):
        if math.isnan(row.estimate):
            expected.left_out.append(f"Exposure, {row.analysis}: {row.note}")
            continue
        estimable.append(row.analysis)
        title = f"Exposure, {row.analysis}"
        expected.add_parts(row, title, label)
        expected.add(row.n_event, title, "events")
        expected.add(row.n_event_exposed, title, "events while exposed")
    mantel_byar = True
    try:
        test = seen.moving_test
        expected.add(test.statistic, "Mantel-Byar test", "chi-squared")
        expected.add(test.p_value, "Mantel-Byar test", "p")
    except NotEstimable as reason:
        mantel_byar = False
        expected.left_out.append(f"Mantel-Byar test: {reason}")
    return {
        "label": label,
        "definition": seen.definition,
        "landmark": seen.landmark_months,
        "estimable": estimable,
        "mantel_byar": mantel_byar,
    }


def adjusted(expected: Expected, seen: ExposureAnalysis) -> dict | None:
    """The model of the exposure with others and with covariates known at diagnosis."""
    title = "Exposure, adjusted"
    try:
        terms = seen.model.terms
    except NotEstimable as reason:
        expected.left_out.append(f"{title}: {reason}")
        return None
    terms = terms[~terms["is_reference"].astype(bool)]
    if terms["estimate"].isna().any() or terms["std_error"].isna().any() or (terms["note"] != "").any():
        expected.left_out.append(f"{title}: not every ratio has an estimate.")
        return None
    exposures = (seen.exposure, *seen.others)
    for one in exposures:
        row = next(term for term in terms.itertuples(index=False) if term.covariate == one.label)
        expected.add_parts(row, title, safe_text(one.label))
    return {
        "exposures": [
            {"column": f"exposure_{i}_days", "label": safe_text(e.label)} for i, e in enumerate(exposures, 1)
        ],
        "covariates": expected.described(title, terms, seen.baseline),
    }
