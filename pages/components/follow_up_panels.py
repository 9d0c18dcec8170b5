"""Panels of the Cohort page about follow-up: how long, how complete, and when the patients came."""

import streamlit as st

from core.analysis import Analysis
from core.charts.accrual_chart import accrual_chart
from core.charts.wording import (
    format_count,
    format_interval,
    format_months,
    format_number,
    format_percent,
)
from core.cohort_choices import BY_PERIOD
from core.endpoints import OVERALL, endpoints_of, event_name
from core.errors import NotEstimable
from core.export.tables import Table, view_caption
from core.follow_up import accrual, completeness, follow_up_summary
from pages.components.controls import choose
from pages.components.downloads import downloads
from pages.components.literal import literal
from pages.components.panels import panel, show_chart
from pages.components.tables import text_table


def follow_up_panel(analysis: Analysis) -> None:
    """Median follow-up and completeness of these patients, overall and by group."""
    event, events = event_name(analysis.registry), endpoints_of(analysis.registry)[0].events
    with panel(
        "How long and how completely they were followed",
        how_to_read="Median follow-up by the reverse Kaplan-Meier method: how long patients would have been followed had nobody "
        f"{'died' if event == OVERALL.event else f'had {literal(event)}'}. Completeness (Clark): the person-time observed as a share of what was possible up to the data cut-off.",
    ):
        analysis.require_patients()
        registry, mask = analysis.registry, analysis.cohort.mask
        by = analysis.by if analysis.by is not None and not analysis.by.against_the_rest else None
        parts = [None, by.values[mask].reset_index(drop=True)] if by is not None else [None]
        rows, whole = [], None
        for strata in parts:
            if strata is not None and strata.isna().all():
                continue
            times = follow_up_summary(registry, mask, strata)
            try:
                complete = completeness(registry, mask, strata).set_index("stratum")
            except NotEstimable as reason:
                complete, whole = None, str(reason)
            rows += [_row(time, complete) for time in times.itertuples(index=False)]
        columns = [
            "",
            "Patients",
            events[:1].upper() + events[1:],
            "Median follow-up (95% interval)",
            "Quartiles",
            "Longest",
        ]
        text_table([row[: len(columns)] if whole else row for row in rows], columns if whole else [*columns, *COMPLETE])
        if whole:
            st.caption(literal(whole))
        elif registry.cut_off is not None:
            st.caption(f"Data cut-off {registry.cut_off:%Y-%m-%d}: the last date in the whole registry.")


COMPLETE = ("Completeness", "Last seen before the cut-off")


def _row(time, complete):
    name = "All patients" if time.stratum == "All" else time.stratum
    row = (
        name,
        format_count(time.n),
        format_count(time.n_event),
        f"{format_months(time.median)} ({format_interval(time.conf_low, time.conf_high, _bare)})",
        format_interval(time.lower_quartile, time.upper_quartile, _bare),
        format_months(time.longest),
    )
    if complete is None:
        return row
    found = complete.loc[time.stratum]
    behind = "nobody"
    if found["n_behind"]:
        behind = f"{format_count(found['n_behind'])}, by up to {format_number(found['longest_gap'], 1)} months"
    return (*row, format_percent(found["completeness"], 1), behind)


def _bare(months):
    return format_months(months, unit=False)


def accrual_panel(analysis: Analysis) -> None:
    """Diagnoses, deaths and patients under follow-up over calendar time."""
    with panel("When they came", how_to_read="How to read this: hover over a period for its numbers."):
        choose(analysis.registry, "period")
        analysis.require_patients()
        frame = accrual(analysis.registry, analysis.cohort.mask, BY_PERIOD[analysis.view["period"]])
        show_chart(accrual_chart(frame, analysis.registry.cut_off), key="accrual")
        downloads(
            "accrual", numbers=lambda: Table("Accrual", frame.drop(columns=["start", "end"]), view_caption(analysis))
        )
