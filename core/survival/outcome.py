"""What is known of each patient's time: entry, time and cause."""

from dataclasses import dataclass

import numpy as np

from core.conventions import TIE_TOLERANCE


@dataclass(frozen=True, eq=False)
class Outcome:
    """Right-censored, possibly left-truncated times of n rows, in any one unit.

    time   (n,) float, >= 0: the end of observation
    cause  (n,) integer or bool: 0 censored, 1 the event, 2.. competing events
    entry  (n,) float or None: start of observation, entry < time; None means from the beginning

    At risk at t: entry < t <= time; without entry everybody is at risk from the beginning, time zero included.
    Times (and entries) closer than a relative ``TIE_TOLERANCE`` become one time, as R's ``timefix`` does. The arrays are
    read-only. Several rows of one patient (start-stop data) are rows with entry.

    Raises ValueError on arrays of unequal length, values that are not finite, negative times, causes that are not small
    whole numbers, or entry >= time.
    """

    time: np.ndarray
    cause: np.ndarray
    entry: np.ndarray | None = None

    def __post_init__(self):
        time = np.array(self.time, dtype=float)
        raw_cause = np.asarray(self.cause)
        entry = None if self.entry is None else np.array(self.entry, dtype=float)
        if time.ndim != 1 or raw_cause.shape != time.shape or (entry is not None and entry.shape != time.shape):
            raise ValueError("time, cause and entry must be one-dimensional and of equal length")
        if not np.isfinite(time).all() or (time < 0).any():
            raise ValueError("time must be finite and not negative")
        cause = raw_cause.astype(np.int64) if raw_cause.dtype != object else np.array(raw_cause, dtype=np.int64)
        if (cause != raw_cause).any() or (cause < 0).any() or (cause > 99).any():
            raise ValueError("cause must hold small whole numbers: 0 censored, 1 the event, 2.. competing")
        if entry is not None and not np.isfinite(entry).all():
            raise ValueError("entry must be finite")
        time, entry = merge_near_ties(time, entry)
        if entry is not None and (entry >= time).any():
            raise ValueError("entry must be before time in every row")
        for name, values in (("time", time), ("cause", cause), ("entry", entry)):
            if values is not None:
                values.flags.writeable = False
            object.__setattr__(self, name, values)

    def __len__(self) -> int:
        return len(self.time)

    @property
    def event(self) -> np.ndarray:
        """(n,) bool: the event of interest, cause 1."""
        return self.cause == 1

    @property
    def n_event(self) -> int:
        return int(np.count_nonzero(self.cause == 1))

    def take(self, rows) -> "Outcome":
        """The same outcome for some rows: a boolean mask or positions. Not checked again."""
        part = object.__new__(Outcome)
        for name in ("time", "cause", "entry"):
            values = getattr(self, name)
            if values is not None:
                values = values[rows]
                values.flags.writeable = False
            object.__setattr__(part, name, values)
        return part


def merge_near_ties(time, entry):
    """Times that are equal but for rounding become the smallest of them (the rule of R's aeqSurv)."""
    every = time if entry is None else np.concatenate([time, entry])
    distinct = distinct_values(every)
    if len(distinct) < 2:
        return time, entry
    gap = np.diff(distinct)
    scale = np.mean(np.abs(distinct))
    tied = (gap <= TIE_TOLERANCE) | (gap <= TIE_TOLERANCE * scale)
    if not tied.any():
        return time, entry
    kept = distinct[np.concatenate([[True], ~tied])]

    def snapped(values):
        return kept[np.searchsorted(kept, values, side="right") - 1]

    return snapped(time), None if entry is None else snapped(entry)


def distinct_values(values: np.ndarray) -> np.ndarray:
    """The distinct numbers in ascending order; numbers that come in order are not sorted again."""
    if (values[1:] < values[:-1]).any():
        values = np.sort(values)
    return values[np.concatenate([[True], values[1:] != values[:-1]])] if len(values) else values
