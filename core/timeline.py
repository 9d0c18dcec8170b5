"""Every patient's time since diagnosis as a bar, with what happened on it: the data of a swimmer plot, without dates."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.conventions import DAYS_PER_MONTH
from core.exposures import Exposure, exposure_months, exposures_of
from core.patients import ends_of
from core.registry import Registry

BY_FOLLOW_UP, BY_EXPOSURE = "follow-up", "exposure"
DEATH, LAST_CONTACT, OTHER_END = "Death", "Last contact", "Another end of follow-up"
_ENDS = {"death": DEATH, "alive": LAST_CONTACT, "competing": OTHER_END}


@dataclass(frozen=True, eq=False)
class Timeline:
    """One line a patient, ``row`` 0 on top; all times in months since diagnosis.

    bars      row, position (of the patient in the registry), patient (pseudonym), start (0), end, end_kind ("Death", "Last
              contact", "Another end of follow-up"), group (level that the rows are sorted by, "" where they are not), since
              (month of the exposure, NaN for never)
    courses   row, patient, course, start, stop (NaN where not recorded, never beyond the end of the bar)
    marks     row, patient, month, kind: the label of every dated yes or no (infection, .., resolution) and the end of the bar
    immortal  row, patient, start (0), end: the time that the exposed lived through before their exposure; empty without one
    event     what "Death" is called where the registry's event is another one
    """

    bars: pd.DataFrame
    courses: pd.DataFrame
    marks: pd.DataFrame
    immortal: pd.DataFrame
    event: str = DEATH

    def called(self, kind: str) -> str:
        """The word for a kind of mark or end."""
        return self.event if kind == DEATH else kind


def timeline(
    registry: Registry, mask: np.ndarray, *, exposure: Exposure | None = None, counted_from="start", sort=BY_FOLLOW_UP
) -> Timeline:
    """The timelines of the patients of a mask over all patients of the registry.

    ``sort``: "follow-up" (longest first); "exposure" (earliest exposure first, then the never exposed, longest first); or
    the name of a categorical variable (in the order of its levels, not recorded last, longest first within). Raises
    ValueError on "exposure" without an exposure or another name.
    """
    positions = np.flatnonzero(mask)
    table = registry.follow_up.iloc[positions]
    end = table["days"].to_numpy(dtype=float) / DAYS_PER_MONTH
    since = np.full(len(positions), np.nan)
    if exposure is not None:
        since = exposure_months(registry, exposure, counted_from=counted_from)[positions]
    group = np.full(len(positions), "", dtype=object)
    if sort == BY_FOLLOW_UP:
        first = np.zeros(len(positions))
    elif sort == BY_EXPOSURE and exposure is not None:
        first = np.nan_to_num(since, nan=np.inf)
    elif sort in registry.dictionary and registry.dictionary[sort].is_categorical:
        values = registry.values(sort).iloc[positions]
        first = values.cat.codes.to_numpy(dtype=float)
        first = np.where(first < 0, np.inf, first)
        group = values.astype(object).where(values.notna(), "Not recorded").to_numpy()
    else:
        raise ValueError(f"timelines cannot be sorted by {sort!r}")
    order = np.lexsort((positions, -end, first))
    positions, end, since, group = positions[order], end[order], since[order], group[order]
    patient = registry.follow_up["patient"].to_numpy()[positions]
    row = np.arange(len(positions))

    bars = pd.DataFrame(
        {
            "row": row,
            "position": positions,
            "patient": patient,
            "start": 0.0,
            "end": end,
            "end_kind": [_ENDS[state] for state in registry.follow_up["state"].to_numpy()[positions]],
            "group": group,
            "since": since,
        }
    )
    had = ~np.isnan(since) & (since > 0)
    immortal = pd.DataFrame(
        {"row": row[had], "patient": patient[had], "start": 0.0, "end": np.minimum(since, end)[had]}
    )
    return Timeline(bars, _courses(registry, bars), _marks(registry, bars), immortal, ends_of(registry)["death"])


def follow_up_only(
    registry: Registry, mask: np.ndarray, *, exposure: Exposure | None = None, counted_from="start"
) -> Timeline:
    """The bars alone, longest last: their end and, with an exposure, its month. For more patients than can have a row."""
    positions = np.flatnonzero(mask)
    end = registry.follow_up["days"].to_numpy(dtype=float)[positions] / DAYS_PER_MONTH
    since = np.full(len(positions), np.nan)
    if exposure is not None:
        since = exposure_months(registry, exposure, counted_from=counted_from)[positions]
    nothing = pd.DataFrame()
    bars = pd.DataFrame({"position": positions, "end": end, "since": since}, copy=False)
    return Timeline(bars, nothing, nothing, nothing)


def arranged(found: Timeline, rank: np.ndarray, group: np.ndarray | None = None) -> Timeline:
    """The same timelines in another order: ``rank`` is (n,), smallest on top, aligned with ``found.bars``; ``group`` names
    the level of each row, whose rows should be neighbours."""
    order = np.argsort(rank, kind="stable")
    new_row = np.empty(len(order), dtype=int)
    new_row[order] = np.arange(len(order))
    bars = found.bars if group is None else found.bars.assign(group=group)

    def moved(frame):
        row = new_row[frame["row"].to_numpy(dtype=int)]
        return frame.assign(row=row).sort_values("row", kind="stable", ignore_index=True)

    return Timeline(moved(bars), moved(found.courses), moved(found.marks), moved(found.immortal), found.event)


def _courses(registry, bars):
    row_of = np.full(len(registry), -1)
    row_of[bars["position"]] = bars["row"]
    table = registry.courses
    row = row_of[table["row"].to_numpy(dtype=int)]
    table, row = table[row >= 0], row[row >= 0]
    end = bars["end"].to_numpy()[row]
    courses = pd.DataFrame(
        {
            "row": row,
            "patient": bars["patient"].to_numpy()[row],
            "course": table.groupby("row").cumcount().to_numpy() + 1,
            "start": table["start_days"].to_numpy(dtype=float) / DAYS_PER_MONTH,
            "stop": np.minimum(table["stop_days"].to_numpy(dtype=float) / DAYS_PER_MONTH, end),
        }
    )
    return courses.sort_values(["row", "course"], ignore_index=True)


def _marks(registry, bars):
    position = bars["position"].to_numpy()
    parts = []
    for exposure in exposures_of(registry):
        if exposure.courses:
            continue
        months = exposure_months(registry, exposure)[position]
        dated = ~np.isnan(months)
        part = bars.loc[dated, ["row", "patient"]]
        parts.append(part.assign(month=months[dated], kind=exposure.label))
    parts.append(bars[["row", "patient"]].assign(month=bars["end"], kind=bars["end_kind"]))
    return pd.concat(parts, ignore_index=True)
