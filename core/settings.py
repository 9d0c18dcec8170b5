"""Every choice a reader can make besides the filters, once: its name in the link, its words, its options, its default.

The controls on the screen, the view and the link are all made from this table, so that nothing shapes a number without
being in the link.
"""

from dataclasses import dataclass

from core.conventions import CONF_TYPE, CONF_TYPES, EARLY_WINDOW_MONTHS, TIES
from core.endpoints import CALCIPHYLAXIS, EARLY, FROM_DIAGNOSIS, FROM_ONSET, OTHER_CAUSE, SPECIFIC, endpoints_of
from core.registry import Registry

EVERYWHERE = "everywhere"
NOBODY = "Nothing"  # group by nothing
MOST_GROUPS = 8


@dataclass(frozen=True)
class Setting:
    """One choice.

    ``kind``: "choice" (one of ``options``), "choices" (several of them), "number" (between ``low`` and ``high``), "switch".
    ``page`` is the url path of the page it belongs to, or EVERYWHERE. ``options`` may depend on the registry: then it is a
    function of it. ``when`` is (name of another setting, values) that must hold for this one to matter.
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
    when: tuple[str, tuple] | None = None
    per_registry: bool = False  # the options are the registry's own words

    def key(self, registry: Registry) -> str:
        """The name of the query parameter and of the control."""
        return f"{self.name}.{registry.slug}" if self.per_registry else self.name

    def options_of(self, registry: Registry) -> tuple:
        return tuple(self.options(registry)) if callable(self.options) else tuple(self.options)

    def default_of(self, registry: Registry):
        return self.default(registry) if callable(self.default) else self.default


def grouping_labels(registry: Registry) -> tuple[str, ...]:
    """What the cohort can be grouped by: categorical variables with a handful of levels."""
    return (
        NOBODY,
        *(v.label for v in registry.dictionary.filters if v.is_categorical and 2 <= len(v.levels) <= MOST_GROUPS),
    )


def default_grouping(registry: Registry) -> str:
    """The first filter that can group, which is what the registry's owner put first."""
    labels = grouping_labels(registry)
    return labels[1] if len(labels) > 1 else NOBODY


SETTINGS: tuple[Setting, ...] = (
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
        help="The published report does not define early mortality; six months is the usual horizon of this disease.",
    ),
    Setting(
        "unknown_cause",
        "Deaths of unknown cause count as",
        "choice",
        OTHER_CAUSE,
        options=(OTHER_CAUSE, CALCIPHYLAXIS),
        when=("endpoint", (SPECIFIC.label,)),
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
        "interval",
        "Interval",
        "choice",
        CONF_TYPE,
        page="survival",
        options=CONF_TYPES,
        help="The scale on which the interval of the curve is symmetric.",
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
)


def settings_of(page: str) -> tuple[Setting, ...]:
    """The settings that shape a page: its own and those that hold everywhere."""
    return tuple(setting for setting in SETTINGS if setting.page in (EVERYWHERE, page))
