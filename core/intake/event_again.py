"""Columns that say the event once more: as covariates they would explain it by itself."""

import pandas as pd

from core.intake.mapping import Column, Mapping, known_cells
from core.intake.tables import TextTable

SAME_AS_EVENT = "says the same as the event"
MOST = 0.95  # of those with the event, and of those without
FEWEST = 3  # patients on either side of whom something must be known


def without_the_event_again(mapping: Mapping, table: TextTable) -> Mapping:
    """The mapping in which no column repeats the event: those are proposed as not used, with the reason in ``said``.

    A column repeats the event when at least 95 % of those with it have one level and at least 95 % of those without it
    another, or when it is filled in for those with the event alone (a cause). Nothing changes while it is open which
    patients have the event, and nothing in columns that a dictionary of the reader describes.
    """
    event = has_event(mapping, table)
    if event is None or min(event.sum(), (~event).sum()) < FEWEST:
        return mapping
    parts = set(mapping.roles.values())
    again = [
        column
        for column in mapping.columns
        if column.name not in parts and column.use and not column.dictionary and _repeats(column, table, event)
    ]
    return mapping.with_columns(**{column.name: {"use": False, "said": SAME_AS_EVENT} for column in again})


def has_event(mapping: Mapping, table: TextTable) -> pd.Series | None:
    """True or False of the rows of which it is known; None while the codes or the columns still have to be said."""
    if "status" in mapping.roles:
        column = mapping.column(mapping.roles["status"])
        state = {value.casefold(): mapping.states.get(value, "") for value, _ in column.levels}
        if "death" not in state.values() or "" in state.values():
            return None
        found = known_cells(table.cells[column.name]).map(lambda cell: state.get(cell.casefold(), "missing"))
        return found[found != "missing"] == "death"
    if "event_date" in mapping.roles:
        return known_cells(table.cells[mapping.roles["event_date"]]) != ""
    return None


def _repeats(column: Column, table: TextTable, event: pd.Series) -> bool:
    if column.kind == "date" or not (column.levels or column.n_missing):
        return False
    cells = known_cells(table.cells[column.name])[event.index].str.casefold()
    with_it, without = cells[event], cells[~event]
    n_with, n_without = int((with_it != "").sum()), int((without != "").sum())
    # most of those with the event, and hardly anybody else
    if n_with >= max(FEWEST, 0.5 * len(with_it)) and n_without <= (1 - MOST) * len(without):
        return True
    if not column.levels or min(n_with, n_without) < FEWEST:
        return False
    usual, of_others = (part[part != ""].value_counts() for part in (with_it, without))
    return usual.index[0] != of_others.index[0] and min(usual.iloc[0] / n_with, of_others.iloc[0] / n_without) >= MOST
