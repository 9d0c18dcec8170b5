"""The STROBE checklist of a view: von Elm et al., Lancet 2007;370:1453, items for cohort studies."""

from core.analysis import Analysis
from core.cohort import describe_filter
from core.errors import NotEstimable
from core.export.sentences import events_of, patients_of

AUTHORS = "For the authors."


def strobe_rows(analysis: Analysis) -> list[tuple[str, str, str]]:
    """(item, topic, what is known of it here)."""
    registry = analysis.registry
    filters = [describe_filter(registry.dictionary[f.variable], f) for f in analysis.view.filters if f.is_active]
    missing = [
        f"{v.label} ({n})"
        for v in registry.dictionary.headline
        if (n := int(registry.patients[v.name][analysis.cohort.mask].isna().sum()))
    ]
    grouped = (
        "nothing groups them." if analysis.by is None else f"{analysis.by.label}: {', '.join(analysis.by.levels)}."
    )
    return [
        ("1", "Title and abstract", AUTHORS),
        ("2", "Background", AUTHORS),
        ("3", "Objectives", AUTHORS),
        ("4", "Study design", "Cohort of the patients of a registry, followed from diagnosis."),
        ("5", "Setting, dates", _dates(registry)),
        ("6", "Participants", f"Eligible by {'; '.join(filters)}." if filters else "All patients of the registry."),
        ("7", "Variables", f"Outcome: {analysis.definition_of(analysis.endpoint)} Groups: {grouped}"),
        ("8", "Data sources, measurement", f"Registry {registry.name}; how each variable is recorded stands in its dictionary."),
        ("9", "Bias", "What becomes known after diagnosis counts from its date on (immortal time); confounding: for the authors."),
        ("10", "Study size", f"{patients_of(len(analysis.cohort))} and {analysis.n_event} {events_of(analysis, analysis.n_event)}: those that the registry has."),
        ("11", "Quantitative variables", "Per step stated in the hazard ratios; cut points as named where numbers are grouped."),
        ("12a", "Statistical methods", "See Methods and Conventions."),
        ("12b", "Subgroups and interactions", "On the Hazard ratios page; not in this report."),
        ("12c", "Missing data", "Each analysis uses the patients that have what it needs, and counts the others."),
        ("12d", "Loss to follow-up", "Censored at the last contact; completeness of follow-up under Patients."),
        ("12e", "Sensitivity analyses", "Landmark and time-dependent analyses of what begins after diagnosis."),
        ("13", "Participants at each stage", _flow(analysis)),
        ("14", "Descriptive data", f"Table 1. Not recorded: {', '.join(missing)}." if missing else "Table 1. Main covariates complete."),
        ("15", "Outcome data", _outcome(analysis)),
        ("16", "Main results", "Figures, tables and sentences above, with 95% intervals; not adjusted unless a model of several is shown."),
        ("17", "Other analyses", "Competing risks; what begins after diagnosis."),
        ("18", "Key results", AUTHORS),
        ("19", "Limitations", "Drafted under Cautions and limitations; to be completed by the authors."),
        ("20", "Interpretation", AUTHORS),
        ("21", "Generalisability", AUTHORS),
        ("22", "Funding", AUTHORS),
    ]  # fmt: skip


def _dates(registry):
    variable = registry.dictionary.meaning("diagnosis_date")
    if variable is None or registry.cut_off is None:
        return "Dates are not recorded in this registry; places: for the authors."
    dates = registry.patients[variable.name].dropna()
    if dates.empty:
        return AUTHORS
    return f"Diagnosed {dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d}, data to {registry.cut_off:%Y-%m-%d}; places: for the authors."


def _flow(analysis):
    steps = [
        f"{row.n_remaining} after {row.criterion} ({row.n_excluded} left out, {row.n_missing} of them not recorded)"
        for row in analysis.attrition.iloc[1:].itertuples(index=False)
    ]
    read = f"{analysis.registry.n_read} rows read, {len(analysis.registry)} patients"
    return "; ".join([read, *steps]) + "."


def _outcome(analysis):
    try:
        analysis.require_patients()
    except NotEstimable as reason:
        return str(reason)
    months = float(analysis.outcome.time.sum())
    if analysis.outcome.entry is not None:
        months -= float(analysis.outcome.entry.sum())
    return f"{analysis.outcome.n_event} {events_of(analysis, analysis.outcome.n_event)} in {months:,.0f} person-months."
