"""The dictionary: the one place where a variable is described.

Filters, labels, order of levels, colours, tables, hazard ratios and the checks on reading all follow from it. To add a
covariate is to add a row.
"""

import math
import re
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from core.errors import RegistryError

KINDS = ("binary", "nominal", "ordinal", "continuous", "count", "date", "text")
CATEGORICAL = ("binary", "nominal", "ordinal")
NUMERIC = ("continuous", "count")
ROLES = ("identifier", "demographic", "clinical", "laboratory", "treatment", "outcome")
# what the part of a variable is called where variables are listed
SECTIONS = {
    "demographic": "Demographics",
    "clinical": "Clinical features",
    "laboratory": "Laboratory",
    "treatment": "Treatment",
    "outcome": "Outcome",
    "identifier": "Record",
}
TIMINGS = ("baseline", "post-baseline")
MEANINGS = (
    "patient_id",
    "data_source",
    "diagnosis_date",
    "onset_date",
    "last_contact_date",
    "death_date",
    "cause_of_death",
    "resolution_date",
    "follow_up_time",
    "status",
)
LEVEL_MEANINGS = {"cause_of_death": ("specific", "other", "unknown"), "status": ("alive", "death", "competing")}
COLUMNS = (
    "name label label_zh kind unit levels levels_zh reference hard_min hard_max soft_min soft_max role timing dated_by "
    "means level_means derived step cut decimals summary filter_rank headline_rank description"
).split()
REQUIRED_COLUMNS = ("name", "label", "kind")


@dataclass(frozen=True)
class Variable:
    """One row of the dictionary. ``levels`` are labels in display order; ``codes`` stand in the file, in the same order."""

    name: str
    label: str
    kind: str
    label_zh: str = ""
    unit: str = ""
    codes: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    levels_zh: tuple[str, ...] = ()
    reference: str = ""  # a label
    hard_min: float = math.nan
    hard_max: float = math.nan
    soft_min: float = math.nan
    soft_max: float = math.nan
    role: str = "clinical"
    timing: str = "baseline"
    dated_by: str = ""
    means: str = ""
    level_means: tuple[tuple[str, str], ...] = ()  # (label, meaning)
    derived: str = ""
    step: float = 1.0
    cut: float = math.nan  # where a number is cut into two groups, if the dictionary says so
    decimals: int = 0
    summary: str = "mean"
    filter_rank: float = math.nan
    headline_rank: float = math.nan
    description: str = ""

    @property
    def is_categorical(self) -> bool:
        return self.kind in CATEGORICAL

    @property
    def is_numeric(self) -> bool:
        return self.kind in NUMERIC

    @property
    def is_post_baseline(self) -> bool:
        return self.timing == "post-baseline"

    @property
    def is_filter(self) -> bool:
        """Can narrow the cohort: whatever is recorded, except what identifies a patient or makes up the outcome."""
        return (self.is_categorical or self.is_numeric) and not self.means and self.role != "identifier"

    @property
    def is_covariate(self) -> bool:
        """Can explain the outcome: a filter that is not an outcome itself."""
        return self.is_filter and self.role != "outcome"

    @property
    def label_with_unit(self) -> str:
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def label_with_step(self) -> str:
        """What one step of a hazard ratio is: "Age, per 10 years"."""
        if not self.is_numeric:
            return self.label
        if self.step == 1:
            return f"{self.label}, per {_singular(self.unit) or '1'}"
        times = "× " if self.unit[:1].isdigit() else ""
        return f"{self.label}, per {self.step:g} {times}{self.unit}".rstrip()


@dataclass(frozen=True)
class Dictionary:
    """All variables in display order."""

    variables: tuple[Variable, ...]

    def __getitem__(self, name: str) -> Variable:
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    @cached_property
    def _by_name(self):
        return {variable.name: variable for variable in reversed(self.variables)}

    def __iter__(self):
        return iter(self.variables)

    def meaning(self, means: str) -> Variable | None:
        """The variable that has this part in the analysis, if there is one."""
        return next((variable for variable in self.variables if variable.means == means), None)

    def by_label(self, label: str) -> Variable | None:
        return next((variable for variable in self.variables if variable.label == label), None)

    @cached_property
    def filters(self) -> tuple[Variable, ...]:
        """What can narrow the cohort; those with a rank first, the others in dictionary order."""
        return _ranked([v for v in self.variables if v.is_filter], "filter_rank")

    @cached_property
    def covariates(self) -> tuple[Variable, ...]:
        return tuple(v for v in self.variables if v.is_covariate)

    @cached_property
    def headline(self) -> tuple[Variable, ...]:
        """The main covariates of the Overview: those with a rank, or the first six where none has one."""
        ranked = [v for v in self.covariates if not math.isnan(v.headline_rank)]
        return _ranked(ranked, "headline_rank") if ranked else self.covariates[:6]


def _ranked(variables, rank):
    return tuple(sorted(variables, key=lambda v: (math.isnan(getattr(v, rank)), getattr(v, rank))))


def _singular(unit: str) -> str:
    return {
        "years": "year",
        "months": "month",
        "days": "day",
        "courses": "course",
        "points": "point",
        "seconds": "second",
    }.get(unit, unit)


def read_dictionary(table: pd.DataFrame, file: str = "dictionary.csv") -> Dictionary:
    """The dictionary from its table of text cells (format: data/sample/README.md).

    Raises RegistryError naming the file row and the column of the first thing that is wrong.
    """
    missing = [column for column in REQUIRED_COLUMNS if column not in table.columns]
    if missing:
        raise RegistryError(
            f"{file} lacks the columns {_listed(missing)}. Its first row must name the columns, as in the template."
        )
    if table.empty:
        raise RegistryError(f"{file} describes no variable. Add one row per column of patients.csv.")
    variables = []
    for position, row in enumerate(table.to_dict("records")):
        cells = {column: str(row.get(column, "") or "").strip() for column in COLUMNS}
        variables.append(_variable(cells, f"{file}, row {position + 2}"))
    for field in ("name", "label"):
        seen = set()
        for position, variable in enumerate(variables):
            value = getattr(variable, field)
            if value in seen:
                raise RegistryError(
                    f"{file}, row {position + 2}: the {field} {value!r} stands twice. Make each unique."
                )
            seen.add(value)
    for means in MEANINGS:
        names = [variable.name for variable in variables if variable.means == means]
        if len(names) > 1:
            raise RegistryError(f"{file}: {_listed(names)} all mean {means!r}. Only one column can.")
    return Dictionary(tuple(variables))


def _variable(cells, place) -> Variable:
    if not cells["name"] or not cells["label"]:
        raise RegistryError(f"{place}: name and label must be filled.")
    for column, allowed in (("kind", KINDS), ("role", ROLES), ("timing", TIMINGS), ("means", MEANINGS)):
        if cells[column] and cells[column] not in allowed:
            raise RegistryError(f"{place}: {column} {cells[column]!r} is unknown. Use one of {_listed(allowed)}.")
    if not cells["kind"]:
        raise RegistryError(f"{place}: kind is empty. Use one of {_listed(KINDS)}.")
    kind = cells["kind"]
    codes, levels = _levels(cells["levels"], place, "levels")
    if kind == "binary" and not codes:
        codes, levels = ("0", "1"), ("No", "Yes")
    if kind == "binary" and len(codes) != 2:
        raise RegistryError(f"{place}: a binary variable has two levels, not {len(codes)}.")
    zh = dict(zip(*_levels(cells["levels_zh"], place, "levels_zh"), strict=True))
    reference = cells["reference"]
    if reference and codes and reference not in codes:
        raise RegistryError(f"{place}: the reference {reference!r} is none of its levels {_listed(codes)}.")
    label_of = dict(zip(codes, levels, strict=True))
    return Variable(
        name=cells["name"],
        label=cells["label"],
        label_zh=cells["label_zh"],
        kind=kind,
        unit=cells["unit"],
        codes=codes,
        levels=levels,
        levels_zh=tuple(zh.get(code, label_of[code]) for code in codes),
        reference=label_of.get(reference, levels[0] if levels else ""),
        role=cells["role"] or "clinical",
        timing=cells["timing"] or "baseline",
        dated_by=cells["dated_by"],
        means=cells["means"],
        level_means=_level_means(cells, label_of, place),
        derived=cells["derived"],
        step=_number(cells, "step", place, default=1.0),
        decimals=int(_number(cells, "decimals", place, default=0)),
        summary=cells["summary"] or "mean",
        description=cells["description"],
        **{
            column: _number(cells, column, place)
            for column in ("hard_min", "hard_max", "soft_min", "soft_max", "cut", "filter_rank", "headline_rank")
        },
    )


def _levels(text, place, column):
    if not text:
        return (), ()
    codes, labels = [], []
    for part in text.split("|"):
        code, _, label = part.partition("=")
        codes.append(code.strip())
        labels.append(label.strip() or code.strip())
    if len(set(codes)) < len(codes) or len(set(labels)) < len(labels):
        raise RegistryError(f"{place}: {column} names a level twice.")
    return tuple(codes), tuple(labels)


def _level_means(cells, label_of, place):
    if not cells["level_means"]:
        return ()
    allowed = LEVEL_MEANINGS.get(cells["means"])
    if allowed is None:
        raise RegistryError(f"{place}: level_means is filled, but the variable is neither cause_of_death nor status.")
    pairs = []
    for part in cells["level_means"].split("|"):
        code, _, meaning = (piece.strip() for piece in part.partition("="))
        if code not in label_of or meaning not in allowed:
            raise RegistryError(
                f"{place}: level_means {part!r} does not fit. Write level=meaning, with a level of this variable and one "
                f"of {_listed(allowed)}."
            )
        pairs.append((label_of[code], meaning))
    return tuple(pairs)


def _number(cells, column, place, default=math.nan):
    if not cells[column]:
        return default
    if not re.fullmatch(r"[-+]?\d*\.?\d+(e[-+]?\d+)?", cells[column], re.IGNORECASE):
        raise RegistryError(f"{place}: {column} must be a number with a decimal point, found {cells[column]!r}.")
    return float(cells[column])


def _listed(names) -> str:
    return ", ".join(repr(str(name)) for name in names)
