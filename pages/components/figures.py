"""Panels with a figure: survival curves, hazard ratios, attrition."""

import streamlit as st

from core.analysis import Analysis
from core.cautions import AFTER_BASELINE, FEW_EVENTS, LEFT_OUT, SMALL
from core.charts.forest_chart import forest_chart
from core.charts.forest_rows import forest_rows
from core.charts.notice import with_notice
from core.charts.survival_chart import survival_chart
from core.charts.wording import format_interval, format_months, format_p_statement, format_percent, in_sentence
from core.conventions import SMALL_RISK_SET
from core.endpoints import EARLY
from core.errors import NotEstimable
from core.export.sentences import ratio_sentence, survival_sentence
from core.settings import RISK_TABLES, SHOWS
from pages.components.competing_panels import competing_headline, incidence_panel
from pages.components.literal import literal
from pages.components.panels import baseline_notice, panel, show_cautions, show_chart, wording

MOST_BANDS = 4
HOW_TO_READ_FOREST = (
    "How to read this: right of 1 the hazard is higher, left of 1 lower, compared with the reference; the line is the 95% "
    "interval. Each row is a model of its own and is not adjusted for the others."
)


def headline_numbers(analysis: Analysis) -> None:
    """Patients, events, median and follow-up of the whole cohort."""
    endpoint = analysis.endpoint
    # wide enough for the longest label, which is not shortened
    least = 260 if endpoint.competing else 150 if len(endpoint.median_title) < 18 else 210
    with st.grid(columns="auto", min_column_width=least):
        st.metric("Patients", f"{len(analysis.cohort):,} of {len(analysis.registry):,}", border=True)
        if endpoint.competing:
            st.metric(endpoint.had, f"{analysis.n_event:,}", border=True)
            competing_headline(analysis)
            return
        st.metric(endpoint.events.capitalize(), f"{analysis.n_event:,}", border=True)
        try:
            summary = analysis.overall_curve.summary.iloc[0]
        except NotEstimable:
            return
        months = min(12, analysis.window_months) if endpoint.name == EARLY.name else 12
        year = analysis.overall_curve.survival_at([float(months)]).iloc[0]
        st.metric(
            endpoint.median_title,
            _short_months(summary["median"]),
            border=True,
            help=f"95% interval {format_interval(summary['conf_low'], summary['conf_high'], lambda m: format_months(m, unit=False))}",
        )
        st.metric(
            f"{endpoint.free_title} at {months} months",
            format_percent(year["estimate"]),
            border=True,
            help=f"Kaplan-Meier; {int(year['n_risk']):,} at risk at {months} months",
        )
        st.metric(
            "Median follow-up",
            _short_months(summary["follow_up"]),
            border=True,
            help="Reverse Kaplan-Meier: how long patients would have been followed without any event",
        )


def _short_months(months) -> str:
    """A time that fits on a card."""
    return format_months(months).replace(" months", " mo")


def survival_panel(analysis: Analysis, *, key: str) -> None:
    """The curve by group with its risk table and the test of the groups: Kaplan-Meier, or incidence where something competes."""
    if analysis.endpoint.competing:
        incidence_panel(analysis, key=key)
        return
    settings = dict(analysis.view.settings)
    show = settings.get("show", SHOWS[0])
    free = analysis.endpoint.free
    name = {SHOWS[0]: free, SHOWS[1]: f"Cumulative incidence of {analysis.endpoint.event}", SHOWS[2]: SHOWS[2]}[show]
    title = f"{name} by {in_sentence(analysis.by.label)}" if analysis.by else name
    with panel(literal(title), how_to_read=_how_to_read(analysis, show), key=f"{key}_panel"):
        show_chart(
            survival_chart(
                analysis.curve,
                levels=tuple(analysis.by.levels) if analysis.by else ("All",),
                view={SHOWS[0]: "survival", SHOWS[1]: "incidence", SHOWS[2]: "hazard"}[show],
                y_title=name,
                x_title=analysis.time_title,
                at_risk="extended" if settings.get("risk_table") == RISK_TABLES[0] else "simple",
                notes=_comparison_notes(analysis),
                notice=baseline_notice(analysis),
                source_mark=analysis.registry.source or None,
                conf_band=_few_groups(analysis),
                show_median=_few_groups(analysis),
            ),
            key=key,
        )
        show_cautions(analysis, (AFTER_BASELINE, SMALL, LEFT_OUT), on_figure=True)
        wording(lambda: survival_sentence(analysis), key)


def _few_groups(analysis) -> bool:
    """Bands and medians of many groups cover one another."""
    return analysis.strata is None or analysis.strata.nunique() <= MOST_BANDS


def _how_to_read(analysis, show):
    article = "an" if analysis.endpoint.event[:1] in "aeiou" else "a"
    step = f"step {'down' if show == SHOWS[0] else 'up'} is {article} {analysis.endpoint.event}"
    if _few_groups(analysis):
        band = f"the band is the {analysis.conf_level:.0%} interval at each time ({analysis.conf_type})"
    else:
        band = f"with more than {MOST_BANDS} groups the bands are left out, and the intervals stand in the tables"
    return (
        f"How to read this: each {step}, each tick a patient whose follow-up ended there; {band}. Curves are lighter where fewer than "
        f"{SMALL_RISK_SET} are at risk."
    )


def landmark_notice(analysis: Analysis) -> None:
    """What a landmark costs."""
    if not analysis.landmark_months:
        return
    try:
        n, n_event = analysis.left_out_by_landmark
    except NotEstimable:
        return  # the panel says it
    st.markdown(
        f":material/flag: Landmark at {analysis.landmark_months} months: {n:,} patients and {n_event:,} {analysis.endpoint.events} "
        "before it are left out."
    )


def _comparison_notes(analysis) -> tuple[str, ...]:
    if analysis.by is None or analysis.by.is_post_baseline:
        return ()  # a test at face value is no headline: the notice takes its place
    try:
        test = analysis.comparison
    except NotEstimable as reason:
        return (str(reason),)
    return (f"{test.method}: {format_p_statement(test.p_value)}",)


def ratio_name(analysis: Analysis) -> str:
    """What a ratio of this endpoint is called."""
    return "Cause-specific hazard ratio" if analysis.endpoint.competing else "Hazard ratio"


def forest_panel(analysis: Analysis, variables, *, key: str, title: str) -> None:
    """Hazard ratios of covariates known at diagnosis, each in a model of its own."""
    known = [v for v in variables if not v.is_post_baseline]
    how = HOW_TO_READ_FOREST
    if analysis.endpoint.competing:
        how += f" Cause-specific: the rate of {analysis.endpoint.event} among those still free of every event."
    with panel(title, how_to_read=how, key=f"{key}_panel"):
        result = analysis.hazard_ratios(known)
        rows = forest_rows(result.terms, {v.name: v.label_with_step for v in known}, overall=result.overall)
        chart = forest_chart(rows, x_title=f"{ratio_name(analysis)} (95% CI), log scale")
        show_chart(with_notice(chart, baseline_notice(analysis, grouped=False)), key=key)
        show_cautions(analysis, (AFTER_BASELINE, FEW_EVENTS), on_figure=True)
        wording(lambda: ratio_sentence(analysis, known), key)
