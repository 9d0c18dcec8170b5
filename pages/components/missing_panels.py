"""Panels of the Cohort page about what is not recorded: by variable, together, and what it costs."""

import pandas as pd
import streamlit as st

from core.analysis import Analysis
from core.charts.distribution_chart import distribution_chart
from core.charts.wording import format_count, format_percent
from core.distributions import MISSING
from core.export.tables import Table, view_caption
from core.missing_values import complete_cases, missing_patterns, missing_values
from pages.components.distribution_panels import clickable
from pages.components.downloads import downloads
from pages.components.literal import literal
from pages.components.panels import panel
from pages.components.tables import text_table


def missing_panel(analysis: Analysis) -> None:
    """How much of each variable is missing, with the events that go with it. A click filters by it."""
    with panel(
        "What is not recorded",
        how_to_read="How to read this: in colour the patients without a value. Click a bar to see only them, and once more to "
        "undo that.",
        key="missing_panel",
    ):
        frame = _missing(analysis)
        absent = frame[frame["n_missing"] > 0].sort_values("n_missing", ascending=False, kind="stable")
        if absent.empty:
            st.caption("Every variable is recorded for every one of these patients.")
            return
        variables = [analysis.registry.dictionary[name] for name in absent["variable"]]
        bars = pd.DataFrame(
            {"label": absent["label"], "kind": MISSING, "level": "", "n": absent["n_missing"], "n_all": absent["n"]}
        ).reset_index(drop=True)
        clickable(
            analysis,
            "missing",
            distribution_chart(bars, title="Not recorded"),
            lambda position: (variables[position], bars.loc[position]),
        )
        _table(analysis, absent)


def lost_panel(analysis: Analysis) -> None:
    """Which patients an analysis of several variables would lose, and what they miss together."""
    with panel("What it costs an analysis"):
        analysis.require_patients()
        patients, event = analysis.cohort.patients, analysis.times.event[analysis.cohort.mask]
        events = analysis.endpoint.events
        known = analysis.recorded_covariates
        rows = []
        main = [v for v in analysis.registry.dictionary.headline if not v.is_post_baseline]
        for name, variables in (("the main covariates", main), ("every covariate known at diagnosis", known)):
            kept = complete_cases(patients, variables)
            rows.append(
                (
                    f"A model of {name} ({len(variables)})",
                    f"{format_count(kept.sum())} of {format_count(len(kept))}",
                    f"{format_count((kept & event).sum())} of {format_count(event.sum())}",
                )
            )
        text_table(rows, ("Analysis", "Patients it can use", f"{literal(events).capitalize()} it can use"))
        for why, n in analysis.times.exclusions(analysis.cohort.mask):
            st.caption(f"Every analysis of this endpoint loses {n} of these patients: {literal(why)}.")
        label = {v.name: v.label for v in known}
        patterns = missing_patterns(patients, known, event)
        st.markdown("**Missing together**")
        text_table(
            [
                (
                    ", ".join(label[name] for name in row.missing) or "Nothing missing",
                    format_count(row.n),
                    format_count(row.n_event),
                )
                for row in patterns.itertuples(index=False)
            ],
            ("Not recorded", "Patients", events.capitalize()),
        )
        lost = ~complete_cases(patients, known)
        if lost.any():
            who = analysis.registry.follow_up.loc[patients.index, "patient"].astype(str)
            st.markdown("**Who they are**")
            text_table(
                [
                    (who[position], ", ".join(v.label for v in known if pd.isna(patients.at[position, v.name])))
                    for position in who[lost].sort_values().index
                ],
                ("Patient", "Not recorded"),
            )


def _missing(analysis):
    event = analysis.times.event[analysis.cohort.mask]
    return missing_values(analysis.cohort.patients, analysis.registry.dictionary.filters, event)


def _table(analysis, absent):
    events = analysis.endpoint.events
    text_table(
        [
            (
                row.label,
                f"{format_count(row.n_missing)} ({format_percent(row.percent / 100, 1)})",
                f"{format_count(row.n_missing_event)} of {format_count(row.n_event)}",
                f"{format_count(row.n_missing_no_event)} of {format_count(row.n_no_event)}",
                format_count(row.n_only),
            )
            for row in absent.itertuples(index=False)
        ],
        ("Variable", "Not recorded", f"Of those with the event ({events})", "Of the others", "Miss only this"),
    )
    caption = f"{view_caption(analysis)} {analysis.endpoint.label}: {analysis.definition_of(analysis.endpoint)}"
    downloads("missing_values", numbers=lambda: Table("Missing values", absent.reset_index(drop=True), caption))
