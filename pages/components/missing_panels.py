"""Panels of the Cohort page about what is not recorded: by variable, together, and what it costs."""

import pandas as pd
import streamlit as st

from core.analysis import Analysis
from core.charts.distribution_chart import distribution_chart
from core.charts.wording import format_count, format_percent
from core.distributions import MISSING
from core.export.tables import Table, view_caption
from core.missing_values import absence_in, missing_patterns, missing_values, patients_with_gaps
from pages.components.distribution_panels import clickable
from pages.components.downloads import downloads
from pages.components.literal import literal
from pages.components.panels import panel
from pages.components.tables import text_table

MOST_SHOWN = 500  # rows of a table


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
        registry, mask = analysis.registry, analysis.cohort.mask
        event = analysis.times.event[mask]
        events = analysis.endpoint.events
        known = analysis.recorded_covariates
        missing = absence_in(registry, known).of(mask)
        rows = []
        main = [v for v in registry.dictionary.headline if not v.is_post_baseline]
        for name, variables in (("the main covariates", main), ("every covariate known at diagnosis", known)):
            kept = missing.only(variables).complete
            rows.append(
                (
                    f"A model of {name} ({len(variables)})",
                    f"{format_count(kept.sum())} of {format_count(len(kept))}",
                    f"{format_count((kept & event).sum())} of {format_count(event.sum())}",
                )
            )
        text_table(rows, ("Analysis", "Patients it can use", f"{literal(events).capitalize()} it can use"))
        for why, n in analysis.times.exclusions(mask):
            st.caption(f"Every analysis of this endpoint loses {format_count(n)} of these patients: {literal(why)}.")
        patterns = missing_patterns(missing, event)
        label = {v.name: v.label for v in known}
        st.markdown("**Missing together**")
        text_table(
            [
                (
                    ", ".join(label[name] for name in row.missing) or "Nothing missing",
                    format_count(row.n),
                    format_count(row.n_event),
                )
                for row in patterns.head(MOST_SHOWN).itertuples(index=False)
            ],
            ("Not recorded", "Patients", events.capitalize()),
        )
        if len(patterns) > MOST_SHOWN:
            st.caption(f"The {MOST_SHOWN} most frequent of {format_count(len(patterns))} patterns.")
        if not missing.complete.all():
            st.markdown("**Who they are**")
            who, n = patients_with_gaps(registry, mask, known, most=MOST_SHOWN)
            text_table(who.itertuples(index=False), ("Patient", "Not recorded"))
            if n > len(who):
                st.caption(f"The first {format_count(len(who))} of {format_count(n)} in the order of the file.")


def _missing(analysis):
    event = analysis.times.event[analysis.cohort.mask]
    registry = analysis.registry
    return missing_values(absence_in(registry, registry.dictionary.filters).of(analysis.cohort.mask), event)


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
