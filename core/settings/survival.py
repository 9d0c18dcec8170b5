"""The choices of the Survival page; some hold on Outcomes too."""

from core.conventions import CONF_LEVEL, CONF_TYPE, CONF_TYPES
from core.endpoints import FROM_DIAGNOSIS, FROM_ONSET
from core.grouping import NOTHING
from core.settings.everywhere import alone_labels, categorical_labels
from core.settings.setting import Setting
from core.survival.logrank import METHODS

SHOWS = ("Survival", "Cumulative incidence", "Cumulative hazard")
RISK_TABLES = ("At risk, censored, events", "At risk only")

SURVIVAL: tuple[Setting, ...] = (
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
        when=("endpoint", alone_labels),
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
        when=("endpoint", alone_labels),
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
)
