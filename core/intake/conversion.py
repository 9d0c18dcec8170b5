"""One column: from its cells as they stand in the file to what core.registry reads, and its row of the dictionary."""

from dataclasses import replace

import numpy as np
import pandas as pd

from core.intake.mapping import step_of
from core.intake.values import COMMA, POINT, dates, numbers
from core.registry.dictionary import COLUMNS

RESERVED_LABELS = {
    "nothing",
    "this selection against the rest",
    "not recorded",
    "nobody",
    "nothing dated",
    "the rest",
    "selected",
}


def safe_code(value: str) -> str:
    """A value as a code of the dictionary, in which | and = have a meaning of their own."""
    return value.replace("|", "¦").replace("=", "꞊")


def converted(column, kind, cells, mapping):
    """The cells of a column as core.registry reads them, and its row of the dictionary without name and meaning."""
    given = {key: value for key, value in column.dictionary.items() if key in COLUMNS}
    row = given | dict(kind=kind, unit=column.unit, factor="", read_as="", beyond=column.beyond)
    row |= {"missing": _listed(column.missing), "genuine": _listed(column.genuine)}
    if kind == "date":
        row["read_as"] = column.order
        return dates(cells, column.order), row
    if kind in ("continuous", "count"):
        decimal = mapping.decimal or POINT
        values = numbers(cells, decimal)
        bad = (cells != "") & values.isna()
        values = values * column.factor
        row["read_as"] = COMMA if decimal == COMMA else ""
        row["factor"] = f"{column.factor:g}" if column.factor != 1 else ""
        digits = _decimals(cells[cells != ""], values)
        row["decimals"] = given.get("decimals") or str(digits)
        row["step"] = given.get("step") or f"{step_of(values):g}"
        row["summary"] = given.get("summary") or "median"
        text = values.map(lambda value: "" if np.isnan(value) else repr(float(value)))
        return text.where(~bad, "not a number"), row
    if kind in ("binary", "nominal", "ordinal"):
        kept = numbers(pd.Series([value for value, _ in column.levels], dtype=object), mapping.decimal or POINT)
        column = replace(
            column, levels=tuple(level for level, n in zip(column.levels, kept, strict=True) if n not in column.missing)
        )
        spelled = {value.casefold(): safe_code(value) for value, _ in column.levels}
        row["levels"] = "|".join(f"{safe_code(v)}={level_label(label)}" for v, label in _unique_labels(column.levels))
        if kind == "binary" and len(column.levels) != 2:
            row["kind"] = "nominal"
        unknown = "not one of the levels"
        return cells.map({cell: spelled.get(cell.casefold(), unknown) if cell else "" for cell in cells.unique()}), row
    return cells, row


def _listed(codes):
    return "|".join(f"{code:g}" for code in codes)


def level_label(label):
    label = label.replace("|", "¦").strip()
    return f"{label} (level)" if label.casefold() in RESERVED_LABELS else label


def _unique_labels(levels):
    taken, out = set(), []
    for value, label in levels:
        label = label.strip() or value
        if level_label(label) in taken:
            label = f"{label} ({value})"
        taken.add(level_label(label))
        out.append((value, label))
    return out


def _decimals(texts, values):
    numbers_found = values.dropna()
    if numbers_found.empty or numbers_found.map(float.is_integer).all():
        return 0
    spread = float(numbers_found.abs().median())
    return 1 if spread >= 10 else 2 if spread >= 0.1 else 4
