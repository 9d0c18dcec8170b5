"""The choices of the Outcomes page."""

from core.settings.everywhere import competing_labels
from core.settings.setting import Setting

EVENT_ITSELF, WHAT_COMPETES = "The event", "What competes with it"

OUTCOMES: tuple[Setting, ...] = (
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
)
