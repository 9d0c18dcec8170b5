"""How the numbers of a report were made, and what must be borne in mind when they are read."""

from importlib.metadata import version

import pandas as pd

from core.analysis import Analysis
from core.cautions import cautions
from core.charts.wording import in_sentence
from core.cohort import describe_filter
from core.conventions import CONVENTIONS
from core.endpoints import endpoints_of
from core.errors import NotEstimable
from core.export.report_parts import Heading, Items, Paragraph
from core.export.sentences import events_of
from core.export.strobe import strobe_rows
from core.export.tables import Table
from core.release import RELEASE

SOFTWARE = ("numpy", "scipy", "pandas", "lifelines")
MANY_EVENTS = 50  # from which nothing is said about their number


def methods(analysis: Analysis) -> list:
    """Who was selected, what was estimated and how, and with which software."""
    endpoint = analysis.endpoint
    filters = [
        describe_filter(analysis.registry.dictionary[f.variable], f) for f in analysis.view.filters if f.is_active
    ]
    who = (
        f"Patients were selected by {'; '.join(filters)}." if filters else "All patients of the registry were analysed."
    )
    if endpoint.competing:
        curves = (
            f"Cumulative incidences were estimated by Aalen and Johansen's method, with {analysis.conf_level:.0%} limits on the "
            f"{analysis.conf_type} scale, because {' and '.join(endpoint.competing)} competes. Cause-specific hazard ratios come "
            "from Cox models, subdistribution hazard ratios from Fine and Gray's model."
        )
    else:
        curves = (
            f"Survival was estimated by Kaplan and Meier's method with Greenwood's variance and {analysis.conf_level:.0%} limits on "
            f"the {analysis.conf_type} scale."
        )
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
            f"{who} The endpoint was {in_sentence(endpoint.label)}: {analysis.definition_of(endpoint)} Time was counted in "
            f"{in_sentence(analysis.time_title)}.{mark} {curves}{_groups(analysis)} Hazard ratios come from Cox models of one covariate "
            f"at a time, with {ties}'s method for ties and Wald intervals; numbers enter as they are, per step stated. Median "
            "follow-up was estimated by the reverse Kaplan-Meier method. Covariates that become known only after diagnosis were "
            "analysed from their dates on. Patients with a missing value were left out of the analyses that need it, and counted."
        ),
        Paragraph(
            f"Computed by CalciScope {RELEASE} with {software}. Its engine is tested against R's survival and cmprsk packages; the "
            "view can be downloaded as a Python and an R script that compute these numbers again."
        ),
    ]


def _groups(analysis):
    """How the groups were formed and, where that says something, compared."""
    if analysis.by is None:
        return ""
    said = f" Patients were grouped by {in_sentence(analysis.by.label)}"
    if analysis.by.is_post_baseline:
        return f"{said}, which is known only after diagnosis: the groups are drawn and not tested."
    if analysis.endpoint.competing:
        return f"{said} and compared by Gray's test."
    try:
        return f"{said} and compared by the {in_sentence(analysis.comparison.method)}."
    except NotEstimable:
        return f"{said}; they could not be compared."


def limits(analysis: Analysis) -> list:
    """The cautions of the view, and the limitations of every such analysis."""
    found = [caution.text for caution in cautions(analysis)]
    parts = [Items(tuple(found))] if found else [Paragraph("No caution applies to this view in particular.")]
    general = [
        "An observational cohort: an association is no effect, and other differences between the groups may explain it.",
        "The hazard ratios of single covariates are not adjusted for one another.",
        "Many comparisons were made; about one in twenty without any true difference has p below 0.05.",
    ]
    if analysis.n_event < MANY_EVENTS:
        general.append(
            f"{analysis.n_event} {events_of(analysis, analysis.n_event)}: intervals are wide, and what is not seen may well be there."
        )
    if analysis.registry.is_synthetic:
        general.append("The data are synthetic.")
    return [*parts, Heading("Limitations", 2), Items(tuple(general))]


def strobe_table(analysis: Analysis) -> Table:
    """The items of STROBE for cohort studies, filled where the program knows them."""
    frame = pd.DataFrame(strobe_rows(analysis), columns=["Item", "Topic", "Here"])
    return Table("STROBE, cohort studies", frame, "What the program knows is filled in; the rest is for the authors.")


def definitions(analysis: Analysis) -> list:
    """Every endpoint with the choices in force, and every convention of the program."""
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
