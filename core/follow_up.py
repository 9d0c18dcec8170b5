"""How long and how completely the patients were followed, and when they came into the registry."""

import numpy as np
import pandas as pd

from core.conventions import DAYS_PER_MONTH
from core.errors import NotEstimable
from core.registry import Registry
from core.survival import Outcome, follow_up

PERIODS = {"month": "M", "quarter": "Q", "year": "Y"}


def follow_up_summary(registry: Registry, mask: np.ndarray, strata: pd.Series | None = None) -> pd.DataFrame:
    """How long the masked patients were followed from diagnosis, in months, one row a group.

    mask    (n,) bool over all patients of the registry
    strata  their groups, one value a masked patient, aligned by position

    Columns: stratum n n_event median conf_low conf_high lower_quartile upper_quartile longest. The median and quartiles are
    those of the reverse Kaplan-Meier curve, NaN where not reached; n_event counts deaths, longest is the longest time
    observed. Raises NotEstimable without patients.
    """
    table = _masked(registry, mask)
    died = (table["state"] == "death").to_numpy()
    cause = np.where(died, 1, np.where(table["state"] == "competing", 2, 0))
    time = table["days"].to_numpy(dtype=float) / DAYS_PER_MONTH
    frame = follow_up(Outcome(time, cause), strata)
    belongs = [group for _, group in _groups(strata, len(table))]
    n_event = [int(died[group].sum()) for group in belongs]
    frame.insert(2, "n_event", n_event)
    return frame.assign(longest=[float(time[group].max()) for group in belongs])


def completeness(registry: Registry, mask: np.ndarray, strata: pd.Series | None = None) -> pd.DataFrame:
    """Which share of the possible follow-up was observed, one row a group: the index of Clark, Altman and De Stavola, Lancet
    2002;359:1309.

    Observed person-time over the person-time from diagnosis to the data cut-off; whoever has died (or had something that
    makes death impossible to see, such as a transplantation where the dictionary says so) was followed as long as possible.
    Columns: stratum n n_event person_months potential_months completeness (0 to 1) n_behind longest_gap: n_behind counts
    patients not known to have died whose last contact is before the cut-off, longest_gap is the longest such gap in months.
    Raises NotEstimable without dates or without patients.
    """
    table = _masked(registry, mask)
    diagnosis = _diagnosis(registry)[mask]
    observed = table["days"].to_numpy(dtype=float)
    open_ended = (table["state"] == "alive").to_numpy()
    possible = (registry.cut_off - diagnosis).dt.days.to_numpy(dtype=float)
    potential = np.where(open_ended, possible, observed)
    gap = potential - observed
    died = (table["state"] == "death").to_numpy()
    rows = []
    for level, group in _groups(strata, len(table)):
        total = potential[group].sum()
        rows.append(
            (
                level,
                int(group.sum()),
                int(died[group].sum()),
                observed[group].sum() / DAYS_PER_MONTH,
                total / DAYS_PER_MONTH,
                observed[group].sum() / total if total > 0 else np.nan,
                int((gap[group] > 0).sum()),
                gap[group].max() / DAYS_PER_MONTH,
            )
        )
    columns = "stratum n n_event person_months potential_months completeness n_behind longest_gap"
    return pd.DataFrame(rows, columns=columns.split())


def accrual(registry: Registry, mask: np.ndarray, period: str = "quarter") -> pd.DataFrame:
    """How the masked patients came into the registry and died over calendar time, one row a period, empty ones too.

    ``period`` is "month", "quarter" or "year"; the first row is that of the first diagnosis, the last that of the data
    cut-off. Columns: period ("2016 Q1", "2016-01" or "2016"), start, end (days), n_new n_cumulative n_event
    n_event_cumulative n_followed: n_event counts deaths, n_followed the patients whose follow-up goes beyond the period.
    Raises NotEstimable without dates or without patients; ValueError for another period.
    """
    if period not in PERIODS:
        raise ValueError(f"period must be one of {', '.join(PERIODS)}")
    table = _masked(registry, mask)
    diagnosis = _diagnosis(registry)[mask].reset_index(drop=True)
    end = diagnosis + pd.to_timedelta(table["days"].to_numpy(dtype=float), unit="D")
    died = (table["state"] == "death").to_numpy()
    frequency = PERIODS[period]
    periods = pd.period_range(diagnosis.min(), registry.cut_off, freq=frequency)

    def count(dates):
        return dates.dt.to_period(frequency).value_counts().reindex(periods, fill_value=0).to_numpy()

    n_new, n_event, n_over = count(diagnosis), count(end[died]), count(end)
    return pd.DataFrame(
        {
            "period": [f"{p.year} Q{p.quarter}" if period == "quarter" else str(p) for p in periods],
            "start": periods.start_time,
            "end": periods.end_time.normalize(),
            "n_new": n_new,
            "n_cumulative": n_new.cumsum(),
            "n_event": n_event,
            "n_event_cumulative": n_event.cumsum(),
            "n_followed": n_new.cumsum() - n_over.cumsum(),
        }
    )


def _masked(registry, mask):
    table = registry.follow_up[mask].reset_index(drop=True)
    if table.empty:
        raise NotEstimable("No patient is left, so there is no follow-up to describe. Undo a filter.")
    return table


def _diagnosis(registry):
    """Dates of diagnosis of all patients. Raises NotEstimable where follow-up is given as durations."""
    variable = registry.dictionary.meaning("diagnosis_date")
    if variable is None or registry.cut_off is None or registry.dictionary.meaning("follow_up_time") is not None:
        raise NotEstimable(
            "This registry records how long each patient was followed, but not from when to when. Completeness and accrual "
            "need the dates of diagnosis, last contact and death in patients.csv."
        )
    return registry.patients[variable.name]


def _groups(strata, n):
    """Each group that has patients, in order, and who belongs to it; one group "All" without strata."""
    if strata is None:
        return [("All", np.ones(n, dtype=bool))]
    categories = pd.Categorical(strata)
    found = [(level, categories.codes == code) for code, level in enumerate(categories.categories)]
    return [(level, group) for level, group in found if group.any()]
