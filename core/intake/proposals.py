"""What names and contents of a table suggest: kinds of columns, parts in the follow-up, meanings of codes. All can be corrected."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from core.intake.identifiers import identifier_reason
from core.intake.mapping import ROLES, Column, Mapping, distinct_of, known_cells
from core.intake.stand_ins import codes_for_missing, is_beyond_limit
from core.intake.tables import TextTable
from core.intake.units import split_unit, unit_trap
from core.intake.values import NO_WORDS, POINT, YES_WORDS, decimal_of, has_short_year, is_date, numbers, order_of

MOST_LEVELS = 20
DAY_NUMBERS = "day numbers of Excel?"
FIRST_VALUES = 4
_ALIVE_WORDS = {"alive", "living", "censored", "survived", "存活", "生存", "活着", "删失", "lebend"}
_DEAD_WORDS = {"dead", "died", "death", "deceased", "死亡", "event", "verstorben"}
# words for an event, and what names it in a column or a level
EVENTS = {
    "death": r"alive|death|dead|died|deceas|mortal|vital|surviv|(^|[^a-z])os([^a-z]|$)|fustat|死|存活|生存|verstorben",
    "relapse": r"relaps|rezidiv|复发",
    "recurrence": r"recur|(^|[^a-z])rfs([^a-z]|$)",
    "progression": r"progress|(^|[^a-z])pfs([^a-z]|$)|进展",
    "graft loss": r"graft",
    "transplant": r"transplant|移植",
    "dialysis": r"dialysis|透析",
    "infection": r"infect|感染",
    "healing": r"heal|愈合",
}


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
    return replace(mapping, event=plain_event(mapping), competing=plain_competing(mapping))


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
    found = Found(filled, decimal)
    column = _kind(column, found)
    if reason:
        column = replace(column, use=False)
    if known:
        column = replace(column, **known)
        if column.kind == "date" and not column.order:
            column = replace(column, order=order_of(filled) or "")
        return _with_suspects(column, found)
    if column.kind in ("continuous", "count"):
        column = replace(column, trap=unit_trap(name, unit, found.all_numbers))
    return _with_suspects(column, found)


class Found:
    """What stands in a column, each different cell looked at once. ``cells`` are those with content."""

    def __init__(self, cells: pd.Series, decimal: str):
        self.cells = cells
        self.counts = cells.value_counts()
        self.numbers = numbers(pd.Series(self.counts.index, dtype=object), decimal).to_numpy()

    @property
    def all_numbers(self) -> pd.Series:
        """The numbers, each as often as it occurs."""
        return pd.Series(np.repeat(self.numbers, self.counts.to_numpy()))

    @property
    def share_of_numbers(self) -> float:
        return float(self.counts.to_numpy()[~np.isnan(self.numbers)].sum() / len(self.cells))

    def share(self, holds) -> float:
        """Of how many cells something is true."""
        return self.times(holds) / len(self.cells)

    def times(self, holds) -> int:
        return sum(n for cell, n in self.counts.items() if holds(cell))


def _with_suspects(column, found):
    """The column with what in it may be no number: codes for "not recorded", and limits such as "<0.5"."""
    if column.kind in ("text", "date", "binary") or column.identifier or column.said == "one value only":
        return column
    return replace(
        column,
        suspects=codes_for_missing(found.all_numbers),
        n_beyond=found.times(is_beyond_limit) if column.kind in ("continuous", "count") else 0,
    )


def _kind(column, found):
    values, n_cells, share = distinct_of(found.counts), len(found.cells), found.share_of_numbers
    words = {value.casefold() for value in values}
    if found.share(is_date) >= 0.9 and not (share > 0.9 and found.cells.str.len().median() < 8):
        return replace(column, kind="date", order=order_of(found.cells) or "")
    if found.share(has_short_year) >= 0.9:
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
    if (
        re.search(r"date|日期", column.name, re.I)
        and share == 1
        and bool(((found.numbers > 20_000) & (found.numbers < 60_000)).all())
    ):
        return replace(column, kind="date", said=DAY_NUMBERS)
    beyond = found.share(is_beyond_limit)
    if beyond and share + beyond >= 0.8:
        return replace(column, kind="continuous")
    if share >= 0.8:
        whole = bool((np.nan_to_num(found.numbers) % 1 == 0).all())
        few = len(values) <= 6 and n_cells >= 3 * len(values) and share == 1.0
        if few and (whole or len(values) <= 4):
            kind = "nominal" if len(values) <= 2 else "ordinal"
            return replace(column, kind=kind, levels=tuple((value, value) for value in values))
        if (
            whole
            and re.search(r"(^|[ _.])(id|no|nr|number|code)$|编号|序号", column.name, re.I)
            and len(values) == n_cells
        ):
            return replace(column, kind="text", use=False, said="a number for each row")
        return replace(column, kind="continuous")
    if len(values) <= MOST_LEVELS and (len(values) <= 3 or n_cells >= 2 * len(values)):
        return replace(column, kind="nominal", levels=tuple((value, value) for value in values))
    return replace(column, kind="text", use=False, said="free text or too many different values")


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
        named = [c.name for c in columns if c.levels and c.name not in found.values() and _names_an_event(c.name)]
        if len(named) == 1:
            found["status"] = named[0]
        else:
            del found["time"]
    if "time" in found and "start" in found and ("last_contact" in found or "event_date" in found):
        del found["time"]  # dates say more than a duration
    if "status" in found and "time" not in found and "event_date" in found and "last_contact" in found:
        del found["status"]
    return found


def _names_an_event(name):
    """ "relapse" or "disease progression", not "time to relapse" or "previous transplant"."""
    return any(re.search(pattern, name, re.I) for pattern in EVENTS.values()) and not re.search(
        r"time|days|months|years|date|prior|previous|before|baseline|history|既往", name, re.I
    )


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
                    rf"{stem}[ _.]?(date|datum|day|on|since|start|日期|时间)|date[ _.]?(of[ _.]?)?{stem}",
                    name.casefold(),
                )
            ),
            "",
        )
        if date and (column.kind == "binary" or (column := _yes_where_dated(column, cells, date)).kind == "binary"):
            column = replace(column, dated_by=date, timing="post-baseline")
        out.append(column)
    return out


def _yes_where_dated(column, cells, date):
    """A column of two codes, such as 1 and 2, as a yes or no: yes is the code that nearly all of the dates stand beside."""
    if column.kind != "nominal" or len(column.levels) != 2:
        return column
    beside = (
        cells[column.name][(cells[date] != "") & (cells[column.name] != "")].str.casefold().value_counts(normalize=True)
    )
    if beside.empty or beside.iloc[0] < 0.95:
        return column
    no, yes = sorted(column.levels, key=lambda level: level[0].casefold() == beside.index[0])
    named = [
        (value, word if label == value and value.isdigit() else label)
        for (value, label), word in ((no, "No"), (yes, "Yes"))
    ]
    return replace(column, kind="binary", levels=tuple(named))


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


def plain_event(mapping: Mapping) -> str:
    """The name of the event where columns or codes say it: "death", "relapse"; "" where nothing or several do."""
    said = []
    for role in ("status", "event_date", "time"):
        if role in mapping.roles:
            column = mapping.column(mapping.roles[role])
            said += [column.name, column.label]
            if role == "status":
                said += [label for value, label in column.levels if mapping.states.get(value) in ("death", "alive")]
    found = [event for event, pattern in EVENTS.items() if any(re.search(pattern, text, re.I) for text in said)]
    return found[0] if len(found) == 1 else ""


def plain_competing(mapping: Mapping) -> str:
    """The name of what competes where the label of its code says it."""
    if "status" not in mapping.roles:
        return ""
    labels = [
        label
        for value, label in mapping.column(mapping.roles["status"]).levels
        if mapping.states.get(value) == "competing"
    ]
    named = [label for label in labels if re.search(r"[^\W\d_]{2}|[一-鿿]", label)]
    return " or ".join(named) if labels and len(named) == len(labels) else ""
