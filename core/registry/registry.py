"""A checked registry: loaded once, shared, never changed."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from core.registry.dictionary import Dictionary, Variable
from core.registry.findings import Finding


@dataclass(frozen=True, eq=False)
class Registry:
    """Patients sorted by follow-up, so that every later filter is a mask and no estimator sorts again.

    patients    one row per patient, index 0..n-1, one column per variable: categoricals hold labels in dictionary order,
                numbers are float, dates datetime64
    follow_up   the same rows: patient, file_row, days (diagnosis to death, end state or last contact), state (alive,
                death, competing), cause (specific, other, unknown, or missing), onset_days (onset to diagnosis),
                resolution_days (diagnosis to resolution); NaN where not recorded
    days_to     the same rows: for every date of the dictionary the days from diagnosis to it
    courses     one row per STS course: row (position in patients), course, start_days, stop_days, grams_per_infusion,
                infusions
    """

    name: str
    slug: str
    source: str  # what the data say of themselves, e.g. "Synthetic sample"; empty where they say nothing
    dictionary: Dictionary
    patients: pd.DataFrame
    follow_up: pd.DataFrame
    days_to: pd.DataFrame
    courses: pd.DataFrame
    n_read: int
    findings: tuple[Finding, ...]
    fingerprint: str
    cut_off: pd.Timestamp | None = None
    is_upload: bool = False  # brought by a reader: belongs to that reader's session alone
    _memory: dict = field(default_factory=dict, repr=False)  # what is computed once for all patients

    def __len__(self) -> int:
        return len(self.patients)

    @property
    def n_excluded(self) -> int:
        return self.n_read - len(self.patients)

    @property
    def is_synthetic(self) -> bool:
        return "synthetic" in self.source.lower()

    def values(self, name: str) -> pd.Series:
        return self.patients[name]

    def remember(self, key, make):
        """What ``make()`` returned the first time; for arrays over all patients that many views share."""
        if key not in self._memory:
            self._memory[key] = make()
        return self._memory[key]

    def limits(self, variable: Variable) -> tuple[float, float] | None:
        """Smallest and largest recorded value, rounded outwards to the digits shown; None without any value."""

        def find():
            values = self.patients[variable.name].to_numpy(dtype=float)
            if not np.isfinite(values).any():
                return None
            scale = 10.0**variable.decimals
            low = float(np.floor(np.nanmin(values) * scale + 1e-9) / scale)
            high = float(np.ceil(np.nanmax(values) * scale - 1e-9) / scale)
            return low, high

        return self.remember(("limits", variable.name), find)

    def n_missing(self, variable: Variable) -> int:
        return self.remember(("missing", variable.name), lambda: int(self.patients[variable.name].isna().sum()))

    def levels_present(self, variable: Variable) -> tuple[str, ...]:
        def find():
            counts = self.patients[variable.name].value_counts()
            return tuple(level for level in variable.levels if counts.get(level, 0) > 0)

        return self.remember(("levels", variable.name), find)
