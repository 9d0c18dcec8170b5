"""Panels of the Cohort page with a Table 1: the patients by group, and the kept beside those left out."""

import pandas as pd
import streamlit as st

from core.analysis import Analysis
from core.charts.attrition_chart import attrition_chart
from core.charts.wording import in_sentence
from core.cohort_choices import SUMMARIES
from core.export.table_one_rows import (
    CHARACTERISTIC,
    LEVEL,
    MISSING,
    P_VALUE,
    SECTION,
    SMD,
    TEST,
    table_one_notes,
    table_one_numbers,
    table_one_rows,
)
from core.export.tables import Table, view_caption
from core.table_one import TableOne, described_variables, kept_and_left_out, table_one
from pages.components.controls import choose
from pages.components.downloads import downloads
from pages.components.kept import kept
from pages.components.literal import literal
from pages.components.panels import panel, show_chart

INDENT = "\u2003"
SHORT = 14  # characters


def table_one_panel(analysis: Analysis) -> None:
    """Every variable for all patients and by group, with standardised differences and tests on request."""
    registry = analysis.registry
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width=260):
            choose(registry, "numbers_as")
        if analysis.by is not None:
            choose(registry, "tests")
    by = analysis.by
    with panel(literal(f"Patients by {in_sentence(by.label)}") if by is not None else "Patients"):
        if not len(analysis.cohort) and not (by is not None and by.against_the_rest):
            analysis.require_patients()
        table, rows = _by_group(
            analysis,
            key=repr((_who(analysis), analysis.view["by"], by and by.levels, analysis.view["numbers_as"], analysis.view["tests"])),
        )  # fmt: skip
        notes = table_one_notes(table, group_label=by.label if by is not None else "")
        if by is not None:
            listed = {v.name for v in (*table.variables, by.variable) if v is not None}  # a kept table holds copies
            left_out = [v.label for v in registry.dictionary.filters if v.name not in listed]
            if left_out:
                notes += (f"Not listed, because the groups are made from it: {', '.join(left_out)}.",)
        _draw(rows, notes)
        _hand_out((table, rows), "Table 1", "table_1", view_caption(analysis), notes)


def selection_panel(analysis: Analysis) -> None:
    """How the filters lead from all patients to these, and how those left out differ from those kept."""
    with panel("From all patients to these", how_to_read=_how_to_read(analysis)):
        show_chart(attrition_chart(analysis.attrition, events=analysis.endpoint.events), key="attrition")
        if len(analysis.attrition) == 1:
            st.caption("No filter is set: everybody is in.")
    with panel("Who was left out"):
        n, n_all = len(analysis.cohort), len(analysis.registry)
        if n == n_all:
            st.caption("Nobody is left out. Set a filter, and those kept stand here beside those left out.")
            return
        if n == 0:
            analysis.require_patients()
        table, rows = _kept(analysis, key=repr(_who(analysis)))
        st.caption(
            "What was known at diagnosis, for the patients that the filters keep and for the others. The larger the "
            "standardised difference (SMD), the less the findings speak for those left out; above about 0.2 it is worth a "
            "thought. What was filtered by differs by intention."
        )
        notes = table_one_notes(table)
        _draw(rows, notes, without=(rows.columns[3],))  # everybody together
        _hand_out((table, rows), "Kept and left out", "left_out", view_caption(analysis), notes)


def _how_to_read(analysis):
    return (
        f"How to read this: filters apply from top to bottom; what one leaves out the next cannot. {literal(analysis.endpoint.events).capitalize()} "
        'as the endpoint counts them. "Not recorded" is what missing values cost.'
    )


def _who(analysis):
    return analysis.registry.fingerprint, analysis.view.filters


@kept(128)
def _by_group(_analysis: Analysis, key: str) -> tuple[TableOne, pd.DataFrame]:
    registry, by = _analysis.registry, _analysis.by
    everyone = by is not None and by.against_the_rest
    mask = _analysis.cohort.mask | everyone
    variables = described_variables(registry.dictionary, by.variable if by is not None else None)
    how = SUMMARIES[_analysis.view["numbers_as"]]
    table = table_one(
        registry.patients[[v.name for v in variables]][mask],
        variables,
        by.values[mask] if by is not None else None,
        summary={v.name: how for v in variables if v.is_numeric} if how else None,
        tests=_analysis.view["tests"],
    )
    return table, table_one_rows(table)


@kept(128)
def _kept(_analysis: Analysis, key: str) -> tuple[TableOne, pd.DataFrame]:
    variables = [v for v in _analysis.registry.dictionary.filters if not v.is_post_baseline]
    table = kept_and_left_out(_analysis.registry.patients, variables, _analysis.cohort.mask)
    return table, table_one_rows(table)


def _draw(rows, notes, without=()):
    st.table(_as_on_paper(rows, without), border="horizontal", hide_index=True)
    st.caption("  \n".join(literal(note) for note in notes))


def _as_on_paper(rows, without):
    """One column of names: sections in bold, levels indented below their variable, so that it fits a narrow screen."""
    numbers = [c for c in rows.columns if c not in (SECTION, CHARACTERISTIC, LEVEL, *without)]
    beside = [c for c in (SMD, P_VALUE, TEST, MISSING) if c in numbers]
    lines, section = [], None
    ends = [*(rows[CHARACTERISTIC] != ""), True][1:]
    for row, is_last in zip(rows.to_dict("records"), ends, strict=True):
        if row[SECTION] != section:
            section = row[SECTION]
            lines.append({CHARACTERISTIC: f"**{literal(section)}**"})
        cells = {column: _unbroken(literal(row[column])) for column in numbers}
        name, level = literal(row[CHARACTERISTIC]), literal(row[LEVEL])
        if name and (is_last or not level):
            said = "" if level in ("Yes", "") else f" :gray[{level}]"
            lines.append({CHARACTERISTIC: name + said} | cells)
            continue
        if name:
            lines.append({CHARACTERISTIC: name} | {column: cells[column] for column in beside})
            cells |= dict.fromkeys(beside, "")
        lines.append({CHARACTERISTIC: INDENT + level} | cells)
    frame = pd.DataFrame(lines, columns=[CHARACTERISTIC, *numbers]).fillna("")
    return frame.rename(columns=literal)


def _unbroken(text):
    """Short cells stay on one line."""
    return text.replace(" ", "\u00a0") if len(text) <= SHORT else text


def _hand_out(described, title, name, caption, notes):
    table, rows = described
    downloads(
        name,
        numbers=lambda: Table("Numbers", table_one_numbers(table), caption, notes),
        shown=lambda: Table(title, rows, caption, notes, SECTION),
    )
