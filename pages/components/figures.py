"""Panels with a figure: survival curves, hazard ratios, attrition."""

import streamlit as st

from core.analysis import Analysis
from core.cautions import AFTER_BASELINE, LEFT_OUT, SMALL, after_baseline
from core.charts.attrition_chart import attrition_chart
from core.charts.forest_chart import forest_chart
from core.charts.forest_rows import forest_rows
from core.charts.survival_chart import survival_chart
from core.charts.wording import format_interval, format_months, format_p, format_percent
from core.errors import NotEstimable
from pages.components.literal import literal
from pages.components.panels import panel, show_caution, show_cautions, show_chart

HOW_TO_READ_CURVE = (
    "How to read this: each step down is a death, each tick a patient whose follow-up ended there; the band is the 95 % "
    "interval at each time. The curve is lighter where fewer than 5 are at risk."
)
HOW_TO_READ_FOREST = (
    "How to read this: right of 1 the hazard is higher, left of 1 lower, compared with the reference; the line is the 95 % "
    "interval. Each row is a model of its own and is not adjusted for the others."
)


def headline_numbers(analysis: Analysis) -> None:
    """Patients, events, median and follow-up of the whole cohort."""
    endpoint = analysis.endpoint
    with st.grid(columns="auto", min_column_width=150):
        st.metric("Patients", f"{len(analysis.cohort)} of {len(analysis.registry)}", border=True)
        st.metric(endpoint.events.capitalize(), analysis.n_event, border=True)
        try:
            summary = analysis.overall_curve.summary.iloc[0]
        except NotEstimable:
            return
        year = analysis.overall_curve.survival_at([12.0]).iloc[0]
        st.metric(
            "Median survival",
            format_months(summary["median"]),
            border=True,
            help=f"95 % interval {format_interval(summary['conf_low'], summary['conf_high'], format_months)}",
        )
        st.metric(
            "Alive at 12 months",
            format_percent(year["estimate"]),
            border=True,
            help=f"Kaplan-Meier; {int(year['n_risk'])} at risk at 12 months",
        )
        st.metric(
            "Median follow-up",
            format_months(summary["follow_up"]),
            border=True,
            help="Reverse Kaplan-Meier: how long patients would have been followed had nobody died",
        )


def survival_panel(analysis: Analysis, *, key: str, at_risk: str = "simple") -> None:
    """The curve by group with its risk table and the log-rank test."""
    title = f"{analysis.endpoint.free} by {analysis.by.label.lower()}" if analysis.by else analysis.endpoint.free
    with panel(literal(title), how_to_read=HOW_TO_READ_CURVE, key=f"{key}_panel"):
        result = analysis.curve
        show_chart(
            survival_chart(
                result,
                levels=tuple(analysis.by.levels) if analysis.by else ("All",),
                y_title=analysis.endpoint.free,
                x_title=f"Months from {analysis.clock_start}",
                at_risk=at_risk,
                notes=_comparison_notes(analysis),
                source_mark=analysis.registry.source or None,
            ),
            key=key,
        )
        show_cautions(analysis, (AFTER_BASELINE, SMALL, LEFT_OUT))


def _comparison_notes(analysis) -> tuple[str, ...]:
    if analysis.by is None:
        return ()
    try:
        test = analysis.comparison
    except NotEstimable as reason:
        return (str(reason),)
    return (f"{test.method}: p = {format_p(test.p_value)}".replace("= <", "< ").replace("= >", "> "),)


def forest_panel(analysis: Analysis, variables, *, key: str, title: str) -> None:
    """Hazard ratios of covariates known at diagnosis, each in a model of its own."""
    known = [v for v in variables if not v.is_post_baseline]
    with panel(title, how_to_read=HOW_TO_READ_FOREST, key=f"{key}_panel"):
        result = analysis.hazard_ratios(known, ties=dict(analysis.view.settings).get("ties", "efron"))
        rows = forest_rows(result.terms, {v.name: v.label_with_step for v in known}, overall=result.overall)
        show_chart(forest_chart(rows), key=key)
        for caution in after_baseline(analysis):
            show_caution(caution)
        show_cautions(analysis, ("few events",))


def attrition_panel(analysis: Analysis) -> None:
    """How the filters lead from all patients to these."""
    with panel("From all patients to these"):
        show_chart(attrition_chart(analysis.attrition), key="attrition")
        show_cautions(analysis, (AFTER_BASELINE,))
        if len(analysis.attrition) == 1:
            st.caption("No filter is set: everybody is in.")
