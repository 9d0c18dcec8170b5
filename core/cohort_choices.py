"""What a reader can choose about the description of a cohort: parts of the page, groups of variables, columns, patients."""

from core.grouping import NOTHING, can_group
from core.registry import Registry, Variable
from core.registry.dictionary import ROLES, SECTIONS

TABLE, SELECTION, TIMELINES, DISTRIBUTIONS = "Table 1", "Selection", "Timelines", "Distributions"
MISSING, PATIENTS, FOLLOW_UP = "Missing values", "Patients", "Follow-up"
COHORT_PARTS = (TABLE, SELECTION, TIMELINES, DISTRIBUTIONS, MISSING, PATIENTS, FOLLOW_UP)

AS_DESCRIBED, AS_MEANS, AS_MEDIANS = "As in the dictionary", "Mean ± SD", "Median (quartiles)"
SUMMARIES = {AS_DESCRIBED: "", AS_MEANS: "mean", AS_MEDIANS: "median"}
EVERYTHING = "All"
NOBODY = "Nobody"
LONGEST, IN_FILE_ORDER = "Longest follow-up first", "As in the file"
LINE_ORDERS = (LONGEST, IN_FILE_ORDER)
BY_PERIOD = {"Quarters": "quarter", "Years": "year", "Months": "month"}


def section_of(variable: Variable) -> str:
    return SECTIONS[variable.role]


def section_labels(registry: Registry) -> tuple[str, ...]:
    """The sections that have a variable to describe, and all of them together."""
    roles = {variable.role for variable in registry.dictionary.filters}
    return (*(SECTIONS[role] for role in ROLES if role in roles), EVERYTHING)


def described_labels(registry: Registry) -> tuple[str, ...]:
    """Variables whose distribution can be drawn, in the order of the filters."""
    return tuple(v.label for v in registry.dictionary.filters if registry.n_missing(v) < len(registry)) or (NOTHING,)


def default_pair(registry: Registry) -> tuple[str, str]:
    """The first category and the first number among the main covariates, so that the pair says something at once."""
    labels = described_labels(registry)
    shown = [v for v in (*registry.dictionary.headline, *registry.dictionary.filters) if v.label in labels]
    first = next((v for v in shown if v.is_categorical), shown[0] if shown else None)
    second = next((v for v in shown if v.is_numeric), None) or next((v for v in shown if v is not first), first)
    return (first.label, second.label) if first else (NOTHING, NOTHING)


def column_labels(registry: Registry) -> tuple[str, ...]:
    """What the table of patients can show besides the pseudonym, follow-up and its end."""
    return tuple(v.label for v in registry.dictionary if v.role != "identifier" and v.means != "follow_up_time")


def default_columns(registry: Registry) -> tuple[str, ...]:
    return tuple(v.label for v in registry.dictionary.headline if v.label in column_labels(registry))


def patient_labels(registry: Registry) -> tuple[str, ...]:
    """Pseudonyms in the order of the file."""
    return registry.remember(
        "patient labels", lambda: (NOBODY, *registry.follow_up.sort_values("file_row")["patient"].astype(str))
    )


def colour_labels(registry: Registry) -> tuple[str, ...]:
    """What timelines can be coloured by: categories, and numbers cut into groups."""
    return (NOTHING, *(v.label for v in registry.dictionary.filters if can_group(registry, v)))
