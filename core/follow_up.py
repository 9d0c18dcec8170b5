"""How long and how completely the patients were followed, and when they came into the registry."""

import numpy as np
import pandas as pd

from core.conventions import DAYS_PER_MONTH
from core.errors import NotEstimable
from core.registry import Registry
from core.survival import Outcome, follow_up

PERIODS = {"month": "M", "quarter": "Q", "year": "Y"}
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def follow_up_summary(registry: Registry, mask: np.ndarray, strata: pd.Series | None = None) -> pd.DataFrame:
    """How long the masked patients were followed from diagnosis, in months, one row a group.

    mask    (n,) bool over all patients of the registry
    strata  their groups, one value a masked patient, aligned by position

    Columns: stratum n n_event median conf_low conf_high lower_quartile upper_quartile longest. The median and quartiles are
    those of the reverse Kaplan-Meier curve, NaN where not reached; n_event counts deaths, longest is the longest time
    observed. Raises NotEstimable without patients.
    """
    days, cause = _masked(registry, mask)
    died, time = cause == 1, days / DAYS_PER_MONTH
    everybody = registry.remember("followed", lambda: Outcome(_days(registry) / DAYS_PER_MONTH, _causes(registry)))
    frame = follow_up(everybody.take(np.asarray(mask, dtype=bool)), strata)
    belongs = [group for _, group in _groups(strata, len(time))]
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
    observed, cause = _masked(registry, mask)
    diagnosis = _diagnosis(registry)
    possible = registry.remember(
        "possible follow-up", lambda: (registry.cut_off - diagnosis).dt.days.to_numpy(dtype=float)
    )
    potential = np.where(cause == 0, possible[np.asarray(mask, dtype=bool)], observed)
    gap = potential - observed
    died = cause == 1
    rows = []
    for level, group in _groups(strata, len(observed)):
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
    died = _masked(registry, mask)[1] == 1
    first, last = _months(registry)
    first, last = first[np.asarray(mask, dtype=bool)], last[np.asarray(mask, dtype=bool)]
    frequency = PERIODS[period]
    begin = pd.Period(ordinal=int(first.min()), freq="M").asfreq(frequency)
    periods = pd.period_range(begin, registry.cut_off.to_period(frequency), freq=frequency)
    start = begin.asfreq("M", how="start").ordinal

    def count(months):
        return np.bincount((months - start) // MONTHS[period], minlength=len(periods))[: len(periods)]

    n_new, n_event, n_over = count(first), count(last[died]), count(last)
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
    """Days of follow-up and causes (0 alive, 1 death, 2 another end) of the masked patients."""
    mask = np.asarray(mask, dtype=bool)
    if not mask.any():
        raise NotEstimable("No patient is left, so there is no follow-up to describe. Undo a filter.")
    return _days(registry)[mask], _causes(registry)[mask]


def _days(registry):
    return registry.follow_up["days"].to_numpy(dtype=float)


def _causes(registry):
    def find():
        state = registry.follow_up["state"].to_numpy()
        return np.select([state == "death", state == "competing"], [1, 2], 0).astype(np.int8)

    return registry.remember("causes of end", find)


def _months(registry):
    """Months since 1970 of diagnosis and of the end of follow-up, of all patients."""

    def find():
        diagnosis = _diagnosis(registry).to_numpy().astype("datetime64[D]")
        end = diagnosis + np.floor(_days(registry)).astype("timedelta64[D]")
        return tuple(dates.astype("datetime64[M]").astype(np.int32) for dates in (diagnosis, end))

    return registry.remember("months of diagnosis and end", find)


def _diagnosis(registry):
    """Dates of diagnosis of all patients. Raises NotEstimable where follow-up is given as durations."""
    variable = registry.dictionary.meaning("diagnosis_date")
    if variable is None or registry.cut_off is None or registry.dictionary.meaning("follow_up_time") is not None:
        if registry.is_upload:
            raise NotEstimable(
                "Of an uploaded file like this one only the length of follow-up is kept, not from when to when: completeness and "
                "accrual over calendar time are not shown."
            )
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
