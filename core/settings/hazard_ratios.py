"""The choices of the Hazard ratios page."""

from core.conventions import TIES
from core.grouping import NOTHING
from core.registry import Registry
from core.settings.everywhere import categorical_labels
from core.settings.setting import Setting

RATIO_PARTS = ("Each on its own", "Several together", "Subgroups", "Shape of an effect")
ORDERS = ("As in the dictionary", "Smallest p first", "Largest difference first")


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


HAZARD_RATIOS: tuple[Setting, ...] = (
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
)
