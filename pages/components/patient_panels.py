"""Panels of the Cohort page about single patients: everybody's timeline, the table of patients, the card of one."""

import streamlit as st

from core.analysis import Analysis
from core.charts.followed_levels_chart import followed_levels_chart
from core.charts.swimmer_chart import MOST_ROWS, swimmer_chart
from core.charts.wording import format_count, format_number
from core.cohort_choices import IN_FILE_ORDER, NOBODY
from core.export.tables import Table, safe_text, view_caption
from core.exposures import exposures_of
from core.grouping import group_by_variable
from core.patients import PATIENT, column_name, history, patients_table, position_of
from core.settings import setting_named
from core.timeline import Timeline, arranged, follow_up_only, timeline
from pages.components.controls import choose, value_of
from pages.components.downloads import downloads
from pages.components.literal import literal
from pages.components.panels import panel, show_chart
from pages.components.tables import text_table

MOST_MARKS = 4
TABLE_HEIGHT = 420
MOST_LISTED = 1_000  # patients in the table, and offered for the card: every one goes to the browser
NOT_RECORDED = "Not recorded"


def timelines_panel(analysis: Analysis) -> None:
    """A row for every patient, or where they are too many how many are still followed."""
    registry = analysis.registry
    with st.container(horizontal=True):
        with st.container(width=260):
            choose(registry, "lines_colour")
        if len(analysis.cohort) <= MOST_ROWS:
            with st.container(width=320):
                choose(registry, "lines_by")
    with panel("Everybody's time since diagnosis", key="timelines_panel"):
        analysis.require_patients()
        by = _colour(analysis)
        if len(analysis.cohort) > MOST_ROWS:
            _followed(analysis, by)
            return
        found = timeline(registry, analysis.cohort.mask)
        group = None
        if by is not None:
            values = by.values.iloc[found.bars["position"]]
            group = values.astype(object).where(values.notna(), NOT_RECORDED).reset_index(drop=True)
        found = _ordered(analysis, found, by, group)
        show_chart(
            swimmer_chart(
                found,
                kinds=_kinds(registry, found),
                levels=by.levels if by is not None else (),
                source_mark=registry.source or None,
            ),
            key="timelines",
        )
        st.caption(
            "How to read this: each row is a patient from diagnosis to the end of follow-up. Hover over a row for its "
            "numbers; the card of one patient is under Patients."
        )


def _followed(analysis, by):
    """How many are still followed at each time, where they are too many for a row each."""
    mask = analysis.cohort.mask
    group, levels = None, ()
    if by is not None:
        group, levels = by.values[mask], by.levels
        if group.isna().any():
            group = group.cat.add_categories(NOT_RECORDED).fillna(NOT_RECORDED)
    ends = follow_up_only(analysis.registry, mask).bars["end"].to_numpy()
    show_chart(followed_levels_chart(ends, group, levels), key="followed_levels")
    st.caption(
        f"{format_count(len(ends))} patients are too many for a row each: shown is how many are still followed at each time. "
        f"Narrow the filters to {MOST_ROWS} or fewer to see every patient."
    )


def _colour(analysis):
    variable = analysis.registry.dictionary.by_label(analysis.view["lines_colour"])
    if variable is None:
        return None
    at_value = variable.cut == variable.cut  # not NaN
    if variable.is_numeric and at_value:
        return group_by_variable(analysis.registry, variable, "at a value", variable.cut)
    return group_by_variable(analysis.registry, variable)


def _ordered(analysis, found: Timeline, by, group) -> Timeline:
    """Levels together, and within them the longest follow-up or the file's first row on top."""
    rank = found.bars["row"]
    if analysis.view["lines_by"] == IN_FILE_ORDER:
        rank = analysis.registry.follow_up["file_row"].iloc[found.bars["position"]].reset_index(drop=True)
    if group is None:
        return arranged(found, rank.to_numpy())
    level = {name: i for i, name in enumerate(by.levels)}
    first = group.map(lambda name: level.get(name, len(level)))
    return arranged(found, (first * (rank.max() + 1) + rank).to_numpy(), group.to_numpy())


def _kinds(registry, found: Timeline) -> tuple[str, ...]:
    """What to mark besides the courses and the end: the most frequent dated events."""
    kinds = [e.label for e in exposures_of(registry) if not e.courses]
    counts = found.marks["kind"].value_counts()
    often = sorted((kind for kind in kinds if counts.get(kind, 0)), key=lambda kind: -counts[kind])[:MOST_MARKS]
    return tuple(kind for kind in kinds if kind in often)


def patients_panel(analysis: Analysis) -> None:
    """The filtered patients with chosen columns; a ticked row opens the card of that patient."""
    registry = analysis.registry
    with panel("Patients", key="patients_panel"):
        choose(registry, "columns")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            choose(registry, "dates")
        analysis.require_patients()
        variables = [registry.dictionary.by_label(label) for label in analysis.view["columns"]]
        dates = analysis.view["dates"]
        mask = analysis.cohort.mask
        _table(analysis, patients_table(registry, mask, variables, dates=dates, most=MOST_LISTED), variables, dates)
        if len(analysis.cohort) > MOST_LISTED:
            st.caption(
                f"The first {format_count(MOST_LISTED)} of {format_count(len(analysis.cohort))} patients in the order of the file; "
                "sorting and searching are among these. The files below hold all of them."
            )
        st.caption(
            "Tick a row to open the patient's timeline. Click a heading to sort; the magnifier on the table searches. "
            "Only the columns shown are sent to your browser."
        )
        downloads(
            "patients",
            numbers=lambda: Table(
                "Patients",
                patients_table(registry, mask, variables, dates=dates).reset_index(drop=True),
                view_caption(analysis),
            ),
        )


def _table(analysis, frame, variables, dates):
    registry = analysis.registry
    # a table of other patients is another table, so that no tick moves to somebody else
    key = f"_patients_{registry.slug}_{abs(hash(analysis.view.filters))}"
    patients = frame[PATIENT].tolist()

    def on_select():
        rows = st.session_state[key]["selection"]["rows"]
        chosen = patients[rows[0]] if rows and rows[0] < len(patients) else NOBODY
        st.session_state[setting_named(registry, "patient").key(registry)] = chosen

    formats = {}
    for variable in variables:
        name = safe_text(column_name(variable, dates))
        if variable.kind == "date" and dates:
            formats[name] = st.column_config.DateColumn(format="YYYY-MM-DD")
        elif variable.is_numeric:
            formats[name] = st.column_config.NumberColumn(format=f"%.{variable.decimals}f")
    shown = frame.rename(columns=safe_text)
    for name in shown.columns:
        if shown[name].dtype == object:
            shown[name] = shown[name].map(safe_text, na_action="ignore")
    st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        height=min(TABLE_HEIGHT, 38 + 35 * len(shown)),
        column_config={safe_text(PATIENT): st.column_config.TextColumn(pinned=True), **formats},
        key=key,
        on_select=on_select,
        selection_mode="single-row",
    )


def _choose_patient(registry):
    """The list of all patients, or a place to write a pseudonym where they are too many to be sent to the browser."""
    if len(registry) <= MOST_LISTED:
        choose(registry, "patient")
        return
    setting = setting_named(registry, "patient")
    chosen = value_of(registry, "patient")
    st.selectbox(
        setting.label,
        list(dict.fromkeys([NOBODY, chosen])),
        key=setting.key(registry),
        bind="query-params",
        accept_new_options=True,
        help="Write a pseudonym as it stands in the file, or tick a row of the table.",
    )


def card_panel(analysis: Analysis) -> None:
    """The timeline of one patient and everything dated, in days from diagnosis."""
    registry = analysis.registry
    with panel("One patient", key="card_panel"):
        with st.container(width=260):
            _choose_patient(registry)
        chosen = analysis.view["patient"]
        position = None if chosen == NOBODY else position_of(registry, chosen)
        if position is None:
            unknown = value_of(registry, "patient")
            if unknown != NOBODY:
                st.markdown(f":material/info: No patient is called {literal(unknown)}.")
            st.caption("Tick a row of the table, or choose a patient here.")
            return
        if not analysis.cohort.mask[position]:
            st.markdown(":material/info: The filters leave this patient out.")
        mask = analysis.cohort.mask & False
        mask[position] = True
        found = timeline(registry, mask)
        kinds = tuple(
            e.label for e in exposures_of(registry) if not e.courses and (found.marks["kind"] == e.label).any()
        )
        show_chart(swimmer_chart(found, kinds=kinds[:MOST_MARKS]), key="card")
        variables = [registry.dictionary.by_label(label) for label in analysis.view["columns"]]
        said = [
            f"**{literal(v.label)}** {literal(_value(registry, v, position))}" for v in variables if v.kind != "date"
        ]
        st.markdown(" · ".join(said))
        _events(analysis, position)


def _value(registry, variable, position):
    value = registry.patients[variable.name].iat[position]
    if value != value or value is None:
        return "not recorded"
    return f"{value:.{variable.decimals}f} {variable.unit}".strip() if variable.is_numeric else str(value)


def _events(analysis, position):
    registry, dates = analysis.registry, analysis.view["dates"]
    diagnosis = registry.dictionary.meaning("diagnosis_date")
    start = registry.patients[diagnosis.name].iat[position] if dates and diagnosis is not None else None
    rows = []
    for row in history(registry, position).itertuples(index=False):
        day = format_number(row.day, 0)
        day += f" to {format_number(row.until, 0)}" if row.until == row.until else ""
        line = (row.what, day, format_number(row.month, 1), row.detail)
        if start is not None and start == start:
            line = (*line, f"{_date(start, row.day)}")
        rows.append(line)
    columns = ["What", "Day", "Month", "More"]
    text_table(rows, [*columns, "Date"] if rows and len(rows[0]) > len(columns) else columns)


def _date(start, day):
    return f"{start.fromordinal(start.toordinal() + round(day)):%Y-%m-%d}"
