"""The choices of the Treatment page."""

import math

from core.exposures import COURSES, exposures_of, undated
from core.registry import Registry
from core.settings.setting import Setting

FROM_FIRST_DAY, FROM_LAST_DAY = "First day", "Last day"
NOTHING_DATED = "Nothing dated"
MOVING, AT_LANDMARK = "Moving when exposed", "From the landmark"
WHOLE_TIME, FIRST_YEAR = "All follow-up", "First 12 months"
LONGEST_FIRST, EARLIEST_EXPOSED_FIRST = "Follow-up", "Time of the exposure"


def exposure_labels(registry: Registry) -> tuple[str, ...]:
    """What begins during follow-up and has a date."""
    return tuple(exposure.label for exposure in exposures_of(registry)) or (NOTHING_DATED,)


def default_exposure(registry: Registry) -> str:
    """As many courses as the dictionary cuts their number at, else the first exposure."""
    for exposure in exposures_of(registry):
        counted = exposure.courses and exposure.variable != COURSES
        if counted and exposure.courses == registry.dictionary[exposure.variable].cut:
            return exposure.label
    return exposure_labels(registry)[0]


def course_labels(registry: Registry) -> tuple[str, ...]:
    return tuple(exposure.label for exposure in exposures_of(registry) if exposure.courses)


def timeline_orders(registry: Registry) -> tuple[str, ...]:
    """What the patients' timelines can be sorted by."""
    known = [v.label for v in registry.dictionary.filters if v.is_categorical and not v.is_post_baseline]
    return (LONGEST_FIRST, EARLIEST_EXPOSED_FIRST, *known)


def baseline_labels(registry: Registry) -> tuple[str, ...]:
    """What is known at diagnosis and can enter a model."""
    return tuple(v.label for v in registry.dictionary.covariates if not v.is_post_baseline)


def default_adjustment(registry: Registry) -> tuple[str, ...]:
    """The first of the main covariates that is known at diagnosis."""
    return tuple(v.label for v in registry.dictionary.headline if not v.is_post_baseline)[:1]


TREATMENT: tuple[Setting, ...] = (
    Setting(
        "exposure",
        "Exposure",
        "choice",
        default_exposure,
        page="treatment",
        options=exposure_labels,
        per_registry=True,
        help="What begins after diagnosis. Patients count as exposed from its date on, and before it as not exposed.",
    ),
    Setting(
        "counted_from",
        "A course counts from its",
        "choice",
        FROM_FIRST_DAY,
        page="treatment",
        options=(FROM_FIRST_DAY, FROM_LAST_DAY),
        when=("exposure", course_labels),
        help="A course that death cuts short ends just before the death: counted from its last day, it would be blamed for it.",
    ),
    Setting(
        "landmark_at",
        "Landmark (months)",
        "slider",
        3,
        page="treatment",
        low=1,
        high=24,
        help="Whoever is still followed then is compared by whether exposed by then, with the clock restarted there.",
    ),
    Setting("curves", "Curves", "choice", MOVING, page="treatment", options=(MOVING, AT_LANDMARK)),
    Setting(
        "timeline_sort",
        "Sort by",
        "choice",
        LONGEST_FIRST,
        page="treatment",
        options=timeline_orders,
        per_registry=True,
    ),
    Setting("span", "Show", "choice", WHOLE_TIME, page="treatment", options=(WHOLE_TIME, FIRST_YEAR)),
    Setting(
        "runs",
        "Runs",
        "number",
        1000,
        page="treatment",
        low=200,
        high=5000,
        step=200,
        help="How often the exposures are dealt out anew.",
    ),
    Setting(
        "seed",
        "Seed",
        "number",
        1,
        page="treatment",
        low=1,
        high=999_999,
        help="The same seed gives the same runs.",
    ),
    Setting(
        "also_since",
        "Other exposures, each from its date on",
        "choices",
        (),
        page="treatment",
        options=exposure_labels,
        per_registry=True,
    ),
    Setting(
        "adjust_for",
        "Known at diagnosis",
        "choices",
        default_adjustment,
        page="treatment",
        options=baseline_labels,
        per_registry=True,
    ),
)


def assumed_settings(registry: Registry) -> tuple[Setting, ...]:
    """Where only the number of courses is recorded: what has to be assumed about their dates."""
    counted = next((v for v, _ in undated(registry) if v.dated_by == COURSES), None)
    limits = counted and registry.limits(counted)
    if not limits or limits[1] < 1:
        return ()
    usual = 1 if math.isnan(counted.cut) else int(counted.cut)
    return (
        Setting(
            "assumed_courses",
            "At least so many courses",
            "number",
            min(max(usual, 1), int(limits[1])),
            page="treatment",
            low=1,
            high=limits[1],
        ),
        Setting(
            "assumed_first",
            "Assumed: first course after (months)",
            "number",
            0.0,
            page="treatment",
            high=24.0,
            step=0.5,
            help="Months from diagnosis, alike for everybody.",
        ),
        Setting(
            "assumed_spacing",
            "Assumed: months between courses",
            "number",
            1.0,
            page="treatment",
            high=12.0,
            step=0.5,
            help="From the start of one course to the start of the next, alike for everybody.",
        ),
    )
