"""What each column of a reader's table is, which of them carry the follow-up, and what their codes mean."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from core.intake.units import UnitTrap
from core.intake.values import POINT, numbers, recorded

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
STATES = {
    "alive": "No event (alive, censored)",
    "death": "The event",
    "competing": "Something that competes",
    "missing": "Not recorded",
}
CAUSES = {"specific": "Of the disease", "other": "Of something else", "unknown": "Not known"}


@dataclass(frozen=True)
class Column:
    """One column of the table and what is made of it.

    ``levels`` are (value in the file, label); ``order`` of dates is one of DATE_ORDERS or "" while it has to be asked;
    ``factor`` converts numbers into ``unit``; ``identifier`` says what the column tells of a person, "" if nothing.
    ``suspects`` are numbers that may stand for "not recorded" with their counts; ``missing`` those that do, ``genuine`` those
    that do not. ``n_beyond`` cells are written like "<0.5"; ``beyond`` says what they count as, "" while it has to be asked.
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
    suspects: tuple[tuple[float, int], ...] = ()
    missing: tuple[float, ...] = ()
    genuine: tuple[float, ...] = ()
    n_beyond: int = 0
    beyond: str = ""

    @property
    def open_suspects(self) -> tuple[tuple[float, int], ...]:
        """Numbers that may stand for "not recorded" and of which nothing is said yet."""
        return tuple((code, n) for code, n in self.suspects if code not in self.missing + self.genuine)


@dataclass(frozen=True)
class Mapping:
    """What every column is, which of them carry the follow-up, and what their codes mean.

    ``roles``: part -> column name. ``states`` and ``causes``: value in the file -> meaning. ``decimal``: POINT, COMMA, or
    None while it has to be asked. ``only``: (column, value) of the rows to keep, ("", "") for all, of which the first of each
    patient counts. ``event`` and ``competing`` name the event and what competes with it, "" while that has to be asked.
    """

    columns: tuple[Column, ...]
    roles: dict[str, str]
    time_unit: str = ""
    states: dict[str, str] = field(default_factory=dict)
    causes: dict[str, str] = field(default_factory=dict)
    decimal: str | None = POINT
    only: tuple[str, str] | None = None
    event: str = ""
    competing: str = ""

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
    return distinct_of(cells[cells != ""].value_counts())


def distinct_of(counts: pd.Series) -> list[str]:
    """The same from the number of times that each cell occurs, most usual first."""
    spelled = {}
    for value in counts.index:
        spelled.setdefault(value.casefold(), value)
    as_numbers = numbers(pd.Series(list(spelled.values()), dtype=object))
    if len(as_numbers) and as_numbers.notna().all():
        return [v for _, v in sorted(zip(as_numbers, spelled.values(), strict=True))]
    return sorted(spelled.values())


def step_of(values: pd.Series) -> float:
    """A round difference near the spread of a number, for hazard ratios that can be read."""
    spread = float(np.nanstd(values.to_numpy(dtype=float))) if values.notna().any() else 1.0
    if not np.isfinite(spread) or spread <= 0:
        return 1.0
    return float(10.0 ** np.floor(np.log10(spread))) if spread >= 10 or spread < 0.2 else 1.0
