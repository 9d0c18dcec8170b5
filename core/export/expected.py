"""What the scripts of a view must find: numbers by name, the columns they need, and what is left out with its reason."""

import math
import re

from core.export.tables import safe_text
from core.registry import Variable

COLUMN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# Columns that the scripts make themselves.
TAKEN = re.compile(
    "patient|time|entry|time_days|entry_days|cause|group|within|selected|model_within|in_exposure_analysis|in_adjusted_model|"
    "exposure_[0-9]+_days"
)
LIMITS = (("estimate", "estimate"), ("conf_low", "lower limit"), ("conf_high", "upper limit"))
RATIO_PARTS = (*LIMITS, ("p_value", "p"))


class Expected:
    """Collects numbers: ``numbers`` name -> number, None where there is none; ``columns`` variable -> column of the data;
    ``left_out`` sentences."""

    def __init__(self):
        self.numbers: dict[str, float | None] = {}
        self.columns: dict[str, str] = {}
        self.left_out: list[str] = []

    def add(self, value, *name) -> None:
        number = float(value)
        self.numbers["; ".join(name)] = number if math.isfinite(number) else None

    def add_parts(self, row, *name, parts=RATIO_PARTS) -> None:
        """Estimate, limits and p of a row of a result."""
        for column, words in parts:
            self.add(getattr(row, column), *name, words)

    def add_test(self, name, test) -> None:
        self.add(test.statistic, name, "chi-squared")
        self.add(test.df, name, "degrees of freedom")
        self.add(test.p_value, name, "p")

    def covariate(self, variable: Variable, levels=()) -> dict:
        """A variable as the scripts need it: its column, label, kind, step and levels beside the reference."""
        usable = COLUMN_NAME.fullmatch(variable.name) and not TAKEN.fullmatch(variable.name)
        column = self.columns.setdefault(
            variable.name, variable.name if usable else f"covariate_{len(self.columns) + 1}"
        )
        return {
            "column": column,
            "label": safe_text(variable.label_with_step),
            "kind": "number" if variable.is_numeric else "levels",
            "step": variable.step if variable.is_numeric else 1,
            "levels": [safe_text(level) for level in levels if level != ""],
        }

    def described(self, title: str, terms, variables) -> list[dict]:
        """The covariates all of whose ratios can be estimated, as the scripts need them; their numbers are expected."""
        found = []
        for variable in variables:
            own = terms[terms["covariate"] == variable.name]
            if own.empty or own["estimate"].isna().any() or own["std_error"].isna().any() or (own["note"] != "").any():
                self.left_out.append(f"{title}, {variable.label}: no estimate, or not for every level.")
                continue
            found.append(self.covariate(variable, own["level"]))
            for term in own.itertuples(index=False):
                level = [safe_text(term.level)] if term.level else []
                self.add_parts(term, title, safe_text(variable.label_with_step), *level)
        return found
