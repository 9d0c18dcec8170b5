"""The choices of the sidebar, which hold on every page: endpoint, grouping, and where a number is cut into groups."""

import math

from core.conventions import EARLY_WINDOW_MONTHS
from core.endpoints import CALCIPHYLAXIS, EARLY, OTHER_CAUSE, SPECIFIC, endpoints_of
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
from core.registry import Registry, Variable
from core.settings.setting import Setting


def alone_labels(registry: Registry) -> tuple[str, ...]:
    """The endpoints with which nothing competes: Kaplan-Meier curves and log-rank tests answer for them."""
    return tuple(endpoint.label for endpoint in endpoints_of(registry) if not endpoint.competing)


def early_labels(registry: Registry) -> tuple[str, ...]:
    return tuple(endpoint.label for endpoint in endpoints_of(registry) if endpoint.name == EARLY.name)


def competing_labels(registry: Registry) -> tuple[str, ...]:
    """The endpoints with which something competes."""
    return tuple(endpoint.label for endpoint in endpoints_of(registry) if endpoint.competing)


def categorical_labels(registry: Registry) -> tuple[str, ...]:
    """The variables within whose levels something can be compared."""
    return (NOTHING, *(v.label for v in registry.dictionary.filters if v.is_categorical and can_group(registry, v)))


SIDEBAR: tuple[Setting, ...] = (
    Setting(
        "endpoint",
        "Endpoint",
        "choice",
        lambda registry: endpoints_of(registry)[0].label,
        options=lambda registry: [endpoint.label for endpoint in endpoints_of(registry)],
        help="What counts as the event. Every page obeys it.",
    ),
    Setting(
        "window",
        "Early means within",
        "choice",
        f"{EARLY_WINDOW_MONTHS} months",
        options=("3 months", "6 months", "12 months"),
        when=("endpoint", early_labels),
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
)


def cut_settings(registry: Registry, variable: Variable) -> tuple[Setting, Setting]:
    """How a number is cut into groups, and at which value."""
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
