"""Every choice a reader can make besides the filters, once: its name in the link, its words, its options, its default.

The controls on the screen, the view and the link are all made from these tables, so that nothing shapes a number without
being in the link.
"""

from core.grouping import can_group
from core.registry import Registry
from core.settings.cohort import COHORT
from core.settings.everywhere import SIDEBAR, cut_settings
from core.settings.hazard_ratios import HAZARD_RATIOS, ORDERS, RATIO_PARTS
from core.settings.outcomes import OUTCOMES, WHAT_COMPETES
from core.settings.setting import EVERYWHERE, Setting
from core.settings.survival import RISK_TABLES, SHOWS, SURVIVAL
from core.settings.treatment import FIRST_YEAR, FROM_LAST_DAY, MOVING, TREATMENT, assumed_settings

__all__ = [
    "EVERYWHERE",
    "FIRST_YEAR",
    "FROM_LAST_DAY",
    "MOVING",
    "ORDERS",
    "RATIO_PARTS",
    "RISK_TABLES",
    "SHOWS",
    "WHAT_COMPETES",
    "Setting",
    "matters",
    "setting_named",
    "settings_for",
    "settings_of",
]

FIXED = (*SIDEBAR, *COHORT, *SURVIVAL, *HAZARD_RATIOS, *OUTCOMES, *TREATMENT)


def settings_for(registry: Registry) -> tuple[Setting, ...]:
    """Every setting that a registry has: the fixed ones, and how each of its numbers is cut into groups."""

    def make():
        numbers = [v for v in registry.dictionary.filters if v.is_numeric and can_group(registry, v)]
        cuts = (setting for v in numbers for setting in cut_settings(registry, v))
        return (*FIXED, *assumed_settings(registry), *cuts)

    return registry.remember("settings", make)


def settings_of(registry: Registry, page: str) -> tuple[Setting, ...]:
    """The settings that shape a page: its own and those that hold everywhere."""

    def find():
        return tuple(s for s in settings_for(registry) if s.page in (EVERYWHERE, page) or page in s.also_on)

    return registry.remember(("settings of", page), find)


def setting_named(registry: Registry, name: str) -> Setting:
    return registry.remember("settings by name", lambda: {s.name: s for s in settings_for(registry)})[name]


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
