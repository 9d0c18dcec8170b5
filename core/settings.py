"""Every choice a reader can make besides the filters, once: its name in the link, its words, its options, its default.

The controls on the screen, the view and the link are all made from this table, so that nothing shapes a number without
being in the link.
"""

import math
from dataclasses import dataclass

from core.cohort_choices import (
    AS_DESCRIBED,
    BY_PERIOD,
    COHORT_PARTS,
    DISTRIBUTIONS,
    FOLLOW_UP,
    LINE_ORDERS,
    LONGEST,
    NOBODY,
    PATIENTS,
    SUMMARIES,
    TABLE,
    TIMELINES,
    colour_labels,
    column_labels,
    default_columns,
    default_pair,
    described_labels,
    patient_labels,
    section_labels,
)
from core.conventions import CONF_LEVEL, CONF_TYPE, CONF_TYPES, EARLY_WINDOW_MONTHS, TIES
from core.endpoints import (
    CALCIPHYLAXIS,
    EARLY,
    FROM_DIAGNOSIS,
    FROM_ONSET,
    OTHER_CAUSE,
    OVERALL,
    SPECIFIC,
    endpoints_of,
)
from core.exposures import COURSES, exposures_of, undated
from core.grouping import (
    AT_MEDIAN,
    AT_VALUE,
    CUTS,
    NOTHING,
    can_group,
    default_cut_point,
    default_grouping,
    grouping_labels,
)
from core.registry import Registry
from core.survival.logrank import METHODS

EVERYWHERE = "everywhere"


@dataclass(frozen=True)
class Setting:
    """One choice.

    ``kind``: "choice" (one of ``options``), "choices" (several of them), "number" and "slider" (from ``low``
    to ``high`` in ``step``), "switch", "tab" (one of ``options``, as tabs).
    ``page`` is the url path of the page it belongs to, or EVERYWHERE; ``also_on`` names further pages. ``options`` may depend
    on the registry: then it is a function of it. ``when`` is (name of another setting, its values or a function of the
    registry that gives them) that must hold for this one to matter; on the pages of ``always_on`` it matters whatever the
    others are, where the registry offers such a value at all.
    """

    name: str
    label: str
    kind: str
    default: object
    page: str = EVERYWHERE
    options: object = ()
    low: float = 0.0
    high: float = 0.0
    step: float = 1.0
    help: str = ""
    when: tuple[str, object] | None = None
    per_registry: bool = False  # the options are the registry's own words
    also_on: tuple[str, ...] = ()
    always_on: tuple[str, ...] = ()

    def key(self, registry: Registry) -> str:
        """The name of the query parameter and of the control."""
        return f"{self.name}.{registry.slug}" if self.per_registry else self.name

    def options_of(self, registry: Registry) -> tuple:
        return tuple(self.options(registry)) if callable(self.options) else tuple(self.options)

    def default_of(self, registry: Registry):
        return self.default(registry) if callable(self.default) else self.default


EVENT_ITSELF, WHAT_COMPETES = "The event", "What competes with it"
# the endpoints with which nothing competes: Kaplan-Meier curves and log-rank tests answer for them
ALONE = (OVERALL.label, EARLY.label)
SHOWS = ("Survival", "Cumulative incidence", "Cumulative hazard")
FROM_FIRST_DAY, FROM_LAST_DAY = "First day", "Last day"
NOTHING_DATED = "Nothing dated"
MOVING, AT_LANDMARK = "Moving when exposed", "From the landmark"
WHOLE_TIME, FIRST_YEAR = "All follow-up", "First 12 months"
LONGEST_FIRST, EARLIEST_EXPOSED_FIRST = "Follow-up", "Time of the exposure"
RATIO_PARTS = ("Each on its own", "Several together", "Subgroups", "Shape of an effect")
ORDERS = ("As in the dictionary", "Smallest p first", "Largest difference first")
RISK_TABLES = ("At risk, censored, events", "At risk only")


def competing_labels(registry: Registry) -> tuple[str, ...]:
    """The endpoints with which something competes."""
    return tuple(endpoint.label for endpoint in endpoints_of(registry) if endpoint.competing)


def categorical_labels(registry: Registry) -> tuple[str, ...]:
    """The variables within whose levels something can be compared."""
    return (NOTHING, *(v.label for v in registry.dictionary.filters if v.is_categorical and can_group(registry, v)))


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


def model_labels(registry: Registry) -> tuple[str, ...]:
    """Covariates known at diagnosis, the main ones first."""
    headline = [v for v in registry.dictionary.headline if not v.is_post_baseline]
    others = [v for v in registry.dictionary.covariates if not v.is_post_baseline and v not in headline]
    return tuple(v.label for v in (*headline, *others))


def single_ratio_labels(registry: Registry) -> tuple[str, ...]:
    """Covariates known at diagnosis with one hazard ratio: two levels, or a number."""
    found = [registry.dictionary.by_label(label) for label in model_labels(registry)]
    return tuple(v.label for v in found if v.is_numeric or len(v.levels) == 2) or (NOTHING,)


def numeric_labels(registry: Registry) -> tuple[str, ...]:
    found = [registry.dictionary.by_label(label) for label in model_labels(registry)]
    return tuple(v.label for v in found if v.is_numeric) or (NOTHING,)


_FIXED: tuple[Setting, ...] = (
    Setting(
        "endpoint",
        "Endpoint",
        "choice",
        "Overall mortality",
        options=lambda registry: [endpoint.label for endpoint in endpoints_of(registry)],
        help="What counts as the event. Every page obeys it.",
    ),
    Setting(
        "window",
        "Early means within",
        "choice",
        f"{EARLY_WINDOW_MONTHS} months",
        options=("3 months", "6 months", "12 months"),
        when=("endpoint", (EARLY.label,)),
        always_on=("findings", "methods"),
        help="The published report does not define early mortality; six months is the usual horizon of this disease.",
    ),
    Setting(
        "unknown_cause",
        "Deaths of unknown cause count as",
        "choice",
        OTHER_CAUSE,
        options=(OTHER_CAUSE, CALCIPHYLAXIS),
        when=("endpoint", (SPECIFIC.label,)),
        always_on=("outcomes", "findings", "methods"),
        help="Look at both: the truth lies between.",
    ),
    Setting(
        "by",
        "Group by",
        "choice",
        default_grouping,
        options=grouping_labels,
        per_registry=True,
        help="Draws one curve for each level.",
    ),
    Setting("tab", "Part", "tab", COHORT_PARTS[0], page="cohort", options=COHORT_PARTS),
    Setting(
        "numbers_as",
        "Numbers as",
        "choice",
        AS_DESCRIBED,
        page="cohort",
        options=tuple(SUMMARIES),
        when=("tab", (TABLE,)),
        help="The dictionary says for each number whether its mean or its median describes it better.",
    ),
    Setting(
        "tests",
        "Tests",
        "switch",
        False,
        page="cohort",
        when=("tab", (TABLE,)),
        help="p values for every variable. In a small cohort a difference that matters can have a large p value, and among "
        "many tests some are small by chance: the standardised difference (SMD) says how far the groups are apart.",
    ),
    Setting(
        "lines_by",
        "Order",
        "choice",
        LONGEST,
        page="cohort",
        options=LINE_ORDERS,
        when=("tab", (TIMELINES,)),
    ),
    Setting(
        "lines_colour",
        "Colour by",
        "choice",
        NOTHING,
        page="cohort",
        options=colour_labels,
        per_registry=True,
        when=("tab", (TIMELINES,)),
        help="Numbers are cut at the dictionary's cut point, or at the median of the whole registry.",
    ),
    Setting(
        "section",
        "Variables",
        "choice",
        lambda registry: section_labels(registry)[0],
        page="cohort",
        options=section_labels,
        per_registry=True,
        when=("tab", (DISTRIBUTIONS,)),
    ),
    Setting(
        "pair_a",
        "One variable",
        "choice",
        lambda registry: default_pair(registry)[0],
        page="cohort",
        options=described_labels,
        per_registry=True,
        when=("tab", (DISTRIBUTIONS,)),
    ),
    Setting(
        "pair_b",
        "Another variable",
        "choice",
        lambda registry: default_pair(registry)[1],
        page="cohort",
        options=described_labels,
        per_registry=True,
        when=("tab", (DISTRIBUTIONS,)),
    ),
    Setting(
        "columns",
        "Columns",
        "choices",
        default_columns,
        page="cohort",
        options=column_labels,
        per_registry=True,
        when=("tab", (PATIENTS,)),
        help="Only these columns are sent to your browser.",
    ),
    Setting(
        "dates",
        "Show dates",
        "switch",
        False,
        page="cohort",
        when=("tab", (PATIENTS,)),
        help="Otherwise days from diagnosis: a date can tell who somebody is.",
    ),
    Setting(
        "patient",
        "Timeline of",
        "choice",
        NOBODY,
        page="cohort",
        options=patient_labels,
        per_registry=True,
        when=("tab", (PATIENTS,)),
        help="Choose a patient here or tick a row of the table.",
    ),
    Setting(
        "period",
        "Count by",
        "choice",
        next(iter(BY_PERIOD)),
        page="cohort",
        options=tuple(BY_PERIOD),
        when=("tab", (FOLLOW_UP,)),
    ),
    Setting(
        "clock",
        "Clock starts at",
        "choice",
        FROM_DIAGNOSIS,
        page="survival",
        options=lambda registry: (
            (FROM_DIAGNOSIS, FROM_ONSET) if registry.dictionary.meaning("onset_date") is not None else (FROM_DIAGNOSIS,)
        ),
        help="From onset of lesions patients enter at diagnosis: nobody was in the registry before.",
    ),
    Setting(
        "show",
        "Show",
        "choice",
        SHOWS[0],
        page="survival",
        options=SHOWS,
        when=("endpoint", ALONE),
        help="Three ways to draw the same estimate: still free of the event, already had it, and the summed hazard.",
    ),
    Setting(
        "interval",
        "Interval",
        "choice",
        CONF_TYPE,
        page="survival",
        options=CONF_TYPES,
        help="The scale on which the interval of the curve is symmetric.",
    ),
    Setting(
        "level",
        "Level",
        "choice",
        f"{CONF_LEVEL:.0%}",
        page="survival",
        options=("90%", "95%", "99%"),
        help="How often an interval made this way contains the truth.",
    ),
    Setting(
        "risk_table",
        "Table under the curve",
        "choice",
        RISK_TABLES[0],
        page="survival",
        options=RISK_TABLES,
    ),
    Setting(
        "landmark",
        "Start counting at (months)",
        "slider",
        0,
        page="survival",
        high=24,
        help="A landmark: only patients still followed at that time are kept, and the clock restarts there. Groups formed "
        "before it can then be compared without immortal time.",
    ),
    Setting(
        "at",
        "Times (months)",
        "choices",
        ("3", "6", "12", "24"),
        page="survival",
        also_on=("outcomes",),
        options=("1", "3", "6", "9", "12", "18", "24", "36", "48", "60", "84", "120"),
    ),
    Setting(
        "tau",
        "Up to (months; 0: longest)",
        "number",
        0.0,
        page="survival",
        also_on=("outcomes",),
        high=600.0,
        help="0 takes the longest span in which every group still has somebody at risk.",
    ),
    Setting(
        "test",
        "Test",
        "choice",
        METHODS["log-rank"],
        page="survival",
        options=tuple(METHODS.values()),
        when=("endpoint", ALONE),
        help="The log-rank test weighs all events alike; the others weigh early ones more (Fleming-Harrington: as you say). "
        "Choose before looking.",
    ),
    Setting(
        "rho",
        "Weight of early events",
        "number",
        0.0,
        page="survival",
        high=3.0,
        step=0.5,
        when=("test", (METHODS["fleming-harrington"],)),
        help="The power of survival just before each event.",
    ),
    Setting(
        "gamma",
        "Weight of late events",
        "number",
        1.0,
        page="survival",
        high=3.0,
        step=0.5,
        when=("test", (METHODS["fleming-harrington"],)),
        help="The power of one minus survival just before each event.",
    ),
    Setting(
        "within",
        "Compare within levels of",
        "choice",
        NOTHING,
        page="survival",
        options=categorical_labels,
        per_registry=True,
        also_on=("outcomes",),
        help="A stratified test: groups are compared only among patients of the same level.",
    ),
    Setting(
        "ties",
        "Ties",
        "choice",
        TIES,
        page="hazard_ratios",
        options=("efron", "breslow"),
        help="How deaths on the same day are counted.",
    ),
    Setting("part", "Part", "tab", RATIO_PARTS[0], page="hazard_ratios", options=RATIO_PARTS),
    Setting(
        "sort",
        "Order",
        "choice",
        ORDERS[0],
        page="hazard_ratios",
        options=ORDERS,
        help="Sorting by p puts chance findings on top: read the counts and intervals first.",
    ),
    Setting(
        "risk_by",
        "Risk difference by (months)",
        "number",
        12.0,
        page="hazard_ratios",
        low=1.0,
        high=240.0,
        help="The hazard ratio says how many times; the risk difference says how many patients.",
    ),
    Setting(
        "together",
        "Covariates of one model",
        "choices",
        (),
        page="hazard_ratios",
        options=model_labels,
        per_registry=True,
    ),
    Setting(
        "together_within",
        "A baseline hazard of its own for each level of",
        "choice",
        NOTHING,
        page="hazard_ratios",
        options=categorical_labels,
        per_registry=True,
        help="Stratified Cox model: the levels may differ in any way, and no ratio between them is estimated.",
    ),
    Setting(
        "firth",
        "Firth's penalised likelihood",
        "switch",
        False,
        page="hazard_ratios",
        help="For few events or a level without any: ratios stay finite, intervals come from the profile likelihood.",
    ),
    Setting(
        "effect_of",
        "Hazard ratio of",
        "choice",
        lambda registry: single_ratio_labels(registry)[0],
        page="hazard_ratios",
        options=single_ratio_labels,
        per_registry=True,
    ),
    Setting(
        "shape_of",
        "Shape of the effect of",
        "choice",
        lambda registry: numeric_labels(registry)[0],
        page="hazard_ratios",
        options=numeric_labels,
        per_registry=True,
    ),
    Setting(
        "incidence_of",
        "Incidence of",
        "choice",
        EVENT_ITSELF,
        page="outcomes",
        options=(EVENT_ITSELF, WHAT_COMPETES),
        when=("endpoint", competing_labels),
        help="Competing events belong together: a group can have fewer events because it has more of the other.",
    ),
    Setting(
        "naive",
        "Show 1 − Kaplan-Meier",
        "switch",
        False,
        page="outcomes",
        when=("endpoint", competing_labels),
        help="What comes out when competing events are treated as if these patients were only lost from sight.",
    ),
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


def settings_for(registry: Registry) -> tuple[Setting, ...]:
    """Every setting that a registry has: the fixed ones, and how each of its numbers is cut into groups."""

    def make():
        numbers = [v for v in registry.dictionary.filters if v.is_numeric and can_group(registry, v)]
        cuts = (setting for v in numbers for setting in _cut_settings(registry, v))
        return (*_FIXED, *_assumed_settings(registry), *cuts)

    return registry.remember("settings", make)


def settings_of(registry: Registry, page: str) -> tuple[Setting, ...]:
    """The settings that shape a page: its own and those that hold everywhere."""
    return tuple(s for s in settings_for(registry) if s.page in (EVERYWHERE, page) or page in s.also_on)


def setting_named(registry: Registry, name: str) -> Setting:
    return next(setting for setting in settings_for(registry) if setting.name == name)


def matters(registry: Registry, setting: Setting, value_of, page: str = "") -> bool:
    """Whether a setting has an effect on a page while the others are as ``value_of(name)`` says."""
    if setting.when is None:
        return True
    name, wanted = setting.when
    wanted = wanted(registry) if callable(wanted) else wanted
    other = setting_named(registry, name)
    if page in setting.always_on and set(wanted) & set(other.options_of(registry)):
        return True
    return matters(registry, other, value_of, page) and value_of(name) in wanted


def _cut_settings(registry, variable):
    low, high = registry.limits(variable)
    step = 10.0**-variable.decimals
    says_where = not math.isnan(variable.cut)
    cut = Setting(
        f"cut.{variable.name}",
        f"{variable.label}: groups",
        "choice",
        AT_VALUE if says_where else AT_MEDIAN,
        options=CUTS,
        when=("by", (variable.label,)),
        per_registry=True,
        help="Quantiles are those of the whole registry, so that a group keeps its meaning while you filter.",
    )
    point = Setting(
        f"cut_at.{variable.name}",
        f"Upper group from ({variable.unit})" if variable.unit else "Upper group from",
        "number",
        default_cut_point(registry, variable),
        low=low,
        high=high,
        step=step,
        when=(cut.name, (AT_VALUE,)),
        per_registry=True,
        help="A cut point chosen after looking at the curves makes a difference look larger than it is.",
    )
    return cut, point


def _assumed_settings(registry):
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
