"""The fourth step of the Data page: every other column, its levels and their order, its unit, and what in it is no value."""

import pandas as pd
import streamlit as st

from core.intake.event_again import SAME_AS_EVENT, without_the_event_again
from core.intake.mapping import KINDS, Mapping, distinct, known_cells
from core.intake.stand_ins import AS_LIMIT, AS_MISSING
from core.intake.tables import TextTable
from pages.components.intake_state import CHOOSE, choose, kept
from pages.components.literal import literal

AT_START, LATER = "at the start", "later"
NOT_RECORDED, A_VALUE = "Not recorded", "A value like any other"
MOST_LEVELS = 50


def variables_panel(table: TextTable, mapping: Mapping) -> Mapping:
    """The mapping with what the reader says of every column that carries no follow-up."""
    st.subheader("4. Say what the other columns are", anchor=False)
    st.caption("Change a name, a kind or a unit where the proposal is wrong; take out what should not be used.")
    state = kept()
    mapping = _without_the_event(mapping, table)
    others = [c for c in mapping.columns if c.name not in mapping.roles.values()]
    again = [c.name for c in others if c.said == SAME_AS_EVENT]
    if again:
        st.caption(
            f"Proposed as not used, because it {SAME_AS_EVENT}: {literal(', '.join(again))}. Tick Use to have it all the same."
        )
    later = [f"{c.name} ({c.dated_by})" for c in others if c.use and c.dated_by and c.timing != "baseline"]
    if later:
        st.caption(
            f"Proposed as known only later, since the date in brackets: {literal(', '.join(later))}. Change Known and Since where "
            "that is wrong."
        )
    dating = {c.dated_by for c in mapping.columns if c.dated_by}
    key = f"_intake_{state['token']}_columns_{hash((tuple(c.name for c in others), tuple(again)))}"
    if key not in st.session_state:
        state["base"] = _merged(pd.DataFrame([_line(c) for c in others]), state.get("edited"))
    if others:
        edited = st.data_editor(
            state["base"],
            key=key,
            hide_index=True,
            width="stretch",
            disabled=["Column", "First values", "Note"],
            column_config={
                "Kind": st.column_config.SelectboxColumn(options=list(KINDS), required=True),
                "Known": st.column_config.SelectboxColumn(options=[AT_START, LATER], required=True),
                "Since": st.column_config.SelectboxColumn(
                    options=["", *(c.name for c in mapping.columns if c.kind == "date" or c.name in dating)],
                    help="For a yes or no that is known only later: the column with the date on which it began.",
                ),
                "Name on screen": st.column_config.TextColumn(required=True, max_chars=100),
            },
        )
        state["edited"] = edited
        changes = {}
        for row in edited.to_dict("records"):
            changes[row["Column"]] = _as_changes(mapping.column(row["Column"]), row, table)
        mapping = mapping.with_columns(**changes)
    mapping = _levels(mapping)
    mapping = _no_values(mapping)
    return _units(mapping)


def _without_the_event(mapping, table):
    """The mapping in which what repeats the event is not used; looked for once for each way to say what the event is."""
    state = kept()
    asked = (state["token"], mapping.roles, mapping.states)
    if state.get("event_again_for") != asked:
        found = without_the_event_again(mapping, table)
        state["event_again"] = {
            c.name: {"use": c.use, "said": c.said} for c in found.columns if c.said == SAME_AS_EVENT
        }
        state["event_again_for"] = asked
    return mapping.with_columns(**state["event_again"])


def _line(column):
    return {
        "Use": column.use,
        "Column": column.name,
        "First values": f"not shown: {column.identifier}"
        if column.identifier
        else ", ".join(v[:20] for v in column.first),
        "Name on screen": column.label,
        "Kind": column.kind,
        "Unit": column.unit,
        "Known": AT_START if column.timing == "baseline" else LATER,
        "Since": column.dated_by,
        "Note": column.said or (f"{column.n_missing} not recorded" if column.n_missing else ""),
    }


def _merged(frame, edited):
    if edited is None or frame.empty:
        return frame
    before = edited.set_index("Column")
    for i, name in enumerate(frame["Column"]):
        if name in before.index:
            proposed = frame.loc[i, ["Use", "Note"]]
            frame.loc[i, list(before.columns)] = before.loc[name]
            if proposed["Note"] != before.loc[name, "Note"]:  # another event, so another proposal
                frame.loc[i, ["Use", "Note"]] = proposed
    return frame


def _as_changes(column, row, table):
    kind = row["Kind"]
    changes = {
        "use": bool(row["Use"]),
        "label": str(row["Name on screen"] or column.name),
        "unit": str(row["Unit"] or ""),
        "timing": "baseline" if row["Known"] == AT_START else "post-baseline",
        "dated_by": row["Since"] if isinstance(row["Since"], str) else "",
        "kind": kind,
    }
    if kind in ("binary", "nominal", "ordinal") and not column.levels:
        values = distinct(known_cells(table.cells[column.name]))
        changes["levels"] = tuple((value, value) for value in values[:MOST_LEVELS])
    return changes


def _levels(mapping):
    """Names and order of levels. What carries the follow-up is named above."""
    coded = {mapping.roles.get("status")}
    rows = [
        {"Column": c.name, "Value": value, "Name on screen": label, "Place": place}
        for c in mapping.columns
        if c.use and c.levels and not c.identifier and c.name not in coded
        for place, (value, label) in enumerate(c.levels, 1)
    ]
    if not rows:
        return mapping
    state = kept()
    with st.expander("Names and order of levels"):
        st.caption("The level with the lowest place comes first in every figure, and hazard ratios compare with it.")
        frame = pd.DataFrame(rows)
        key = f"_intake_{state['token']}_levels_{hash(tuple(frame['Column'] + frame['Value']))}"
        if state.get("levels_key") != key or key not in st.session_state:
            before = state.get("levels")
            state["levels_base"] = _again(frame, before) if before is not None else frame
            state["levels_key"] = key
        edited = st.data_editor(
            state["levels_base"],
            key=key,
            hide_index=True,
            width="stretch",
            disabled=["Column", "Value"],
            column_config={"Place": st.column_config.NumberColumn(min_value=1, step=1, required=True)},
        )
        state["levels"] = edited
    changes = {}
    for name, part in edited.groupby("Column", sort=False):
        part = part.sort_values("Place", kind="stable")
        labels = part["Name on screen"].fillna("").astype(str)
        changes[name] = {"levels": tuple(zip(part["Value"], labels, strict=True))}
    return mapping.with_columns(**changes)


def _again(frame, before):
    """The levels with the names and places that were given before the table changed."""
    known = before.set_index(["Column", "Value"])
    for i, pair in enumerate(zip(frame["Column"], frame["Value"], strict=True)):
        if pair in known.index:
            frame.loc[i, ["Name on screen", "Place"]] = known.loc[pair, ["Name on screen", "Place"]].to_numpy()
    return frame


def _no_values(mapping):
    """Numbers that may stand for "not recorded", and values beyond what can be measured: what they count as."""
    coded = {mapping.roles.get(role) for role in ("patient_id", "status", "cause")}
    changes = {}
    for column in mapping.columns:
        if column.name in coded or not (column.use or column.name in mapping.roles.values()):
            continue
        missing, genuine = set(), set()
        for code, n in column.suspects:
            proposed = NOT_RECORDED if code in column.missing else A_VALUE if code in column.genuine else CHOOSE
            said = choose(
                f"{literal(column.label)}: {code:g} occurs {'once' if n == 1 else f'{n:,} times'} and nothing else lies near it",
                [CHOOSE, NOT_RECORDED, A_VALUE],
                proposed,
                f"code_{column.name}_{code:g}",
            )
            (missing if said == NOT_RECORDED else genuine if said == A_VALUE else set()).add(code)
        change = {"missing": tuple(sorted(missing)), "genuine": tuple(sorted(genuine))} if column.suspects else {}
        if column.n_beyond and column.kind in ("continuous", "count"):
            said = choose(
                f"{literal(column.label)}: {column.n_beyond:,} values are written like <0.5. They count as",
                [CHOOSE, AS_LIMIT, AS_MISSING],
                column.beyond or CHOOSE,
                f"beyond_{column.name}",
            )
            change["beyond"] = "" if said == CHOOSE else said
        if change:
            changes[column.name] = change
    return mapping.with_columns(**changes) if changes else mapping


def _units(mapping):
    """Numbers that seem to be in another unit than usual: converted with one click, or kept."""
    changes = {}
    for column in mapping.columns:
        trap = column.trap
        if trap is None or not column.use or column.kind not in ("continuous", "count"):
            continue
        keep, convert = f"Keep {trap.found}", f"Convert to {trap.expected} (times {trap.factor:g})"
        said = choose(
            f"{literal(column.label)} seems to be in {trap.found}; {trap.expected} is usual here",
            [keep, convert],
            keep,
            f"trap_{column.name}",
        )
        if said == convert:
            changes[column.name] = {"factor": trap.factor, "unit": trap.expected}
        else:
            changes[column.name] = {"unit": column.unit or trap.found}
    return mapping.with_columns(**changes) if changes else mapping
