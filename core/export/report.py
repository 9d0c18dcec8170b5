"""The report of a view as a list of parts: what was done, with whom, what came out, and what must be borne in mind.

``report_word`` and ``report_html`` write the parts; nothing here knows of a file format.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from core.analysis import Analysis
from core.charts.wording import in_sentence
from core.errors import NotEstimable
from core.export.report_methods import definitions, limits, methods, strobe_table
from core.export.report_parts import Heading, Link, Paragraph, Report, or_reason
from core.export.report_results import (
    competing_risks,
    main_covariates,
    outcome,
    patients,
    ratios,
    treatment,
)
from core.export.sentences import (
    comparison_sentence,
    events_of,
    incidence_sentence,
    ratio_sentence,
    survival_sentence,
)
from core.export.tables import Table, view_caption
from core.export.view_figures import curve_figure, ratio_figures, treatment_figure
from core.exposure_analysis import ExposureAnalysis, chosen_exposure
from core.headline import headline
from core.release import RELEASE


@dataclass(frozen=True, eq=False)
class KeptView:
    """Another view of the same registry that the report covers: its name, the view and its permanent link."""

    name: str
    analysis: Analysis
    link: str = ""


def report_of(
    analysis: Analysis,
    link: str = "",
    progress: Callable[[float, str], None] = lambda share, what: None,
    kept: Sequence[KeptView] = (),
) -> Report:
    """The report of the view's cohort, endpoint, grouping and settings, and of the views ``kept`` beside it.

    ``link`` is the permanent link. ``progress(share, what)`` is told what is being computed. Raises NotEstimable when nobody is
    left; what cannot be estimated stands in the report with the reason, as does a kept view in which nobody is left.
    """
    analysis.require_patients()
    registry = analysis.registry
    made = Report(f"{analysis.endpoint.label}: {len(analysis.cohort)} of {len(registry)} patients", registry.source)
    sections = [
        ("The view", lambda: _view(analysis, link)),
        ("Results in brief", lambda: _brief(analysis)),
        ("Methods", lambda: methods(analysis)),
        ("Patients", lambda: patients(analysis)),
        ("Outcome", lambda: outcome(analysis)),
        ("Hazard ratios", lambda: ratios(analysis)),
        ("Competing risks", lambda: competing_risks(analysis)),
        ("What begins after diagnosis", lambda: treatment(analysis)),
        *((f"Kept view: {other.name}", lambda other=other: _kept(other)) for other in kept),
        ("Cautions and limitations", lambda: limits(analysis)),
        ("STROBE checklist", lambda: [strobe_table(analysis)]),
        ("Definitions and conventions", lambda: definitions(analysis)),
    ]
    for position, (title, make) in enumerate(sections):
        progress(position / len(sections), title)
        made.add(Heading(title), *make())
    return made


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
            f"{_which(analysis)} Registry: {registry.name}, fingerprint {registry.fingerprint[:12]}. CalciScope {RELEASE}."
        )
    )
    if link:
        parts.append(Link("Open this view", link))
    return parts


def _which(analysis):
    """Which patients, which endpoint and which clock."""
    return (
        f"{view_caption(analysis)} Endpoint: {in_sentence(analysis.endpoint.label)}, {analysis.n_event} "
        f"{events_of(analysis, analysis.n_event)}; time in {in_sentence(analysis.time_title)}."
    )


def _brief(analysis):
    known = main_covariates(analysis)  # all of them stand in the figure
    parts = []
    if analysis.endpoint.competing:
        parts += or_reason(lambda: Paragraph(incidence_sentence(analysis)))
    else:
        parts += or_reason(lambda: Paragraph(survival_sentence(analysis)))
    if analysis.by is not None:
        parts += or_reason(lambda: Paragraph(comparison_sentence(analysis)))
    ties = dict(analysis.view.settings).get("ties", "efron")
    parts += or_reason(lambda: Paragraph(ratio_sentence(analysis, known, ties=ties)))
    return parts


def _kept(other):
    """A kept view in short: which patients, the figure of its page, its headline numbers and its link."""
    analysis = other.analysis
    parts = [Paragraph(f"{_which(analysis)} {analysis.definition_of(analysis.endpoint)}")]
    if other.link:
        parts.append(Link("Open this view", other.link))
    try:
        analysis.require_patients()
    except NotEstimable as reason:
        return [*parts, Paragraph(str(reason))]
    parts += or_reason(lambda: _own_figures(analysis))
    numbers = pd.DataFrame([(n.label, n.text) for n in headline(analysis)], columns=["Number", "Here"])
    parts.append(Table("Headline numbers", numbers, view_caption(analysis)))
    if analysis.by is not None:
        parts += or_reason(lambda: Paragraph(comparison_sentence(analysis)))
    return parts


def _own_figures(analysis):
    """What the page of a view shows first."""
    if analysis.view.page == "hazard_ratios":
        return ratio_figures(analysis, main_covariates(analysis))
    exposure = chosen_exposure(analysis) if analysis.view.page == "treatment" else None
    return treatment_figure(ExposureAnalysis(analysis, exposure)) if exposure else curve_figure(analysis)
