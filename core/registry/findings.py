"""What the checks found while a registry was read."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

ROWS_NAMED = 20


@dataclass(frozen=True)
class Finding:
    """One rule that some rows broke, and what was done.

    ``rows`` are row numbers of the file as a spreadsheet counts them (the header is row 1). ``action`` is one of
    "excluded", "set to missing", "kept", "ignored".
    """

    rule: str
    file: str
    column: str
    rows: tuple[int, ...]
    action: str

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    @property
    def place(self) -> str:
        """Where to look: "rows 17, 230 and 1404"."""
        if not self.rows:
            return self.file
        named = [str(row) for row in self.rows[:ROWS_NAMED]]
        if len(self.rows) > ROWS_NAMED:
            return f"rows {', '.join(named)} and {len(self.rows) - ROWS_NAMED} more"
        if len(named) == 1:
            return f"row {named[0]}"
        return f"rows {', '.join(named[:-1])} and {named[-1]}"


def findings_table(findings) -> pd.DataFrame:
    """The findings as a frame: rule, file, column, n_rows, rows, action; what was excluded first."""
    order = {"excluded": 0, "set to missing": 1, "ignored": 2, "kept": 3}
    rows = sorted(findings, key=lambda f: order[f.action])
    return pd.DataFrame(
        [(f.rule, f.file, f.column, f.n_rows, f.place, f.action) for f in rows],
        columns=["rule", "file", "column", "n_rows", "rows", "action"],
    )


def file_rows(mask) -> tuple[int, ...]:
    """File rows of a mask over the rows read; the header is row 1."""
    return tuple((np.flatnonzero(mask) + 2).tolist())
