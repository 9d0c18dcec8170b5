"""What a reader must know about this view. Short, true, and only when it applies."""

from dataclasses import dataclass

from core.analysis import Analysis
from core.conventions import EVENTS_PER_COEFFICIENT, SMALL_STRATUM
from core.registry import Variable

AFTER_BASELINE, SMALL, FEW_EVENTS, LEFT_OUT = "after baseline", "small group", "few events", "left out"


@dataclass(frozen=True)
class Caution:
    """One notice: its kind and its sentence, in plain text."""

    kind: str
    text: str


def cautions(analysis: Analysis) -> tuple[Caution, ...]:
    """The notices of a view, the gravest first."""
    return (
        *after_baseline(analysis),
        *_small_groups(analysis),
        *_few_events(analysis),
        *_left_out(analysis),
    )


def after_baseline(analysis: Analysis, *, grouped: bool = True) -> tuple[Caution, ...]:
    """Filters, and where something is ``grouped`` groups, on what is known only after diagnosis."""
    found = []
    dictionary = analysis.registry.dictionary
    filtered = [dictionary[f.variable] for f in analysis.view.filters if dictionary[f.variable].is_post_baseline]
    if filtered:
        found.append(
            Caution(
                AFTER_BASELINE,
                f"Filtered by {_names(filtered)}, known only after diagnosis: patients had to live long enough to get "
                "into this group, so its survival looks better than it is.",
            )
        )
    if grouped and analysis.by is not None and analysis.by.is_post_baseline:
        found.append(
            Caution(
                AFTER_BASELINE,
                f"Grouped by {analysis.by.variable.label}, known only after diagnosis: whoever died early never had the chance "
                "to enter the group, so the curves cannot be compared at face value.",
            )
        )
    return tuple(found)


def _small_groups(analysis):
    strata = analysis.grouped.strata
    if strata is None or not len(strata):
        return ()
    counts = strata.value_counts()
    small = [f"{level} ({n})" for level, n in counts.items() if 0 < n < SMALL_STRATUM]
    if not small:
        return ()
    return (Caution(SMALL, f"Fewer than {SMALL_STRATUM} patients in {', '.join(small)}: read as single cases."),)


def _few_events(analysis):
    if not len(analysis.outcome) or not 0 < analysis.n_event < EVENTS_PER_COEFFICIENT:
        return ()
    what = analysis.endpoint.event if analysis.n_event == 1 else analysis.endpoint.events
    return (
        Caution(
            FEW_EVENTS,
            f"Only {analysis.n_event} {what}: every hazard ratio here rests on fewer than {EVENTS_PER_COEFFICIENT} events.",
        ),
    )


def _left_out(analysis):
    found = [
        Caution(LEFT_OUT, f"{n} of {len(analysis.cohort)} left out: {why}.")
        for why, n in analysis.times.exclusions(analysis.cohort.mask)
    ]
    if analysis.strata is not None and (n := int(analysis.strata.isna().sum())):
        found.append(
            Caution(LEFT_OUT, f"{n} of {len(analysis.outcome)} not in any curve: {analysis.by.label} not recorded.")
        )
    return tuple(found)


def _names(variables: list[Variable]) -> str:
    labels = [variable.label for variable in variables]
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
