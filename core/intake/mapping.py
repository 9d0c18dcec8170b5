"""What each column of a reader's table is: proposed from names and contents, confirmed or corrected by the reader."""

import re
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from core.intake.identifiers import identifier_reason
from core.intake.tables import TextTable
from core.intake.units import UnitTrap, split_unit, unit_trap
from core.intake.values import (
    DATE_ORDERS,
    NO_WORDS,
    POINT,
    SERIAL,
    YES_WORDS,
    decimal_of,
    has_short_year,
    is_date,
    numbers,
    order_of,
    recorded,
)

MOST_LEVELS = 20
FIRST_VALUES = 4
KINDS = ("binary", "nominal", "ordinal", "continuous", "count", "date", "text")
# part in the analysis -> words, names that suggest it (the first that fits wins), whether it is a date
ROLES = {
    "patient_id": (
        "Patient",
        r"^(patient[ _.]?(id|no|nr|number)?|pat[ _.]?id|pid|subject([ _.]?id)?|record[ _.]?id|study[ _.]?id|id|case([ _.]?(no|id|number))?|编号|病例号|患者编号|患者id|受试者编号|序号)$",
        False,
    ),
    "start": (
        "Start of follow-up (date)",
        r"diagnos|^(dx|index|start|entry|baseline|inclusion|enrol+ment|registration|randomi[sz]ation)([ _.]?date)?$|date[ _.]?of[ _.]?(dx|diagnosis|entry)|^dx[ _.]?date|确诊|诊断日期|入组|开始日期",
        True,
    ),
    "last_contact": (
        "Last contact (date)",
        r"last[ _.]?(contact|follow|seen|visit|fu|date|known)|^(fu|follow[ _.]?up|end|exit)([ _.]?date)?$|censor.*date|末次|随访日期|最后|截止日期",
        True,
    ),
    "event_date": (
        "Event, such as death (date; empty without)",
        r"(date[ _.]?of[ _.]?death|death[ _.]?(date|day)|^dod$|died[ _.]?on|event[ _.]?date|^death$|^died$|死亡日期|死亡时间|事件日期)",
        True,
    ),
    "time": (
        "Length of follow-up (number)",
        r"^(time|futime|fu[ _.]?time|follow[ _.]?up([ _.]?(time|days|months|years|duration))?|(os|survival|surv|event)[ _.]?(time|days|months|years)?|time[ _.]?to[ _.]?(event|death)|days|months|duration|t|随访时间|随访时长|随访月数|随访天数|生存时间|生存期)([ _.(（].*)?$",
        False,
    ),
    "status": (
        "What happened at its end (code)",
        r"^(status|event|censor(ed|ing)?|death|dead|died|deceased|vital[ _.]?status|outcome|os[ _.]?(event|status)|fustat|delta|cens|state|cause|结局|状态|死亡|是否死亡|生存状态|转归)$",
        False,
    ),
    "cause": ("Cause of death", r"cause[ _.]?of[ _.]?death|death[ _.]?cause|^cod$|死因|死亡原因", False),
    "onset": ("Onset of the disease (date)", r"onset|first[ _.]?symptom|发病|出现日期|起病", True),
    "resolution": ("Resolution (date)", r"resol|healed|healing|愈合|缓解日期", True),
}
STATES = {"alive": "No event (alive, censored)", "death": "The event (death)", "competing": "Something that competes"}
CAUSES = {"specific": "Of the disease", "other": "Of something else", "unknown": "Not known"}
_ALIVE_WORDS = {"alive", "living", "censored", "survived", "存活", "生存", "活着", "删失", "lebend"}
_DEAD_WORDS = {"dead", "died", "death", "deceased", "死亡", "event", "verstorben"}


@dataclass(frozen=True)
class Column:
    """One column of the table and what is made of it.

    ``levels`` are (value in the file, label); ``order`` of dates is one of DATE_ORDERS or "" while it has to be asked;
    ``factor`` converts numbers into ``unit``; ``identifier`` says what the column tells of a person, "" if nothing.
    """

    name: str
    label: str
    kind: str
    unit: str = ""
    use: bool = True
    timing: str = "baseline"
    dated_by: str = ""
    levels: tuple[tuple[str, str], ...] = ()
    order: str = ""
    factor: float = 1.0
    identifier: str = ""
    first: tuple[str, ...] = ()
    n_missing: int = 0
    trap: UnitTrap | None = None
    dictionary: dict = field(default_factory=dict)  # a ready row of a dictionary, where there is one
    said: str = ""  # what the reader should look at


@dataclass(frozen=True)
class Mapping:
    """What every column is, which of them carry the follow-up, and what their codes mean.

    ``roles``: part -> column name. ``states`` and ``causes``: value in the file -> meaning. ``decimal``: POINT, COMMA, or
    None while it has to be asked. ``only``: (column, value) of the rows to keep, ("", "") for all.
    """

    columns: tuple[Column, ...]
    roles: dict[str, str]
    time_unit: str = ""
    states: dict[str, str] = field(default_factory=dict)
    causes: dict[str, str] = field(default_factory=dict)
    decimal: str | None = POINT
    only: tuple[str, str] | None = None

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def with_columns(self, **changes: dict) -> "Mapping":
        """``changes``: column name -> {field: value}."""
        return replace(self, columns=tuple(replace(c, **changes.get(c.name, {})) for c in self.columns))


def known_cells(cells: pd.Series) -> pd.Series:
    """The cells with '' where nothing is recorded; a column of plus and minus keeps its minus."""
    if set(cells.unique()) <= {"+", "-", ""}:
        return cells
    return recorded(cells)


def distinct(cells: pd.Series) -> list[str]:
    """The values of a column, most usual spelling of each, in their natural order."""
    counts = cells[cells != ""].value_counts(sort=True)
    spelled = {}
    for value in counts.index:
        spelled.setdefault(value.casefold(), value)
    as_numbers = numbers(pd.Series(list(spelled.values()), dtype=object))
    if len(as_numbers) and as_numbers.notna().all():
        return [v for _, v in sorted(zip(as_numbers, spelled.values(), strict=True))]
    return sorted(spelled.values())


def propose(table: TextTable, known: dict[str, dict] | None = None) -> Mapping:
    """The mapping that names and contents suggest. ``known``: column name -> fields of Column that a codebook states."""
    known = known or {}
    cells = {name: known_cells(table.cells[name]) for name in table.cells.columns}
    decimal = decimal_of(cells.values())
    columns = [_column(name, cells[name], decimal or POINT, known.get(name, {})) for name in cells]
    roles = _roles(columns, cells)
    columns = _dated(columns, cells, roles)
    mapping = Mapping(tuple(columns), roles, decimal=decimal)
    mapping = replace(
        mapping,
        time_unit=_time_unit(mapping),
        states=plain_states(mapping.column(roles["status"])) if "status" in roles else {},
        causes=plain_causes(mapping.column(roles["cause"])) if "cause" in roles else {},
    )
    return mapping


def _column(name, cells, decimal, known):
    filled = cells[cells != ""]
    label, unit = split_unit(name)
    column = Column(name, label, "text", unit, n_missing=int((cells == "").sum()))
    reason = identifier_reason(known.get("label", name), filled)
    if reason:
        column = replace(column, identifier=reason, use=False)
    else:
        column = replace(column, first=tuple(filled.drop_duplicates().iloc[:FIRST_VALUES]))
    if filled.empty:
        return replace(column, **{"use": False, "said": "empty"} | {k: v for k, v in known.items() if k != "use"})
    column = _kind(column, filled, decimal)
    if reason:
        column = replace(column, use=False)
    if known:
        column = replace(column, **known)
        if column.kind == "date" and not column.order:
            column = replace(column, order=order_of(filled) or "")
        return column
    if column.kind in ("continuous", "count"):
        column = replace(column, trap=unit_trap(name, unit, numbers(filled, decimal)))
    return column


def _kind(column, filled, decimal):
    values = distinct(filled)
    as_numbers = numbers(filled, decimal)
    words = {value.casefold() for value in values}
    if _share(filled, is_date) >= 0.9 and not (as_numbers.notna().mean() > 0.9 and filled.str.len().median() < 8):
        return replace(column, kind="date", order=order_of(filled) or "")
    if _share(filled, has_short_year) >= 0.9:
        return replace(column, kind="text", use=False, said="years with two digits: write four")
    if words <= {"+", "-"} and len(words) == 2:
        return replace(column, kind="binary", levels=(("-", "No"), ("+", "Yes")))
    if len(values) == 1:
        return replace(column, kind="nominal", levels=((values[0], values[0]),), use=False, said="one value only")
    if re.search(r"^(sex|gender|性别)", column.name, re.I) and len(values) <= 4:
        return replace(column, kind="nominal", levels=tuple((value, value) for value in values))
    if len(words) == 2 and words <= NO_WORDS | YES_WORDS and len(words & NO_WORDS) == 1:
        no, yes = sorted(values, key=lambda value: value.casefold() in YES_WORDS)
        plain = {"0": "No", "1": "Yes"}
        return replace(column, kind="binary", levels=((no, plain.get(no, no)), (yes, plain.get(yes, yes))))
    share = as_numbers.notna().mean()
    if share >= 0.8:
        whole = as_numbers.dropna().map(float.is_integer).all()
        few = len(values) <= 6 and len(filled) >= 3 * len(values) and share == 1.0
        if few and (whole or len(values) <= 4):
            kind = "nominal" if len(values) <= 2 else "ordinal"
            return replace(column, kind=kind, levels=tuple((value, value) for value in values))
        if (
            whole
            and re.search(r"(^|[ _.])(id|no|nr|number|code)$|编号|序号", column.name, re.I)
            and len(values) == len(filled)
        ):
            return replace(column, kind="text", use=False, said="a number for each row")
        return replace(column, kind="continuous")
    if len(values) <= MOST_LEVELS and (len(values) <= 3 or len(filled) >= 2 * len(values)):
        return replace(column, kind="nominal", levels=tuple((value, value) for value in values))
    return replace(column, kind="text", use=False, said="free text or too many different values")


def _share(cells, holds):
    """Of how many cells something is true."""
    counts = cells.value_counts()
    return sum(n for cell, n in counts.items() if holds(cell)) / len(cells)


def _roles(columns, cells):
    found = {}
    for role, (_, pattern, is_a_date) in ROLES.items():
        for column in columns:
            if column.name in found.values() or column.said == "empty":
                continue
            says_so = any(re.search(pattern, text.strip(), re.I) for text in (column.name, column.label))
            fits = (column.kind == "date") == is_a_date
            if role == "time":
                fits = column.kind in ("continuous", "count", "ordinal")
            if role in ("status", "cause"):
                fits = column.kind in ("binary", "nominal", "ordinal")
            if says_so and fits:
                found[role] = column.name
                break
    if "time" in found and "status" not in found:
        del found["time"]
    if "time" in found and "start" in found and ("last_contact" in found or "event_date" in found):
        del found["time"]  # dates say more than a duration
    if "status" in found and "time" not in found and "event_date" in found and "last_contact" in found:
        del found["status"]
    return found


def _dated(columns, cells, roles):
    """A yes or no beside a date of the same name began on that date."""
    dates = {c.name for c in columns if c.kind == "date"} - set(roles.values())
    out = []
    for column in columns:
        stem = re.escape(column.name.casefold())
        date = next(
            (
                name
                for name in sorted(dates)
                if re.fullmatch(
                    rf"{stem}[ _.]?(date|day|on|since|start|日期|时间)|date[ _.]?(of[ _.]?)?{stem}", name.casefold()
                )
            ),
            "",
        )
        if column.kind == "binary" and date:
            column = replace(column, dated_by=date, timing="post-baseline")
        out.append(column)
    return out


def _time_unit(mapping):
    if "time" not in mapping.roles:
        return ""
    column = mapping.column(mapping.roles["time"])
    said = f"{column.unit} {column.name} {column.label}".casefold()
    for unit, pattern in (("days", r"day|天|日"), ("months", r"month|\bmo\b|月"), ("years", r"year|\byrs?\b|年")):
        if re.search(pattern, said):
            return unit
    return ""


def plain_states(column: Column) -> dict[str, str]:
    """The meaning of a status whose codes are plainly 0/1, yes/no or alive/dead; otherwise only of the plain words."""
    values = [value for value, _ in column.levels]
    words = {value: label.casefold() for value, label in column.levels}
    means = {v: "alive" for v in values if words[v] in _ALIVE_WORDS}
    means |= {v: "death" for v in values if words[v] in _DEAD_WORDS}
    plain = {value.casefold() for value in values}
    inverted = re.search(r"censor|^cens$|alive|删失|存活", f"{column.name} {column.label}", re.I)
    if not means and not inverted and plain <= NO_WORDS | YES_WORDS and len(plain) == 2 and len(plain & NO_WORDS) == 1:
        means = {v: ("alive" if v.casefold() in NO_WORDS else "death") for v in values}
    return means


def plain_causes(column: Column) -> dict[str, str]:
    """The meaning of causes of death that say it themselves."""
    means = {}
    for value, label in column.levels:
        if re.search(r"calciphylaxis|calcific uremic|钙化防御", label, re.I):
            means[value] = "specific"
        elif re.fullmatch(r"unknown|not known|unclear|不详|不明|未知", label.strip(), re.I):
            means[value] = "unknown"
    return means


@dataclass(frozen=True)
class Question:
    """Something that only the reader knows. ``about`` is the part or the column it belongs to."""

    kind: str  # roles, decimal, order, time_unit, states, causes, rows
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
                    ask(
                        "roles",
                        column.name,
                        f"{column.name!r} does not hold dates with four-digit years. Choose another column.",
                    )
    for column in mapping.columns:
        if column.name in used and column.kind == "date" and column.order not in DATE_ORDERS:
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
    if "patient_id" in roles and mapping.only is None and n_repeated(table, roles["patient_id"]):
        ask(
            "rows",
            roles["patient_id"],
            f"{n_repeated(table, roles['patient_id'])} rows repeat a patient of an earlier row. Which rows should count?",
        )
    return asked


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


def step_of(values: pd.Series) -> float:
    """A round difference near the spread of a number, for hazard ratios that can be read."""
    spread = float(np.nanstd(values.to_numpy(dtype=float))) if values.notna().any() else 1.0
    if not np.isfinite(spread) or spread <= 0:
        return 1.0
    return float(10.0 ** np.floor(np.log10(spread))) if spread >= 10 or spread < 0.2 else 1.0
