"""The table of treatment courses: one row per course, found by the names of its columns."""

import re
from dataclasses import dataclass

import pandas as pd

from core.intake.mapping import known_cells
from core.intake.tables import TextTable
from core.intake.values import DATE_ORDERS, dates, numbers, order_of

PARTS = {
    "patient_id": ("Patient", r"patient|pid|subject|record[ _.]?id|^id$|编号|患者"),
    "start": ("First day (date)", r"start|begin|first|from|开始"),
    "stop": ("Last day (date)", r"stop|end|last|until|结束|停"),
    "grams_per_infusion": ("Grams per infusion", r"gram|dose|剂量"),
    "infusions": ("Number of infusions", r"infusion|次数"),
}
REQUIRED = ("patient_id", "start")


@dataclass(frozen=True)
class CourseColumns:
    """Which column of the course table is what, and the order of its dates ("" while it has to be asked)."""

    columns: dict[str, str]
    order: str = ""

    @property
    def lacking(self) -> list[str]:
        return [PARTS[part][0] for part in REQUIRED if not self.columns.get(part)]

    def converted(self, table: TextTable, pseudonym: dict[str, str], decimal: str) -> pd.DataFrame:
        """The table as core.registry reads it, patients under their pseudonyms; '' for whom nobody knows."""
        out = {}
        for part in PARTS:
            name = self.columns.get(part)
            cells = known_cells(table.cells[name]) if name else pd.Series("", index=table.cells.index, dtype=object)
            if part == "patient_id":
                out[part] = cells.map(lambda identifier: pseudonym.get(identifier, "not among the patients"))
            elif part in ("start", "stop"):
                out[part] = dates(cells, self.order)
            else:
                out[part] = numbers(cells, decimal).map(lambda value: "" if pd.isna(value) else repr(float(value)))
        return pd.DataFrame(out)


def propose_courses(table: TextTable) -> CourseColumns:
    """The columns that their names suggest, and the order of dates that their contents show."""
    found: dict[str, str] = {}
    for part, (_, pattern) in PARTS.items():
        for name in table.cells.columns:
            if name not in found.values() and re.search(pattern, name, re.I):
                found[part] = name
                break
    return CourseColumns(found, course_order(table, found))


def course_order(table: TextTable, columns: dict[str, str]) -> str:
    orders = {order_of(known_cells(table.cells[columns[part]])) for part in ("start", "stop") if columns.get(part)}
    orders.discard(DATE_ORDERS[0])
    if not orders:
        return DATE_ORDERS[0]
    return orders.pop() or "" if len(orders) == 1 else next((o for o in orders if o), "") if None in orders else ""
