"""The few numbers by which a view is known again: what a link carries, and what two views are compared by."""

import math
from dataclasses import dataclass

from core import competing
from core.analysis import Analysis
from core.charts.wording import NOT_ESTIMABLE, NOT_REACHED, format_number, format_p, format_percent, format_ratio
from core.errors import NotEstimable
from core.exposure_analysis import ExposureAnalysis, chosen_exposure
from core.grouping import NOTHING
from core.ratios import joint_model
from core.settings import RATIO_PARTS
from core.view import make_view

YEAR = 12.0  # months
MOST_GROUPS, MOST_RATIOS = 4, 4
COUNT, MONTHS, SHARE, NUMBER, P, RATIO = "count", "months", "share", "number", "p", "ratio"
BETWEEN, NONE = "~", "none"
DIGITS = 6
# what a key begins with: its words and how it is written
KINDS = {
    "n": ("Patients", COUNT),
    "d": ("Events", COUNT),
    "c": ("Competing events", COUNT),
    "m": ("Median (months)", MONTHS),
    "s": ("Free of the event at 12 months", SHARE),
    "i": ("Had the event by 12 months", SHARE),
    "x": ("Test of the groups, chi-squared", NUMBER),
    "df": ("Test of the groups, degrees of freedom", COUNT),
    "p": ("Test of the groups, p", P),
    "hr": ("Hazard ratio", RATIO),
    "j": ("Hazard ratio in one model", RATIO),
    "t": ("Hazard ratio, exposed from its date on", RATIO),
}


@dataclass(frozen=True)
class Number:
    """One headline number. ``key`` is what it is called in a link: a kind, and after a dot of whom. NaN: not estimable."""

    key: str
    value: float

    @property
    def kind(self) -> str:
        return self.key.partition(".")[0]

    @property
    def form(self) -> str:
        return KINDS.get(self.kind, ("", NUMBER))[1]

    @property
    def label(self) -> str:
        """In words: "Median (months), Later"; a key of another release as it is."""
        kind, _, who = self.key.partition(".")
        words = KINDS.get(kind, (kind, NUMBER))[0]
        if not who:
            return words
        return f"{words} of {who}" if self.form == RATIO else f"{words}, {who}"

    @property
    def text(self) -> str:
        """As a reader expects it."""
        return written(self.value, self.form)

    @property
    def exact(self) -> str:
        """As a link carries it: six significant digits."""
        return NONE if math.isnan(self.value) else f"{self.value:.{DIGITS}g}"

    def equals(self, other: "Number") -> bool:
        """The same to the digits that a link carries; counts exactly."""
        if math.isnan(self.value) or math.isnan(other.value):
            return math.isnan(self.value) and math.isnan(other.value)
        if self.form == COUNT:
            return self.value == other.value
        return math.isclose(self.value, other.value, rel_tol=10.0 ** (1 - DIGITS))


def written(value: float, form: str) -> str:
    """A number in the words of its kind."""
    if math.isnan(value):
        return NOT_REACHED if form == MONTHS else NOT_ESTIMABLE
    if form == COUNT:
        return f"{value:,.10g}"
    if form == SHARE:
        return format_percent(value, 1)
    if form == P:
        return format_p(value)
    return format_ratio(value) if form == RATIO else format_number(value, 2)


def headline(analysis: Analysis) -> tuple[Number, ...]:
    """The headline numbers of a view, in a fixed order. Pure and quick; what cannot be estimated is NaN.

    Patients and events; the median and the share free of the event at 12 months (the incidence where something competes), of
    all and of up to four groups; the test of the groups unless they are known only after diagnosis; the first hazard ratios
    of the main covariates; on the Treatment page the time-dependent ratio, on the Hazard ratios page those of the joint model.
    """
    found = [("n", len(analysis.cohort)), ("d", analysis.n_event)]
    found += _competing(analysis) if analysis.endpoint.competing else _alone(analysis)
    found += _test(analysis) + _ratios(analysis)
    if analysis.view.page == "treatment":
        found += _exposure(analysis)
    if dict(analysis.view.settings).get("part") == RATIO_PARTS[1]:
        found += _together(analysis)
    return tuple(Number(key.replace(BETWEEN, "-"), float(value)) for key, value in found)


def ungrouped(analysis: Analysis) -> Analysis:
    """The same view with nothing grouped: its curves and ratios are those of the patients that pass the filters."""
    if analysis.by is None:
        return analysis
    view = analysis.view
    values = dict(view.settings) | {"by": NOTHING}
    return Analysis(analysis.registry, make_view(analysis.registry, view.page, view.filters, values))


def _estimated(make, otherwise):
    try:
        return make()
    except NotEstimable:
        return otherwise


def _shown_groups(analysis) -> list:
    """The groups that somebody is in, where they are few."""
    if analysis.strata is None:
        return []
    present = set(analysis.grouped.strata.dropna())
    groups = [level for level in analysis.by.levels if level in present]
    return groups if len(groups) <= MOST_GROUPS else []


def _alone(analysis):
    def of(result, names):
        at = result.survival_at([YEAR]).set_index("stratum")["estimate"]
        rows = result.summary.set_index("stratum")
        for stratum, suffix in names:
            if suffix:
                yield f"n{suffix}", rows.loc[stratum, "n"]
                yield f"d{suffix}", rows.loc[stratum, "n_event"]
            yield f"m{suffix}", rows.loc[stratum, "median"]
            yield f"s{suffix}", at.loc[stratum]

    overall = _estimated(lambda: ungrouped(analysis).overall_curve, None)
    if overall is None:
        return [("m", math.nan), ("s", math.nan)]
    found = [*of(overall, [(overall.strata[0], "")])]
    groups = _shown_groups(analysis)
    return found + ([*of(analysis.curve, [(g, f".{g}") for g in groups])] if groups else [])


def _competing(analysis):
    cause = competing.cause_shown(analysis)

    def of(result, names):
        at = result.at([YEAR])
        at = at[at["cause"] == cause].set_index("stratum")["estimate"]
        for stratum, suffix in names:
            yield f"i{suffix}", at.get(stratum, math.nan)

    every = ungrouped(analysis)
    outcome = _estimated(lambda: competing.outcome_of(every), None)
    if outcome is None:
        return [("c", 0), ("i", math.nan)]
    overall = competing.incidence(every)
    found = [("c", int((outcome.cause > 1).sum())), *of(overall, [(overall.strata[0], "")])]
    groups = _shown_groups(analysis)
    return found + ([*of(competing.incidence(analysis), [(g, f".{g}") for g in groups])] if groups else [])


def _test(analysis):
    if analysis.by is None or analysis.by.is_post_baseline:
        return []  # at face value it is no headline
    if analysis.endpoint.competing:
        test = _estimated(lambda: competing.comparison(analysis, competing.cause_shown(analysis)), None)
    else:
        test = _estimated(lambda: analysis.comparison, None)
    if test is None:
        return [("p", math.nan)]
    return [("x", test.statistic), ("df", test.df), ("p", test.p_value)]


def _terms(kind, analysis, terms):
    rows = terms[~terms["is_reference"].astype(bool)].head(MOST_RATIOS)
    for row in rows.itertuples(index=False):
        variable = analysis.registry.dictionary[row.covariate]
        what = f"{variable.label}: {row.level}" if variable.is_categorical else variable.label_with_step
        yield f"{kind}.{what}", row.estimate


def _ratios(analysis):
    known = [v for v in analysis.registry.dictionary.headline if not v.is_post_baseline]
    if not known:
        return []
    ties = dict(analysis.view.settings).get("ties", "efron")
    result = _estimated(lambda: ungrouped(analysis).hazard_ratios(known, ties=ties), None)
    return [] if result is None else [*_terms("hr", analysis, result.terms)]


def _together(analysis):
    view, dictionary = analysis.view, analysis.registry.dictionary
    chosen = [dictionary.by_label(label) for label in view["together"]]
    model = _estimated(
        lambda: joint_model(
            analysis,
            chosen,
            ties=view["ties"],
            within=dictionary.by_label(view["together_within"]),
            penalised=view["firth"],
        ),
        None,
    )
    return [] if model is None else [*_terms("j", analysis, model.result.terms)]


def _exposure(analysis):
    exposure = chosen_exposure(analysis)
    if exposure is None:
        return []
    row = _estimated(lambda: ExposureAnalysis(analysis, exposure).time_dependent, None)
    return [("t", math.nan if row is None else row["estimate"])]


def to_text(numbers) -> str:
    """The numbers in one text for a link: names and values in turn."""
    return BETWEEN.join(part for number in numbers for part in (number.key, number.exact))


def from_text(text: str) -> tuple[Number, ...]:
    """The numbers that a link carries; what is not a number in it is left out. Never raises."""
    parts = text.split(BETWEEN)
    found = []
    for key, value in zip(parts[::2], parts[1::2], strict=False):
        try:
            number = math.nan if value == NONE else float(value)
        except ValueError:
            continue
        if key and not math.isinf(number) and (value == NONE or not math.isnan(number)):
            found.append(Number(key, number))
    return tuple(found)


@dataclass(frozen=True)
class Change:
    """One headline number of two views; None where one of them does not have it."""

    key: str
    before: Number | None
    after: Number | None

    @property
    def label(self) -> str:
        return (self.after or self.before).label

    @property
    def same(self) -> bool:
        return self.before is not None and self.after is not None and self.before.equals(self.after)

    @property
    def difference(self) -> float:
        """After less before; NaN where one of them has no number."""
        if self.before is None or self.after is None:
            return math.nan
        return self.after.value - self.before.value

    @property
    def difference_text(self) -> str:
        """How far apart: ratios as how many times, shares in percentage points; no difference of p values."""
        form = (self.after or self.before).form
        if form == P or math.isnan(self.difference):
            return ""
        if form == COUNT:
            return _signed(f"{self.difference:,.10g}")
        if form == RATIO:
            return f"{self.after.value / self.before.value:.2f} times" if self.before.value > 0 else ""
        if form == SHARE:
            return f"{_signed(f'{100 * self.difference:.1f}')} points"
        return _signed(f"{self.difference:.2f}" if form == NUMBER else f"{self.difference:.1f}")


def _signed(text: str) -> str:
    if not text.strip("-0."):
        return "0"
    return f"\N{MINUS SIGN}{text[1:]}" if text.startswith("-") else f"+{text}"


def changes(before, after) -> tuple[Change, ...]:
    """Two sets of headline numbers side by side, in the order of the second; what only the first has comes last."""
    old, new = ({number.key: number for number in numbers} for numbers in (before, after))
    return tuple(Change(key, old.get(key), new.get(key)) for key in [*new, *(key for key in old if key not in new)])
