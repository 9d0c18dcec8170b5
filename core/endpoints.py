"""Endpoints: from what happened to each patient to the times and causes that an analysis needs."""

from dataclasses import dataclass

import numpy as np

from core.conventions import DAYS_PER_MONTH
from core.registry import Registry
from core.survival.outcome import Outcome

FROM_DIAGNOSIS, FROM_ONSET = "diagnosis", "onset"
CALCIPHYLAXIS, OTHER_CAUSE = "calciphylaxis", "another cause"


@dataclass(frozen=True)
class Endpoint:
    """What counts as the event, and in which words.

    ``event`` and ``events`` name it ("death", "deaths"); ``free`` names being without it ("survival"). ``competing`` lists
    the causes 2, 3, .. in words; empty where nothing competes.
    """

    name: str
    label: str
    event: str
    events: str
    free: str
    definition: str
    competing: tuple[str, ...] = ()


OVERALL = Endpoint(
    "overall",
    "Overall mortality",
    "death",
    "deaths",
    "Survival",
    "Death from any cause, from diagnosis to death; patients alive at their last contact are censored there.",
)
EARLY = Endpoint(
    "early",
    "Early mortality",
    "early death",
    "early deaths",
    "Survival",
    "Death from any cause within the early window after diagnosis; whoever lives longer is censored at the end of the window.",
)
SPECIFIC = Endpoint(
    "specific",
    "Calciphylaxis-specific mortality",
    "death from calciphylaxis",
    "deaths from calciphylaxis",
    "Free of death from calciphylaxis",
    "Death from calciphylaxis; death from any other cause competes, because it makes the event impossible.",
    ("death from another cause",),
)
RESOLUTION = Endpoint(
    "resolution",
    "Resolution of lesions",
    "resolution",
    "resolutions",
    "Unresolved",
    "First confirmation that all lesions have healed; death without resolution competes. A death after resolution is not "
    "an event here.",
    ("death without resolution",),
)
ENDPOINTS = (OVERALL, EARLY, SPECIFIC, RESOLUTION)


@dataclass(frozen=True, eq=False)
class EndpointTimes:
    """Times in months and causes of all patients of a registry, and who has none.

    usable (n,) bool: has a time on this clock; time, cause (n,) with anything where not usable; entry (n,) or None.
    ``left_out`` says in words why the others have none: ((sentence, (n,) bool), ..).
    """

    endpoint: Endpoint
    time: np.ndarray
    cause: np.ndarray
    entry: np.ndarray | None
    usable: np.ndarray
    left_out: tuple[tuple[str, np.ndarray], ...]

    @property
    def event(self) -> np.ndarray:
        """(n,) bool over all patients of the registry."""
        return self.usable & (self.cause == 1)

    def outcome(self, mask: np.ndarray) -> tuple[Outcome, np.ndarray]:
        """The outcome of the masked patients that are usable, and their positions in the registry."""
        rows = np.flatnonzero(mask & self.usable)
        entry = None if self.entry is None else self.entry[rows]
        return Outcome(self.time[rows], self.cause[rows], entry), rows

    def exclusions(self, mask: np.ndarray) -> list[tuple[str, int]]:
        """Why patients of the mask have no outcome: (sentence, n), only where n > 0."""
        return [(why, int((mask & who).sum())) for why, who in self.left_out if (mask & who).any()]


def endpoints_of(registry: Registry) -> tuple[Endpoint, ...]:
    """The endpoints that this registry records enough for."""
    found = [OVERALL, EARLY]
    if registry.dictionary.meaning("cause_of_death") is not None:
        found.append(SPECIFIC)
    if registry.dictionary.meaning("resolution_date") is not None:
        found.append(RESOLUTION)
    return tuple(found)


def endpoint_times(
    registry: Registry, endpoint: Endpoint, *, clock=FROM_DIAGNOSIS, window_months=6, unknown_cause=OTHER_CAUSE
) -> EndpointTimes:
    """Times and causes of one endpoint for every patient of the registry; kept, because every view needs them.

    ``clock`` "diagnosis", or "onset" with delayed entry at diagnosis. ``window_months`` ends early mortality.
    ``unknown_cause`` says where deaths of unknown cause count: "calciphylaxis" or "another cause".
    """
    key = ("endpoint", endpoint.name, clock, window_months, unknown_cause)
    return registry.remember(key, lambda: _times(registry, endpoint, clock, window_months, unknown_cause))


def _times(registry, endpoint, clock, window_months, unknown_cause):
    table = registry.follow_up
    days = table["days"].to_numpy(dtype=float)
    died = table["state"].to_numpy() == "death"
    if endpoint is EARLY:
        window = window_months * DAYS_PER_MONTH
        end, cause = np.minimum(days, window), (died & (days <= window)).astype(np.int64)
    elif endpoint is SPECIFIC:
        specific = table["cause"].to_numpy() == "specific"
        if unknown_cause == CALCIPHYLAXIS:
            specific |= table["cause"].to_numpy() == "unknown"
        end, cause = days, np.where(died, np.where(specific, 1, 2), 0)
    elif endpoint is RESOLUTION:
        resolved_at = table["resolution_days"].to_numpy(dtype=float)
        resolved = ~np.isnan(resolved_at)
        end, cause = np.where(resolved, resolved_at, days), np.where(resolved, 1, np.where(died, 2, 0))
    else:
        end, cause = days, died.astype(np.int64)
    usable = np.ones(len(days), dtype=bool)
    if clock == FROM_DIAGNOSIS:
        return EndpointTimes(endpoint, end / DAYS_PER_MONTH, cause, None, usable, ())
    onset = table["onset_days"].to_numpy(dtype=float)
    unknown = np.isnan(onset)
    never_entered = ~unknown & (end <= 0)
    usable = ~unknown & ~never_entered
    start = np.where(usable, onset, 0.0) / DAYS_PER_MONTH
    time = np.where(usable, onset + end, 1.0) / DAYS_PER_MONTH
    left_out = (
        ("the date of onset is not recorded", unknown),
        ("followed for no time after diagnosis, and so never at risk on the clock from onset", never_entered),
    )
    return EndpointTimes(endpoint, time, cause, start, usable, left_out)
