"""Several exposures that begin during follow-up, in start-stop rows."""

import numpy as np
import pandas as pd

from core.survival.outcome import Outcome, merge_near_ties


def split_at_exposures(outcome: Outcome, exposure_times: pd.DataFrame) -> tuple[Outcome, pd.DataFrame, np.ndarray]:
    """The same follow-up in start-stop rows, divided where any exposure begins: (rows, exposed, patient).

    exposure_times  one row for each row of the outcome, one column for each exposure: when it begins, NaN for never
    exposed         0/1 for each row and exposure, columns as given
    patient         for each row, the position of the row of the outcome that it comes from; in ascending order

    Every exposure counts from just after its time, as in ``split_at_exposure``: an event on the day of an exposure belongs
    to the time before it, an exposure at or after the end of follow-up never counts, and one at the start (or at entry) counts
    throughout. All but the last row of a patient end with cause 0. Without delayed entry the first row starts at 0 (at -1 if
    somebody's time is 0). The sum of the columns of k-th courses is the number of courses so far. Raises ValueError when the
    lengths differ, a name is given twice, or an exposure time is infinite.
    """
    if len(exposure_times) != len(outcome):
        raise ValueError("exposure_times must hold one row for each row of the outcome")
    if not exposure_times.columns.is_unique:
        raise ValueError("exposures must have different names")
    exposure = exposure_times.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(exposure).any():
        raise ValueError("exposure times must be finite, or NaN for never")
    start = outcome.entry
    if start is None:
        start = np.full(len(outcome), -1.0 if (outcome.time == 0).any() else 0.0)
    known = ~np.isnan(exposure)
    # an exposure that equals another time but for rounding begins at that time, or a row would last for nothing
    merged, _ = merge_near_ties(np.concatenate([outcome.time, start, exposure[known]]), None)
    end, start, exposure = merged[: len(outcome)], merged[len(outcome) : 2 * len(outcome)], exposure.copy()
    exposure[known] = merged[2 * len(outcome) :]

    begin = np.maximum(start, 0.0)[:, None]
    cut = np.sort(np.where((exposure > begin) & (exposure < end[:, None]), exposure, np.nan), axis=1)
    is_cut = ~np.isnan(cut)
    is_cut[:, 1:] &= cut[:, 1:] != cut[:, :-1]
    yes = np.ones((len(outcome), 1), dtype=bool)
    entry = np.hstack([start[:, None], cut])[np.hstack([yes, is_cut])]
    patient = np.repeat(np.arange(len(outcome)), 1 + is_cut.sum(axis=1))
    is_last = np.append(patient[1:] != patient[:-1], True)[: len(patient)]
    time = np.where(is_last, end[patient], np.append(entry[1:], np.nan)[: len(patient)])
    cause = np.where(is_last, outcome.cause[patient], 0)
    exposed = exposure[patient] <= np.maximum(entry, 0.0)[:, None]
    return (
        Outcome(time, cause, entry),
        pd.DataFrame(exposed.astype(np.int64), columns=exposure_times.columns),
        patient,
    )
