"""What only the reader knows, asked before a registry opens."""

from dataclasses import dataclass

from core.intake.mapping import CAUSES, ROLES, STATES, Mapping, known_cells
from core.intake.proposals import DAY_NUMBERS
from core.intake.stand_ins import AS_LIMIT, AS_MISSING
from core.intake.tables import TextTable
from core.intake.values import DATE_ORDERS, POINT, SERIAL, has_short_year, is_date, numbers


@dataclass(frozen=True)
class Question:
    """Something that only the reader knows. ``about`` is the part or the column it belongs to."""

    kind: str  # roles, decimal, order, time_unit, states, event, competing, causes, rows, missing, beyond
    about: str
    text: str


def questions(mapping: Mapping, table: TextTable) -> list[Question]:
    """What has to be answered before the registry can be opened; [] when everything is."""
    asked, roles = [], mapping.roles

    def ask(kind, about, text):
        asked.append(Question(kind, about, text))

    by_time = "time" in roles and "status" in roles
    by_dates = "start" in roles and "last_contact" in roles and ("event_date" in roles or "status" in roles)
    if not (by_time or by_dates):
        ask(
            "roles",
            "follow-up",
            "Follow-up needs either its length with a status, or the dates of its start and of the last contact with the date of "
            "the event or a status. Choose the columns.",
        )
    twice = sorted({column for column in roles.values() if list(roles.values()).count(column) > 1})
    for column in twice:
        ask("roles", column, f"Column {column!r} has two parts. Choose another column for one of them.")
    if mapping.decimal is None:
        ask(
            "decimal",
            "",
            "Numbers such as 1,234 stand in the file: is the comma a decimal sign or does it group thousands?",
        )
    used = {c.name for c in mapping.columns if c.use and c.name not in roles.values()} | set(roles.values())
    for role in roles:
        if ROLES[role][2]:
            column = mapping.column(roles[role])
            cells = known_cells(table.cells[column.name])
            if column.kind != "date" and column.order != SERIAL:
                plain = numbers(cells[cells != ""])
                if len(plain) and plain.between(10_000, 80_000).mean() > 0.9:
                    ask(
                        "order", column.name, f"{column.name!r} holds numbers, not dates. Are they Excel's day numbers?"
                    )
                else:
                    ask("roles", column.name, _no_dates(column.name, cells, table))
    for column in mapping.columns:
        if column.name in used and column.said == DAY_NUMBERS and column.order != SERIAL:
            ask("order", column.name, f"{column.name!r} holds numbers, not dates. Are they Excel's day numbers?")
        elif column.name in used and column.kind == "date" and column.order not in DATE_ORDERS:
            ask("order", column.name, f"In {column.name!r} day and month could be exchanged. Which comes first?")
    if by_time:
        if mapping.time_unit not in ("days", "months", "years"):
            ask("time_unit", roles["time"], f"In which unit is {roles['time']!r}?")
        if numbers(known_cells(table.cells[roles["time"]]), mapping.decimal or POINT).notna().sum() == 0:
            ask("roles", roles["time"], f"{roles['time']!r} holds no numbers. Choose another column.")
    if "status" in roles:
        values = [value for value, _ in mapping.column(roles["status"]).levels]
        open_values = [value for value in values if mapping.states.get(value) not in STATES]
        if not values:
            ask(
                "roles",
                roles["status"],
                f"{roles['status']!r} has too many different values for a status. Choose another column.",
            )
        elif open_values:
            ask("states", roles["status"], f"What do the {len(open_values)} codes of {roles['status']!r} mean?")
        elif "death" not in mapping.states.values():
            ask("states", roles["status"], f"No code of {roles['status']!r} means the event. Say which one does.")
        elif "competing" in mapping.states.values() and not mapping.competing.strip():
            ask("competing", roles["status"], f"What is it in {roles['status']!r} that competes with the event?")
    if (by_time or by_dates) and not mapping.event.strip():
        ask("event", roles.get("status", roles.get("event_date", "")), "What is the event called: death, relapse, ...?")
    if "cause" in roles:
        values = [value for value, _ in mapping.column(roles["cause"]).levels]
        if not values:
            ask(
                "roles",
                roles["cause"],
                f"{roles['cause']!r} has too many different values for a cause. Choose another column.",
            )
        elif any(mapping.causes.get(value) not in CAUSES for value in values):
            ask("causes", roles["cause"], f"What does each value of {roles['cause']!r} mean?")
    coded = {roles.get(role) for role in ("patient_id", "status", "cause")}
    for column in mapping.columns:
        if column.name not in used or column.name in coded:
            continue
        for code, n in column.open_suspects:
            times = "once" if n == 1 else f"{n:,} times"
            ask(
                "missing",
                column.name,
                f"In {column.name!r} {code:g} occurs {times} and nothing else lies near it. Does it stand for not recorded?",
            )
        if column.n_beyond and column.beyond not in (AS_LIMIT, AS_MISSING):
            ask(
                "beyond",
                column.name,
                f"In {column.name!r} {column.n_beyond:,} values are written like <0.5. What do they count as?",
            )
    if "patient_id" in roles and mapping.only is None and (n := n_repeated(table, roles["patient_id"])):
        said = "1 row repeats" if n == 1 else f"{n:,} rows repeat"
        ask(
            "rows",
            roles["patient_id"],
            f"{said} a patient of an earlier row. Which rows should count?",
        )
    return asked


def _no_dates(name, cells, table):
    """What stands where dates should: how many cells and in which row the first, never the cell itself."""
    filled = (cells != "").to_numpy()
    short = cells.map(has_short_year).to_numpy(dtype=bool)
    bad = short if short.any() else filled & ~cells.map(is_date).to_numpy(dtype=bool)
    if not bad.any():
        return f"{name!r} holds no dates. Choose another column."
    row, n = table.rows[int(bad.argmax())], int(bad.sum())
    where = f"in row {row}" if n == 1 else f"in {n:,} of {filled.sum():,} cells, the first in row {row}"
    if short.any():
        return (
            f"{name!r} has dates whose year has two digits (such as dd.mm.yy), {where}: the century cannot be known. Write years "
            "with four digits in the file, or choose another column."
        )
    return f"{name!r} does not hold dates with four-digit years, {where}. Choose another column, or write such dates in the file."


def n_repeated(table: TextTable, column: str) -> int:
    """Rows whose patient stands in an earlier row already."""
    cells = known_cells(table.cells[column])
    return int((cells[cells != ""]).duplicated().sum())


def row_choices(mapping: Mapping, table: TextTable) -> list[tuple[str, str]]:
    """(column, value) for which no patient is repeated: what distinguishes the rows of a patient."""
    patient = mapping.roles.get("patient_id")
    if patient is None:
        return []
    found = []
    identifiers = known_cells(table.cells[patient])
    for column in mapping.columns:
        if not column.levels or column.identifier or len(column.levels) < 2:
            continue
        cells = known_cells(table.cells[column.name])
        if cells.groupby(identifiers).nunique().gt(1).mean() < 0.3:
            continue
        for value, _ in column.levels:
            if not identifiers[cells == value].duplicated().any() and (cells == value).any():
                found.append((column.name, value))
    return found
