"""Endpoints: from what happened to each patient to the times and causes that an analysis needs."""

import re
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from core.conventions import DAYS_PER_MONTH
from core.registry import Registry
from core.survival.outcome import Outcome

FROM_DIAGNOSIS, FROM_ONSET = "diagnosis", "onset"
CALCIPHYLAXIS, OTHER_CAUSE = "calciphylaxis", "another cause"


@dataclass(frozen=True)
class Endpoint:
    """What counts as the event, and in which words.

    ``event`` and ``events`` name it ("death", "deaths"); ``free`` names being without it ("survival"), ``had`` having had it
    ("Died"), ``competing_had`` what competes. ``competing`` lists the causes 2, 3, .. in words; empty where nothing competes. ``definition`` is the general
    one; ``definition_in_force`` says it with the numbers of a registry and the reader's choices.
    """

    name: str
    label: str
    event: str
    events: str
    free: str
    definition: str
    competing: tuple[str, ...] = ()

    had: str = "Died"
    competing_had: str = ""

    @property
    def median_title(self) -> str:
        """What the time is called at which half have had the event."""
        return "Median survival" if self.free == "Survival" else f"Median time to {self.event}"

    @property
    def free_title(self) -> str:
        """What those are who have not had the event: "Alive", "Free of relapse"."""
        return "Alive" if self.free == "Survival" else self.free

    def counted(self, n: int) -> str:
        """How many, in words: "1 death", "20 deaths"."""
        return f"{n:,} {self.event if n == 1 else self.events}"


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
    "Died of calciphylaxis",
    "Died of another cause",
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
    "Resolved",
    "Died unresolved",
)
ENDPOINTS = (OVERALL, EARLY, SPECIFIC, RESOLUTION)
_DEATH = re.compile(r"^(dead|death|died|deceased|死亡|verstorben)", re.IGNORECASE)
BEFORE_END = "before_end"  # name of the endpoint in which another end of follow-up competes with death


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

    @cached_property
    def event(self) -> np.ndarray:
        """(n,) bool over all patients of the registry."""
        event = self.usable & (self.cause == 1)
        event.flags.writeable = False
        return event

    def outcome(self, mask: np.ndarray) -> tuple[Outcome, np.ndarray]:
        """The outcome of the masked patients that are usable, and their positions in the registry."""
        rows = np.flatnonzero(mask & self.usable)
        return self._outcome.take(self._place[rows]), rows

    @cached_property
    def _outcome(self) -> Outcome:
        """Of all that are usable: checked once, and every view takes its rows."""
        entry = None if self.entry is None else self.entry[self.usable]
        return Outcome(self.time[self.usable], self.cause[self.usable], entry)

    @cached_property
    def _place(self) -> np.ndarray:
        """(n,) position of each patient among those that are usable."""
        return np.cumsum(self.usable) - 1

    def exclusions(self, mask: np.ndarray) -> list[tuple[str, int]]:
        """Why patients of the mask have no outcome: (sentence, n), only where n > 0."""
        return [(why, int((mask & who).sum())) for why, who in self.left_out if (mask & who).any()]


def endpoints_of(registry: Registry) -> tuple[Endpoint, ...]:
    """The endpoints that this registry records enough for, in its own words where it names the event or what competes."""

    def find():
        end, event = competing_end(registry), event_name(registry)
        found = [OVERALL, EARLY] if event == OVERALL.event else [_any(event), _any_early(event)]
        if end:
            found.append(_death_before(end) if event == OVERALL.event else _any_before(event, end))
        for endpoint, means in ((SPECIFIC, "cause_of_death"), (RESOLUTION, "resolution_date")):
            if registry.dictionary.meaning(means) is not None:
                if event != OVERALL.event:
                    endpoint = replace(
                        endpoint,
                        definition=endpoint.definition.replace("death", event).replace("Death", _capital(event)),
                        competing=tuple(words.replace("death", event) for words in endpoint.competing),
                        competing_had=f"{_capital(event)} first",
                    )
                if end:
                    had = f"{endpoint.competing_had} or {end}"
                    endpoint = replace(endpoint, competing=(*endpoint.competing, end), competing_had=had)
                found.append(endpoint)
        return tuple(found)

    return registry.remember("endpoints", find)


def event_name(registry: Registry) -> str:
    """What the registry calls its event, in lower case: "death", or what the level of its status says, such as "relapse".

    A level that names a person or a code ("Dead", "1", "Yes") means death; several levels have what stands before their colon.
    """
    status = registry.dictionary.meaning("status")
    levels = [] if status is None else [level for level, means in status.level_means if means == "death"]
    names = {level.partition(":")[0].strip() for level in levels}
    name = names.pop() if len(names) == 1 else ""
    if len(name) < 2 or _DEATH.search(name) or name.casefold() in ("yes", "true") or not name[:1].isalpha():
        return OVERALL.event
    return _in_sentence(name)


def _in_sentence(words):
    return words if words[1:2].isupper() else words[:1].lower() + words[1:]


def _capital(words):
    return words[:1].upper() + words[1:]


def _plural(event):
    if not event[-1:].isascii() or event.endswith("ing"):
        return event
    if event.endswith("y") and event[-2:-1] not in "aeiou":
        return f"{event[:-1]}ies"
    return f"{event}es" if event.endswith(("s", "x", "ch", "sh")) else f"{event}s"


def _any(event):
    """The endpoint of a registry whose event is not death."""
    return Endpoint(
        OVERALL.name,
        _capital(event),
        event,
        _plural(event),
        f"Free of {event}",
        f"{_capital(event)}, from diagnosis to its date; patients without it are censored at their last contact.",
        had=f"With {event}",
    )


def _any_early(event):
    return Endpoint(
        EARLY.name,
        f"Early {event}",
        f"early {event}",
        f"early {_plural(event)}",
        f"Free of {event}",
        f"{_capital(event)} within the early window after diagnosis; whoever is without it for longer is censored at the end of the "
        "window.",
        had=f"With early {event}",
    )


def _any_before(event, end):
    return Endpoint(
        BEFORE_END,
        f"{_capital(event)} before {end}",
        f"{event} before {end}",
        f"{_plural(event)} before {end}",
        f"Free of {event} before {end}",
        f"{_capital(event)}; {end} competes, because it ends follow-up and what happens after it is not recorded.",
        (end,),
        f"With {event} before {end}",
        _capital(end),
    )


def competing_end(registry: Registry) -> str:
    """What ends follow-up besides death and the last contact, in the registry's words ("transplant"); "" where nothing does."""
    status = registry.dictionary.meaning("status")
    if status is None:
        return ""
    present = registry.levels_present(status)
    levels = [level for level, means in status.level_means if means == "competing" and level in present]
    return " or ".join(map(_in_sentence, levels))


def _death_before(end: str) -> Endpoint:
    return Endpoint(
        BEFORE_END,
        f"Death before {end}",
        f"death before {end}",
        f"deaths before {end}",
        f"Free of death before {end}",
        f"Death from any cause; {end} competes, because it ends follow-up and what happens after it is not recorded.",
        (end,),
        f"Died before {end}",
        end[:1].upper() + end[1:],
    )


def definition_in_force(registry: Registry, endpoint: Endpoint, *, window_months=6, unknown_cause=OTHER_CAUSE) -> str:
    """The definition of an endpoint with the reader's choices, and how many patients of the registry they concern."""
    said = endpoint.definition
    if endpoint.name == EARLY.name:
        said = said.replace("the early window", f"{window_months} months")
    if endpoint.name == SPECIFIC.name:
        n = registry.remember("unknown causes", lambda: int((registry.follow_up["cause"] == "unknown").sum()))
        if n:
            deaths = "The 1 death of unknown cause counts" if n == 1 else f"The {n} deaths of unknown cause count"
            said += f" {deaths} as {'calciphylaxis' if unknown_cause == CALCIPHYLAXIS else 'another cause'}."
    ended = registry.remember("other ends", lambda: int((registry.follow_up["state"] == "competing").sum()))
    if ended and endpoint.name in (OVERALL.name, EARLY.name):
        end = competing_end(registry)
        said += (
            f" The {ended} whose follow-up ended with {end} are censored there: what happens to them afterwards is not "
            "recorded."
        )
    return said


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
    ended = table["state"].to_numpy() == "competing"
    if endpoint.name == EARLY.name:
        window = window_months * DAYS_PER_MONTH
        end, cause = np.minimum(days, window), (died & (days <= window)).astype(np.int64)
    elif endpoint.name == SPECIFIC.name:
        specific = table["cause"].to_numpy() == "specific"
        if unknown_cause == CALCIPHYLAXIS:
            specific |= table["cause"].to_numpy() == "unknown"
        end, cause = days, np.select([died & specific, died, ended], [1, 2, 3], 0)
    elif endpoint.name == RESOLUTION.name:
        resolved_at = table["resolution_days"].to_numpy(dtype=float)
        resolved = ~np.isnan(resolved_at)
        end, cause = np.where(resolved, resolved_at, days), np.select([resolved, died, ended], [1, 2, 3], 0)
    elif endpoint.name == BEFORE_END:
        end, cause = days, np.select([died, ended], [1, 2], 0)
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
