"""The report of a view as a list of parts: what was done, with whom, what came out, and what must be borne in mind.

``report_word`` and ``report_html`` write the parts; nothing here knows of a file format.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

import pandas as pd

from core import competing
from core.analysis import Analysis
from core.cautions import cautions
from core.charts.wording import (
    format_estimate,
    format_interval,
    format_months,
    format_p,
    format_percent,
)
from core.cohort import describe_filter
from core.conventions import CONVENTIONS
from core.endpoints import endpoints_of
from core.errors import NotEstimable
from core.export.figures import Figure
from core.export.sentences import (
    comparison_sentence,
    incidence_sentence,
    ratio_sentence,
    survival_sentence,
    treatment_sentence,
)
from core.export.strobe import strobe_rows
from core.export.table_one_rows import SECTION, table_one_notes, table_one_rows
from core.export.tables import Table, view_caption
from core.export.view_figures import (
    attrition_figure,
    curve_figure,
    in_sentence,
    ratio_figures,
    treatment_figure,
    two_ratios_figure,
)
from core.exposure_analysis import ExposureAnalysis, chosen_exposure
from core.follow_up import completeness
from core.ratios import joint_model
from core.release import RELEASE
from core.table_one import described_variables, table_one
from core.view import make_view

SOFTWARE = ("numpy", "scipy", "pandas", "lifelines")


@dataclass(frozen=True)
class Heading:
    text: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """``notice``: to be set off, because it changes how the rest is read."""

    text: str
    notice: bool = False


@dataclass(frozen=True)
class Items:
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Link:
    text: str
    address: str


@dataclass(frozen=True, eq=False)
class Report:
    """``parts``: Heading, Paragraph, Items, Link, Figure and Table in order. ``mark``: what the data say of themselves."""

    title: str
    mark: str
    parts: list = field(default_factory=list)

    def add(self, *parts) -> None:
        self.parts.extend(parts)

    @property
    def figures(self) -> list[Figure]:
        return [part for part in self.parts if isinstance(part, Figure)]


def report_of(
    analysis: Analysis, link: str = "", progress: Callable[[float, str], None] = lambda share, what: None
) -> Report:
    """The report of the view's cohort, endpoint, grouping and settings.

    ``link`` is the permanent link. ``progress(share, what)`` is told what is being computed. Raises NotEstimable when nobody is
    left; what cannot be estimated stands in the report with the reason.
    """
    analysis.require_patients()
    registry = analysis.registry
    made = Report(f"{analysis.endpoint.label}: {len(analysis.cohort)} of {len(registry)} patients", registry.source)
    sections = (
        ("The view", lambda: _view(analysis, link)),
        ("Results in brief", lambda: _brief(analysis)),
        ("Methods", lambda: _methods(analysis)),
        ("Patients", lambda: _patients(analysis)),
        ("Outcome", lambda: _outcome(analysis)),
        ("Hazard ratios", lambda: _ratios(analysis)),
        ("Competing risks", lambda: _competing(analysis)),
        ("What begins after diagnosis", lambda: _treatment(analysis)),
        ("Cautions and limitations", lambda: _limits(analysis)),
        ("STROBE checklist", lambda: [strobe_table(analysis)]),
        ("Definitions and conventions", lambda: _definitions(analysis)),
    )
    for position, (title, make) in enumerate(sections):
        progress(position / len(sections), title)
        made.add(Heading(title), *make())
    return made


def on_page(analysis: Analysis, page: str, **chosen) -> Analysis:
    """The same cohort and choices as another page sees them."""
    values = dict(analysis.view.settings) | chosen
    return Analysis(analysis.registry, make_view(analysis.registry, page, analysis.view.filters, values))


def _or_reason(make) -> list:
    """What ``make()`` gives, or the reason why it cannot be estimated."""
    try:
        made = make()
    except NotEstimable as reason:
        return [Paragraph(str(reason))]
    return made if isinstance(made, list) else [made]


def _view(analysis, link):
    registry = analysis.registry
    parts = []
    if registry.is_synthetic:
        parts.append(
            Paragraph(
                "Synthetic sample: these patients are made up. No number here says anything about the disease.",
                notice=True,
            )
        )
    parts.append(
        Paragraph(
            f"{view_caption(analysis)} Endpoint: {in_sentence(analysis.endpoint.label)}, {analysis.n_event} "
            f"{analysis.endpoint.event if analysis.n_event == 1 else analysis.endpoint.events}; "
            f"time in {in_sentence(analysis.time_title)}. Registry: {registry.name}, fingerprint {registry.fingerprint[:12]}. "
            f"CalciScope {RELEASE}."
        )
    )
    if link:
        parts.append(Link("Open this view", link))
    return parts


def _brief(analysis):
    known = _headline(analysis)  # all of them stand in the figure
    parts = []
    if analysis.endpoint.competing:
        parts += _or_reason(lambda: Paragraph(incidence_sentence(analysis)))
    else:
        parts += _or_reason(lambda: Paragraph(survival_sentence(analysis)))
    if analysis.by is not None:
        parts += _or_reason(lambda: Paragraph(comparison_sentence(analysis)))
    parts += _or_reason(lambda: Paragraph(ratio_sentence(analysis, known)))
    return parts


def _methods(analysis):
    registry, endpoint = analysis.registry, analysis.endpoint
    filters = [describe_filter(registry.dictionary[f.variable], f) for f in analysis.view.filters if f.is_active]
    who = (
        f"Patients were selected by {'; '.join(filters)}." if filters else "All patients of the registry were analysed."
    )
    if endpoint.competing:
        curves = (
            f"Cumulative incidences were estimated by Aalen and Johansen's method, with {analysis.conf_level:.0%} limits on the "
            f"{analysis.conf_type} scale, and compared by Gray's test, because {' and '.join(endpoint.competing)} competes. "
            "Cause-specific hazard ratios come from Cox models, subdistribution hazard ratios from Fine and Gray's model."
        )
    else:
        curves = (
            f"Survival was estimated by Kaplan and Meier's method with Greenwood's variance and {analysis.conf_level:.0%} limits on "
            f"the {analysis.conf_type} scale. Groups were compared by the {in_sentence(_test_name(analysis))}."
        )
    grouped = f" Patients were grouped by {in_sentence(analysis.by.label)}." if analysis.by is not None else ""
    mark = (
        f" Only patients still followed {analysis.landmark_months} months after {analysis.clock_start} were kept, and the clock "
        "restarted there."
        if analysis.landmark_months
        else ""
    )
    software = ", ".join(f"{name} {version(name)}" for name in SOFTWARE)
    ties = dict(analysis.view.settings).get("ties", "efron").capitalize()
    return [
        Paragraph(
            f"{who}{grouped} The endpoint was {in_sentence(endpoint.label)}: {analysis.definition_of(endpoint)} Time was counted in "
            f"{in_sentence(analysis.time_title)}.{mark} {curves} Hazard ratios come from Cox models of one covariate at a time, with "
            f"{ties}'s method for ties and Wald intervals; numbers enter as they are, per step stated. Median follow-up was estimated by "
            "the reverse Kaplan-Meier method. Covariates that become known only after diagnosis were analysed from their dates on. "
            "Patients with a missing value were left out of the analyses that need it, and counted."
        ),
        Paragraph(
            f"Computed by CalciScope {RELEASE} with {software}. Its engine is tested against R's survival and cmprsk packages; the "
            "view can be downloaded as a Python and an R script that compute these numbers again."
        ),
    ]


def _test_name(analysis):
    try:
        return analysis.comparison.method
    except NotEstimable:
        return dict(analysis.view.settings).get("test", "Log-rank test")


def _patients(analysis):
    parts = [attrition_figure(analysis)]
    parts += _or_reason(lambda: _followed(analysis))
    if not len(analysis.cohort):
        return parts
    by = analysis.by
    everyone = by is not None and by.against_the_rest
    patients = analysis.registry.patients if everyone else analysis.cohort.patients
    group = None if by is None else by.values.loc[patients.index].reset_index(drop=True)
    variables = described_variables(analysis.registry.dictionary, None if by is None else by.variable)
    table = table_one(patients.reset_index(drop=True), variables, group)
    rows = table_one_rows(table)
    notes = table_one_notes(table, group_label=by.label if by is not None else "")
    parts.append(Table("Table 1", rows, view_caption(analysis), notes, section=SECTION))
    return parts


def _followed(analysis):
    row = completeness(analysis.registry, analysis.cohort.mask).iloc[0]
    return Paragraph(
        f"Observed follow-up was {format_percent(row['completeness'])} of what was possible up to the data cut-off "
        f"({analysis.registry.cut_off:%Y-%m-%d}); {int(row['n_behind'])} patients not known to have died were last seen before it."
    )


def _outcome(analysis):
    parts = _or_reason(lambda: curve_figure(analysis))
    if not analysis.endpoint.competing:
        parts += _or_reason(lambda: _survival_table(analysis))
    else:
        parts += _or_reason(lambda: _incidence_table(analysis))
    if analysis.by is not None:
        parts += _or_reason(lambda: Paragraph(comparison_sentence(analysis)))
    return parts


def _survival_table(analysis):
    interval = f"{analysis.conf_level:.0%} interval"
    median = pd.DataFrame(
        [
            (
                row.stratum,
                int(row.n),
                int(row.n_event),
                format_months(row.median),
                format_interval(row.conf_low, row.conf_high, lambda months: format_months(months, unit=False)),
                format_months(row.follow_up),
            )
            for row in analysis.curve.summary.itertuples(index=False)
        ],
        columns=[_group(analysis), "Patients", _events(analysis), "Median", interval, "Median follow-up"],
    )
    at = pd.DataFrame(
        [
            (row.stratum, f"{row.time:g} months", int(row.n_risk), *_share(row.estimate, row.conf_low, row.conf_high))
            for row in analysis.curve.survival_at(times_of(analysis)).itertuples(index=False)
        ],
        columns=[_group(analysis), "Time", "At risk", analysis.endpoint.free, interval],
    )
    caption = view_caption(analysis)
    return [Table("Median time", median, caption), Table(f"{analysis.endpoint.free} at chosen times", at, caption)]


def _incidence_table(analysis):
    interval = f"{analysis.conf_level:.0%} interval"
    frame = competing.at_times(analysis, times_of(analysis))
    first, second = (_start(competing.cause_in_words(analysis, cause)) for cause in (1, 2))
    rows = [
        (
            row.stratum,
            f"{row.time:g} months",
            int(row.n_risk),
            *_share(row.event_estimate, row.event_conf_low, row.event_conf_high),
            *_share(row.competing_estimate, row.competing_conf_low, row.competing_conf_high),
        )
        for row in frame.itertuples(index=False)
    ]
    columns = [_group(analysis), "Time", "At risk", first, interval, second, f"{interval} "]
    return Table("Cumulative incidence at chosen times", pd.DataFrame(rows, columns=columns), view_caption(analysis))


def _ratios(analysis):
    variables = _known(analysis)
    parts = _or_reason(lambda: ratio_figures(analysis, variables))
    chosen = dict(analysis.view.settings).get("together", ())
    together = [v for v in analysis.recorded_covariates if v.label in chosen]
    if together:
        parts += _or_reason(lambda: _together(analysis, together))
    return parts


def _together(analysis, variables):
    settings = dict(analysis.view.settings)
    within = analysis.registry.dictionary.by_label(settings["together_within"])
    model = joint_model(analysis, variables, ties=settings["ties"], within=within, penalised=settings["firth"])
    labels = {v.name: v.label_with_step for v in variables}
    rows = [
        (
            labels[term.covariate],
            term.level,
            "reference" if term.is_reference else format_estimate(term.estimate, term.conf_low, term.conf_high),
            "" if term.is_reference else format_p(term.p_value),
        )
        for term in model.result.terms.itertuples(index=False)
    ]
    notes = [
        f"{model.result.n} patients, {model.result.n_event} events, {model.events_per_coefficient:.1f} for each coefficient."
    ]
    if within is not None:
        notes.append(f"A baseline hazard of its own for each level of {in_sentence(within.label)}.")
    if model.penalised:
        notes.append("Firth's penalised likelihood, profile-likelihood intervals.")
    frame = pd.DataFrame(rows, columns=["Covariate", "Level", "Hazard ratio (95% interval)", "p"])
    return Table("Several covariates in one model", frame, view_caption(analysis), tuple(notes))


def _competing(analysis):
    with_competing = [e for e in endpoints_of(analysis.registry) if e.competing]
    if not with_competing:
        return [Paragraph("This registry records no event that competes with another.")]
    if analysis.endpoint.competing:
        seen = on_page(analysis, "outcomes", incidence_of="The event")
        return _or_reason(lambda: two_ratios_figure(seen, _headline(analysis)))
    parts = [
        Paragraph(
            "With the endpoint of this view nothing competes. The other endpoints of the registry, for the same patients and groups:"
        )
    ]
    for endpoint in with_competing:
        seen = on_page(analysis, "outcomes", endpoint=endpoint.label)
        parts += _or_reason(lambda seen=seen: curve_figure(seen))
        parts += _or_reason(lambda seen=seen: Paragraph(incidence_sentence(seen)))
    return parts


def _treatment(analysis):
    seen_from = on_page(analysis, "treatment")
    exposure = chosen_exposure(seen_from)
    if exposure is None:
        return [Paragraph("This registry records nothing that begins after diagnosis and has a date.")]
    seen = ExposureAnalysis(seen_from, exposure)
    parts = [
        Paragraph(
            "Whoever is treated has lived long enough to be treated. A label fixed at diagnosis credits the treatment with that time, "
            "in which nobody could die; the estimate below that counts is the time-dependent one.",
            notice=True,
        )
    ]
    parts += _or_reason(lambda: treatment_figure(seen))
    parts += _or_reason(lambda: Paragraph(treatment_sentence(seen)))
    return parts


def _limits(analysis):
    found = [caution.text for caution in cautions(analysis)]
    parts = [Items(tuple(found))] if found else [Paragraph("No caution applies to this view in particular.")]
    general = [
        "An observational cohort: an association is no effect, and other differences between the groups may explain it.",
        "The hazard ratios of single covariates are not adjusted for one another.",
        "Many comparisons were made; about one in twenty without any true difference has p below 0.05.",
    ]
    if analysis.n_event < 50:
        general.append(
            f"{analysis.n_event} {_events(analysis).lower()}: intervals are wide, and what is not seen may well be there."
        )
    if analysis.registry.is_synthetic:
        general.append("The data are synthetic.")
    return [*parts, Heading("Limitations", 2), Items(tuple(general))]


def strobe_table(analysis: Analysis) -> Table:
    """The items of STROBE for cohort studies, filled where the program knows them."""
    frame = pd.DataFrame(strobe_rows(analysis), columns=["Item", "Topic", "Here"])
    return Table("STROBE, cohort studies", frame, "What the program knows is filled in; the rest is for the authors.")


def _definitions(analysis):
    endpoints = pd.DataFrame(
        [(e.label, analysis.definition_of(e)) for e in endpoints_of(analysis.registry)],
        columns=["Endpoint", "Definition"],
    )
    conventions = pd.DataFrame(
        [(c.topic, f"{c.choice} {c.reason}") for c in CONVENTIONS], columns=["Topic", "What is done, and why"]
    )
    return [
        Table("Endpoints", endpoints, "With the choices in force."),
        Table("Conventions", conventions, "Every statistical choice of the program."),
    ]


def times_of(analysis: Analysis) -> list[float]:
    """The months at which the view reads its curves off."""
    return sorted(float(t) for t in dict(analysis.view.settings).get("at", ())) or [3.0, 6.0, 12.0, 24.0]


def _known(analysis):
    """All covariates on the page of hazard ratios, the main ones elsewhere."""
    return analysis.recorded_covariates if analysis.view.page == "hazard_ratios" else _headline(analysis)


def _headline(analysis):
    return [v for v in analysis.registry.dictionary.headline if not v.is_post_baseline]


def _share(estimate, low, high):
    if estimate != estimate:
        return "nobody is followed that long", ""
    none = low != low and high != high
    return format_percent(estimate, 1), "no interval" if none else format_interval(
        low, high, lambda s: format_percent(s, 1)
    )


def _group(analysis):
    return analysis.by.label if analysis.by is not None else "Group"


def _events(analysis):
    return _start(analysis.endpoint.events)


def _start(text):
    return text[:1].upper() + text[1:]
