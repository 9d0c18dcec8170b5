"""The third step of the Data page: which columns carry patients and follow-up, and what their codes mean."""

from dataclasses import replace

import streamlit as st

from core.intake.mapping import CAUSES, ROLES, STATES, Mapping
from core.intake.proposals import DAY_NUMBERS, EVENTS, plain_causes, plain_competing, plain_event, plain_states
from core.intake.questions import questions, row_choices
from core.intake.tables import TextTable
from core.intake.values import COMMA, DATE_ORDERS, POINT, SERIAL
from pages.components.intake_state import CHOOSE, NONE, choose, kept
from pages.components.literal import literal

ALL_ROWS = "The first row of each patient"


def follow_up_panel(table: TextTable) -> Mapping:
    """The mapping with the parts of columns, as the reader says them."""
    st.subheader("3. Say which columns carry the follow-up", anchor=False)
    st.caption(
        "Either the length of follow-up with a status at its end, or the dates of its start and of the last contact with the date "
        "of the event or a status. Leave the others at (none)."
    )
    proposed = kept()["proposed"]
    names = list(table.cells.columns)
    roles = {}
    places = st.columns(3)
    for i, (role, (words, _, _)) in enumerate(ROLES.items()):
        with places[i % 3]:
            chosen = choose(words, [NONE, *names], proposed.roles.get(role, NONE), f"role_{role}")
            if chosen != NONE:
                roles[role] = chosen
                st.caption(literal(_first(proposed, chosen)))
    mapping = replace(proposed, roles=roles)
    if mapping.decimal is None:
        said = choose(
            "Numbers such as 1,234 mean", [CHOOSE, "1.234 (decimal comma)", "1234 (thousands)"], CHOOSE, "decimal"
        )
        mapping = replace(mapping, decimal={"1.234 (decimal comma)": COMMA, "1234 (thousands)": POINT}.get(said))
    if "time" in roles:
        unit = choose(
            f"Unit of {literal(roles['time'])}",
            [CHOOSE, "days", "months", "years"],
            mapping.time_unit or CHOOSE,
            f"unit_{roles['time']}",
        )
        mapping = replace(mapping, time_unit="" if unit == CHOOSE else unit)
    if "status" in roles:
        mapping = replace(mapping, states=_codes(mapping, "status", STATES, plain_states))
    if "cause" in roles:
        mapping = replace(mapping, causes=_codes(mapping, "cause", CAUSES, plain_causes))
    mapping = _named(mapping)
    mapping = _orders(mapping, table)
    return _rows_to_keep(mapping, table)


def _first(mapping, name):
    column = mapping.column(name)
    if column.identifier:
        return f"not shown: {column.identifier}"
    if name == mapping.roles.get("patient_id"):
        return "not shown: patients are called by their row"
    return "such as " + ", ".join(value[:30] for value in column.first)


def _codes(mapping, role, meanings, plain):
    """The meaning of every code; only what is plain is proposed."""
    column = mapping.column(mapping.roles[role])
    before = mapping.states if role == "status" else mapping.causes
    proposed = before if column.name == kept()["proposed"].roles.get(role) else plain(column)
    if not column.levels:
        return {}
    means = {}
    st.markdown(f"What the codes of **{literal(column.name)}** mean")
    places = st.columns(min(4, len(column.levels)))
    back = {words: meaning for meaning, words in meanings.items()}
    for i, (value, label) in enumerate(column.levels):
        with places[i % len(places)]:
            shown = value if value == label else f"{value}: {label}"
            default = meanings.get(proposed.get(value), CHOOSE)
            said = choose(literal(shown), [CHOOSE, *back], default, f"{role}_{column.name}_{i}")
            if said != CHOOSE:
                means[value] = back[said]
    return means


def _named(mapping):
    """What the event and what competes with it are called, on every page."""
    if not {"status", "event_date"} & set(mapping.roles):
        return replace(mapping, event="", competing="")
    proposed = kept()["proposed"]
    same = all(mapping.roles.get(role) == proposed.roles.get(role) for role in ("status", "event_date", "time"))
    event = proposed.event if same and proposed.event else plain_event(mapping)
    places = st.columns(3)
    with places[0]:
        said = choose(
            "The event is called",
            [CHOOSE, *EVENTS],
            event or CHOOSE,
            f"event_{mapping.roles.get('status', '')}_{mapping.roles.get('event_date', '')}",
            accept_new_options=True,
            help="One word for one event, as it reads in a sentence: death, relapse. Choose, or write another and press Enter.",
        )
    mapping = replace(mapping, event=_word(said), competing="")
    if "competing" in mapping.states.values():
        competing = proposed.competing or plain_competing(mapping)
        others = [word for word in EVENTS if word != mapping.event]
        with places[1]:
            said = choose(
                "What competes is called",
                [CHOOSE, *dict.fromkeys([competing, *others] if competing else others)],
                competing or CHOOSE,
                f"competing_{mapping.roles['status']}",
                accept_new_options=True,
                help="What makes the event impossible or ends follow-up: transplant, death. Choose, or write another and press Enter.",
            )
        mapping = replace(mapping, competing=_word(said))
    return mapping


def _word(said):
    return "" if said in (CHOOSE, None) else " ".join(str(said).split())[:40]


def _orders(mapping, table):
    """The order of day and month wherever it has to be asked."""
    asked = {q.about for q in questions(mapping, table) if q.kind == "order"}
    changes = {}
    for column in mapping.columns:
        if column.name not in asked:
            continue
        serial = column.kind != "date" or column.said == DAY_NUMBERS
        orders = [SERIAL] if serial else [order for order in DATE_ORDERS if order != SERIAL]
        said = choose(f"Dates in {literal(column.name)}", [CHOOSE, *orders], CHOOSE, f"order_{column.name}")
        if said != CHOOSE:
            changes[column.name] = {"order": said}
    return mapping.with_columns(**changes) if changes else mapping


def _rows_to_keep(mapping, table):
    unsaid = replace(mapping, only=None)
    if not any(q.kind == "rows" for q in questions(unsaid, table)):
        return mapping
    choices = {f"Rows in which {column} is {value}": (column, value) for column, value in row_choices(mapping, table)}
    before = {pair: words for words, pair in choices.items()} | {("", ""): ALL_ROWS}
    said = choose(
        "Some patients stand in more than one row. Keep",
        [CHOOSE, *choices, ALL_ROWS],
        before.get(mapping.only, CHOOSE),
        "rows",
    )
    return replace(mapping, only=None if said == CHOOSE else choices.get(said, ("", "")))
