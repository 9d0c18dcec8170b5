"""A view is a value: everything on the screen is a function of a registry and a View, and the link is the View."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from core.cohort import AUTO, DROP, KEEP, ONLY, Filter
from core.registry import Registry, Variable
from core.settings import Setting, matters, settings_for, settings_of

NOT_RECORDED = "Not recorded"
MISSING_WORDS = {AUTO: "Leave out once narrowed", KEEP: "Keep", DROP: "Leave out", ONLY: "Only these"}
FINGERPRINT_KEY, FINGERPRINT_LENGTH = "data", 12
# what a link carries besides choices
PAGE_KEY, RELEASE_KEY, NUMBERS_KEY, CHECK_KEY, SET_KEY = "page", "release", "numbers", "check", "view"
RESERVED = (FINGERPRINT_KEY, PAGE_KEY, RELEASE_KEY, NUMBERS_KEY, CHECK_KEY, SET_KEY)


# where the registry came from, if a reader brought it; stays in the address bar
SOURCE_KEY = "source"


@dataclass(frozen=True)
class View:
    """Filters in the sidebar's order and the value of every setting that shapes the page."""

    page: str
    filters: tuple[Filter, ...]
    settings: tuple[tuple[str, object], ...]

    def __getitem__(self, name: str):
        for key, value in self.settings:
            if key == name:
                return value
        raise KeyError(name)

    def to_query(self, registry: Registry) -> dict[str, list[str]]:
        """Every choice as query parameters, defaults too, with the registry's fingerprint."""
        query: dict[str, list[str]] = {FINGERPRINT_KEY: [registry.fingerprint[:FINGERPRINT_LENGTH]]}
        if registry.is_upload:
            query[SOURCE_KEY] = [source_name(registry)]
        values = dict(self.settings)
        for setting in settings_of(registry, self.page):
            if matters(registry, setting, values.get, self.page):
                query[setting.key(registry)] = _texts(setting, values[setting.name])
        more = [
            registry.dictionary[f.variable].label
            for f in self.filters
            if math.isnan(registry.dictionary[f.variable].filter_rank)
        ]
        if more:
            query[more_key(registry)] = more
        for condition in self.filters:
            query.update(_filter_query(registry, condition))
        return query

    def link(self, registry: Registry, base: str) -> str:
        """The permanent link: ``base`` is scheme, host and path."""
        return f"{base}?{urlencode(self.to_query(registry), doseq=True)}"


def source_name(registry: Registry) -> str:
    """What the link calls a registry that a reader brought: a fingerprint, no word of the file."""
    return f"Upload {registry.fingerprint[:FINGERPRINT_LENGTH]}"


def make_view(registry: Registry, page: str, filters, values: Mapping) -> View:
    """A view from the filters and from settings by name; a setting that is not given or has no effect has its default."""
    settings = settings_of(registry, page)
    chosen = {s.name: values.get(s.name, s.default_of(registry)) for s in settings}
    return View(
        page,
        tuple(filters),
        tuple(
            (s.name, chosen[s.name] if matters(registry, s, chosen.get, page) else s.default_of(registry))
            for s in settings
        ),
    )


@dataclass(frozen=True)
class Ignored:
    """A part of a link that could not be applied, and why."""

    parameter: str
    value: str
    reason: str


def filter_key(registry: Registry, variable: Variable) -> str:
    return f"{registry.slug}.{variable.name}"


def missing_key(registry: Registry, variable: Variable) -> str:
    return f"{filter_key(registry, variable)}.missing"


def more_key(registry: Registry) -> str:
    return f"more.{registry.slug}"


def level_options(registry: Registry, variable: Variable) -> tuple[str, ...]:
    """What a categorical filter offers: the levels somebody has, and "Not recorded" where values are missing."""
    levels = registry.levels_present(variable)
    return (*levels, NOT_RECORDED) if registry.n_missing(variable) else levels


def filter_from_levels(variable: Variable, chosen) -> Filter:
    """The filter that a choice of levels means; nothing chosen means no restriction."""
    levels = tuple(level for level in variable.levels if level in chosen)
    if NOT_RECORDED in chosen:
        return Filter(variable.name, levels, missing=KEEP if levels else ONLY)
    return Filter(variable.name, levels)


def filter_from_range(registry: Registry, variable: Variable, chosen, missing=AUTO) -> Filter:
    """The filter that a range means; an end at the limit of the registry is no limit."""
    least, most = registry.limits(variable)
    low, high = sorted(chosen)
    return Filter(
        variable.name,
        low=math.nan if low <= least else float(low),
        high=math.nan if high >= most else float(high),
        missing=missing,
    )


def _filter_query(registry, condition):
    variable = registry.dictionary[condition.variable]
    key = filter_key(registry, variable)
    if variable.is_categorical:
        missing = [NOT_RECORDED] if condition.missing in (KEEP, ONLY) else []
        return {key: [*condition.levels, *missing]}
    query = {}
    least, most = registry.limits(variable)
    low = least if math.isnan(condition.low) else condition.low
    high = most if math.isnan(condition.high) else condition.high
    if condition.narrows:
        query[key] = [f"{low:.{variable.decimals}f}", f"{high:.{variable.decimals}f}"]
    if condition.missing != AUTO:
        query[missing_key(registry, variable)] = [MISSING_WORDS[condition.missing]]
    return query


def _texts(setting: Setting, value) -> list[str]:
    if setting.kind == "switch":
        return ["true" if value else "false"]
    if setting.kind == "choices":
        return [str(item) for item in value] or [""]  # chosen, and nothing
    return [f"{value:.12g}" if setting.kind in ("number", "slider") else str(value)]


def view_from_query(registry: Registry, page: str, query: Mapping[str, list[str]]) -> tuple[View, list[Ignored]]:
    """The view that a link means for this registry, and every part of the link that could not be applied.

    Never raises: a parameter that is unknown, of another registry or out of range leaves its default in place.
    """
    left = {key: list(values) for key, values in query.items() if key not in (*RESERVED, SOURCE_KEY)}
    ignored: list[Ignored] = []
    filters = []
    for variable in registry.dictionary.filters:
        condition = filter_from_query(registry, variable, left, ignored)
        if condition is not None and condition.is_active:
            filters.append(condition)
    for label in left.pop(more_key(registry), []):
        named = registry.dictionary.by_label(label)
        if named is None or not named.is_filter:
            ignored.append(Ignored(more_key(registry), label, "this registry has no such variable"))
    values = {}
    for setting in settings_of(registry, page):
        texts = left.pop(setting.key(registry), None)
        values[setting.name] = setting_from_texts(registry, setting, texts, ignored)
    elsewhere = {setting.key(registry) for setting in settings_for(registry)}
    for key, texts in left.items():
        if key not in elsewhere:  # what belongs to another page does no harm here
            ignored.extend(Ignored(key, text, "no such choice here") for text in texts)
    return make_view(registry, page, filters, values), ignored


def filter_from_query(
    registry: Registry, variable: Variable, left: dict[str, list[str]], ignored: list[Ignored]
) -> Filter | None:
    """The filter that a query means for one variable, None without one; takes its parameters out of ``left``."""
    key = filter_key(registry, variable)
    texts, missing_texts = left.pop(key, None), left.pop(missing_key(registry, variable), None)
    if variable.is_categorical:
        if texts is None:
            return None
        options = level_options(registry, variable)
        ignored.extend(
            Ignored(key, text, "no patient has this level") for text in texts if text and text not in options
        )
        return filter_from_levels(variable, [text for text in texts if text in options])
    limits = registry.limits(variable)
    if limits is None or (texts is None and missing_texts is None):
        return None
    missing = AUTO
    if missing_texts:
        word = {words: name for name, words in MISSING_WORDS.items()}
        missing = word.get(missing_texts[0], AUTO)
        if missing_texts[0] not in word:
            ignored.append(Ignored(missing_key(registry, variable), missing_texts[0], "not one of the choices"))
        if not registry.n_missing(variable):
            if missing != AUTO:
                ignored.append(Ignored(missing_key(registry, variable), missing_texts[0], "no value is missing here"))
            missing = AUTO
    chosen = limits
    if texts is not None:
        numbers = [_number(text) for text in texts]
        if len(numbers) == 2 and None not in numbers:
            chosen = tuple(min(max(round(n, variable.decimals), limits[0]), limits[1]) for n in numbers)
            for text, number, taken in zip(texts, numbers, chosen, strict=True):
                if abs(number - taken) > 0.5 * 10.0**-variable.decimals:
                    ignored.append(Ignored(key, text, f"outside of what is recorded, so taken as {taken:g}"))
                elif round(number, variable.decimals) != number:
                    ignored.append(Ignored(key, text, f"more digits than are recorded, so taken as {taken:g}"))
        else:
            ignored.append(Ignored(key, ", ".join(texts), "a range needs two numbers"))
    return filter_from_range(registry, variable, chosen, missing)


def setting_from_texts(registry: Registry, setting: Setting, texts, ignored: list[Ignored]):
    """The value of a setting that the texts of a query parameter mean; its default, and a note, where they mean none."""
    default = setting.default_of(registry)
    if not texts:
        return default
    key = setting.key(registry)
    if setting.kind != "choices":
        ignored.extend(Ignored(key, text, "given twice; the first counts") for text in texts[1:])
    if setting.kind == "switch":
        if texts[0].lower() in ("true", "false"):
            return texts[0].lower() == "true"
    elif setting.kind in ("number", "slider"):
        number = _number(texts[0])
        if number is not None and setting.low <= number <= setting.high:
            taken = type(default)(number)
            if taken != number:
                ignored.append(Ignored(key, texts[0], f"a whole number is needed, so taken as {taken}"))
            return taken
    elif setting.kind == "choices":
        options = setting.options_of(registry)
        ignored.extend(Ignored(key, text, "not one of the choices") for text in texts if text and text not in options)
        return tuple(text for text in texts if text in options)
    elif texts[0] in setting.options_of(registry):
        return texts[0]
    ignored.append(Ignored(key, texts[0], "not one of the choices"))
    return default


def _number(text):
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
