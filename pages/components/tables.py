"""Panels with a table: numbers to the digit, for reading and copying."""

import pandas as pd
import streamlit as st

from core.analysis import Analysis
from core.charts.wording import NOT_ESTIMABLE, format_interval, format_p, format_ratio
from core.registry import Registry
from core.registry.findings import findings_table
from pages.components.literal import literal
from pages.components.panels import panel

LONG, ROW_HEIGHT = 24, 32


def text_table(rows, columns) -> None:
    """A table of words and numbers. Short ones stand on the page whole; long ones scroll in a place of their own."""
    frame = pd.DataFrame(rows, columns=list(columns))
    if len(frame) > LONG:
        st.dataframe(frame, hide_index=True, width="stretch", row_height=ROW_HEIGHT)
    else:
        shown = frame.map(literal).rename(columns=literal)
        st.table(shown, border="horizontal", hide_index=True)


def definitions(rows) -> None:
    """What is meant, how it is done, and why: one below the other, for a screen of any width."""
    with st.container(border=True):
        for topic, choice, reason in rows:
            why = f" :gray[{literal(reason)}]" if reason else ""
            st.markdown(f"**{literal(topic)}.** {literal(choice)}{why}")


def hazard_ratio_table(analysis: Analysis) -> None:
    """Every covariate and level with its counts, ratio, interval and p."""
    with panel("The same as a table"):
        variables = analysis.recorded_covariates
        result = analysis.hazard_ratios(variables, ties=analysis.view["ties"])
        label = {v.name: v.label_with_step for v in variables}
        rows = []
        for term in result.terms.itertuples(index=False):
            if term.is_reference:
                ratio, interval, p = "reference", "", ""
            elif term.note:
                ratio, interval, p = NOT_ESTIMABLE, "", ""
            else:
                ratio = format_ratio(term.estimate)
                interval = format_interval(term.conf_low, term.conf_high, format_ratio)
                p = format_p(term.p_value)
            rows.append(
                (
                    label[term.covariate],
                    term.level,
                    int(term.n),
                    int(term.n_event),
                    ratio,
                    interval,
                    p,
                    _reason(term.note),
                )
            )
        text_table(
            rows,
            (
                "Covariate",
                "Level",
                "Patients",
                analysis.endpoint.events.capitalize(),
                "Cause-specific hazard ratio" if analysis.endpoint.competing else "Hazard ratio",
                "95% interval",
                "p",
                "Note",
            ),
        )


def _reason(note: str) -> str:
    return note.removeprefix(f"{NOT_ESTIMABLE}: ")


def findings_panel(registry: Registry) -> None:
    """What the checks found on reading."""
    with panel("What the checks found on reading"):
        st.caption(f"{registry.n_read} rows read, {len(registry)} kept, {registry.n_excluded} excluded.")
        if not registry.findings:
            st.caption("Nothing to report.")
            return
        frame = findings_table(registry.findings)
        text_table(
            frame.itertuples(index=False, name=None),
            ("Rule", "File", "Column", "Rows affected", "Where", "What was done"),
        )


def dictionary_table(registry: Registry) -> None:
    """The dictionary in force."""
    text_table(
        [
            (
                v.label,
                v.unit,
                v.kind,
                ", ".join(v.levels),
                v.role,
                "known at diagnosis" if v.timing == "baseline" else "known later",
                v.description,
            )
            for v in registry.dictionary
        ],
        ("Variable", "Unit", "Kind", "Levels", "Part", "When", "Definition"),
    )
