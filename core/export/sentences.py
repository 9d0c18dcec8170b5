"""Results in sentences, ready to paste: estimate, interval, numbers, unit and method, with the cautions that belong to them."""

import math

from core import competing
from core.analysis import Analysis
from core.cautions import AFTER_BASELINE, FEW_EVENTS, LEFT_OUT, SMALL, cautions
from core.charts.wording import (
    NOT_REACHED,
    format_count,
    format_interval,
    format_months,
    format_number,
    format_p_statement,
    format_percent,
    format_ratio,
    in_sentence,
)
from core.cohort import describe_filter
from core.errors import NotEstimable
from core.exposure_analysis import ExposureAnalysis
from core.settings import setting_named
from core.survival import TestResult
from core.treatment import LANDMARK, NAIVE, TIME_DEPENDENT

YEAR = 12.0


def survival_sentence(analysis: Analysis) -> str:
    """Patients, events, follow-up, and by group the median and the survival at the times of the view. Raises NotEstimable as
    the curves do."""
    endpoint, whole = analysis.endpoint, analysis.grouped.overall_curve.summary.iloc[0]
    said = [
        f"{_who(analysis)} {format_count(whole['n_event'])} {events_of(analysis, whole['n_event'])} occurred{_of(analysis, whole['n'])} (median follow-up {format_months(whole['follow_up'])}, reverse Kaplan-Meier method)."
    ]
    level = f"{analysis.conf_level:.0%} CI"
    for row in analysis.curve.summary.itertuples(index=False):
        limits = format_interval(row.conf_low, row.conf_high, _bare_months)
        limits = (
            f", {level} {limits}" if "not estimable" not in limits and not _both(row.conf_low, row.conf_high) else ""
        )
        median = NOT_REACHED if math.isnan(row.median) else format_months(row.median)
        at = analysis.curve.survival_at(_times(analysis))
        at = [one for one in at[at["stratum"] == row.stratum].itertuples(index=False) if not math.isnan(one.estimate)]
        shares = _listed(f"{format_percent(one.estimate, 1)}{_limits(one, level)} at {one.time:g} months" for one in at)
        said.append(
            f"{_in_group(analysis, row)}median time to {endpoint.event} was {median}{limits}"
            + (f"; the estimate free of {endpoint.event} was {shares}." if shares else ".")
        )
    said.append(
        f"Kaplan-Meier estimates, time in {_clock(analysis)}, with {analysis.conf_level:.0%} confidence intervals on the {analysis.conf_type} scale."
    )
    return _joined(analysis, said, (AFTER_BASELINE, SMALL, LEFT_OUT))


def incidence_sentence(analysis: Analysis, cause: int = competing.EVENT) -> str:
    """The cumulative incidence by group where something competes. Raises NotEstimable as the curves do."""
    what, other = (competing.cause_in_words(analysis, c) for c in (cause, 3 - cause))
    result = competing.incidence(analysis)
    level = f"{analysis.conf_level:.0%} CI"
    outcome = competing.outcome_of(analysis.grouped)
    n, n_other = int((outcome.cause == cause).sum()), int((outcome.cause == 3 - cause).sum())
    said = [
        f"{_who(analysis)} {what} was observed in {format_count(n)} and {other}, which competes with it, in "
        f"{format_count(n_other)}{_of(analysis, len(outcome), ' of ')}."
    ]
    for group in result.strata:
        at = result.at(_times(analysis))
        at = at[(at["stratum"] == group) & (at["cause"] == cause)]
        known = [one for one in at.itertuples(index=False) if not math.isnan(one.estimate)]
        shares = _listed(
            f"{format_percent(one.estimate, 1)}{_limits(one, level)} by {one.time:g} months" for one in known
        )
        of = "" if analysis.by is None else f" in {in_sentence(analysis.by.label)} {group}"
        if shares:
            said.append(f"The cumulative incidence of {what}{of} was {shares}.")
    said.append(f"Aalen-Johansen estimates, time in {_clock(analysis)}; {other} was treated as a competing event.")
    return _joined(analysis, said, (AFTER_BASELINE, SMALL, LEFT_OUT))


def comparison_sentence(analysis: Analysis, cause: int = competing.EVENT) -> str:
    """The test of the groups. Raises NotEstimable as the test does."""
    if analysis.endpoint.competing:
        test, what = competing.comparison(analysis, cause), competing.cause_in_words(analysis, cause)
        what = f"the cumulative incidence of {what}"
    else:
        test, what = analysis.comparison, in_sentence(analysis.endpoint.label)
    by = in_sentence(analysis.by.label)
    if analysis.by.is_post_baseline:
        return _joined(analysis, [f"No association of {by} with {what} is stated."], (AFTER_BASELINE, SMALL, LEFT_OUT))
    if analysis.by.against_the_rest:
        by = "belonging to this selection"
    verdict = "was associated with" if test.p_value < 0.05 else "was not clearly associated with"
    within = "" if analysis.within is None else f", stratified by {in_sentence(analysis.view['within'])}"
    groups = _listed(f"{row.stratum}: {int(row.n)} patients" for row in test.groups.itertuples(index=False))
    method = test.method.removesuffix(", stratified")
    method = method if method.startswith("Gray") else in_sentence(method)
    said = [
        f"{by[:1].upper()}{by[1:]} {verdict} {what} ({method}{within}: chi-squared {format_number(test.statistic, 2)}, "
        f"{_degrees(test)}, {format_p_statement(test.p_value)}; {groups})."
    ]
    return _joined(analysis, said, (AFTER_BASELINE, SMALL, LEFT_OUT))


def ratio_sentence(analysis: Analysis, variables, *, ties: str = "efron") -> str:
    """The hazard ratio of each covariate on its own. Raises NotEstimable as the models do."""
    known = [v for v in variables if not v.is_post_baseline]
    terms = analysis.hazard_ratios(known, ties=ties).terms
    kind = "cause-specific hazard" if analysis.endpoint.competing else "hazard"
    clear, open_, without = [], [], []
    for variable in known:
        own = terms[terms["covariate"] == variable.name]
        reference = next((row.level for row in own.itertuples(index=False) if row.is_reference), "")
        for row in own[~own["is_reference"]].itertuples(index=False):
            name = f"{variable.label}: {row.level} (against {reference})" if row.level else variable.label_with_step
            if math.isnan(row.estimate):
                without.append(name)
                continue
            counts = f"{int(row.n_event)} {events_of(analysis, row.n_event)} in {patients_of(row.n)}"
            text = (
                f"{name} (hazard ratio {format_ratio(row.estimate)}, 95% CI {format_interval(row.conf_low, row.conf_high)}, "
                f"{format_p_statement(row.p_value)}; {counts})"
            )
            (clear if row.conf_low > 1 or row.conf_high < 1 else open_).append((row.estimate > 1, text))
    said = []
    for higher, word in ((True, "higher"), (False, "lower")):
        if found := [text for up, text in clear if up == higher]:
            said.append(f"Associated with a {word} {kind} of {analysis.endpoint.event}: {'; '.join(found)}.")
    if open_:
        said.append(
            f"Not clearly associated with the {kind} of {analysis.endpoint.event}: {'; '.join(text for _, text in open_)}."
        )
    if without:
        said.append(f"Not estimable: {'; '.join(without)}.")
    said.append(
        f"{_who(analysis, ending='')}: Cox models of one covariate at a time, not adjusted for the others, {ties.capitalize()}'s method "
        f"for ties, time in {_clock(analysis)}, covariates known at diagnosis. Many covariates were looked at: some differences arise by chance."
    )
    notices = [
        c.text
        for c in cautions(analysis)
        if c.kind == FEW_EVENTS or (c.kind == AFTER_BASELINE and "Filtered" in c.text)
    ]
    return " ".join([*said, *notices])


def treatment_sentence(seen: ExposureAnalysis) -> str:
    """The exposure from its date on, then the landmark analysis. Raises NotEstimable when nobody is left."""
    split, mark, naive = (seen.estimate(name) for name in (TIME_DEPENDENT, LANDMARK, NAIVE))
    event, label = seen.analysis.endpoint.event, in_sentence(seen.exposure.label)
    counts = (
        f"{int(split['n_event_exposed'])} of {int(split['n_event'])} {seen.analysis.endpoint.events} while exposed, "
        f"{int(split['n_exposed'])} of {patients_of(split['n'])} exposed during follow-up"
    )
    said = []
    if math.isnan(split["estimate"]):
        said.append(f"{_start(label)}, from its date on: hazard ratio not estimable ({counts}). {split['note']}")
    else:
        inside = split["conf_low"] <= 1 <= split["conf_high"]
        what = "was not clearly associated with" if inside else "was associated with"
        direction = "the" if inside else "a lower" if split["estimate"] < 1 else "a higher"
        said.append(
            f'The exposure "{label}" {what} {direction} hazard of {event} once exposed ({_ratio(split)}; {counts}; Cox model with the '
            f"exposure as a time-dependent covariate). {seen.definition}"
        )
    at = f"Landmark analysis at {seen.landmark_months} months from diagnosis"
    if math.isnan(mark["estimate"]):
        said.append(f"{at}: not estimable. {mark['note']}")
    else:
        said.append(
            f"{at}, {patients_of(mark['n'])} and {int(mark['n_event'])} {seen.analysis.endpoint.events} after it: {_ratio(mark)}."
        )
    if not math.isnan(naive["estimate"]):
        said.append(
            f"A label fixed at diagnosis would have given {format_ratio(naive['estimate'])}; it counts time before the exposure, in "
            "which nobody exposed could have the event, as exposed (immortal time) and is not a result."
        )
    said.append("Who is given the treatment was not left to chance, and nothing here says what the exposure causes.")
    if seen.n_not_known:
        said.append(f"{seen.n_not_known} patients were left out: it is not known whether or when they were exposed.")
    return " ".join(said)


def _joined(analysis, said, kinds):
    return " ".join([*said, *(caution.text for caution in cautions(analysis) if caution.kind in kinds)])


def _who(analysis, *, ending=",") -> str:
    """Which patients: "Among all 51 patients,", "Among 23 of 51 patients (Stage: Later),"."""
    registry, n = analysis.registry, len(analysis.cohort)
    filters = [describe_filter(registry.dictionary[f.variable], f) for f in analysis.view.filters if f.is_active]
    mark = f"{registry.source}: among" if registry.is_synthetic else "Among"
    if analysis.by is not None and analysis.by.against_the_rest:
        chosen = f" ({'; '.join(filters)})" if filters else ""
        return (
            f"{mark} all {patients_of(len(registry))}, the {format_count(n)} selected{chosen} against the rest{ending}"
        )
    if not filters:
        return f"{mark} all {patients_of(n)}{ending}"
    return f"{mark} {format_count(n)} of {patients_of(len(registry))} ({'; '.join(filters)}){ending}"


def _of(analysis, n, word=" in "):
    """How many patients, where they are fewer than were just named."""
    named = len(analysis.registry) if analysis.by is not None and analysis.by.against_the_rest else len(analysis.cohort)
    return "" if int(n) == named else f"{word}{patients_of(n)}"


def _in_group(analysis, row):
    if analysis.by is None:
        return "The "
    if analysis.by.against_the_rest:
        return f"{row.stratum} ({int(row.n_event)} {events_of(analysis, row.n_event)} in {patients_of(row.n)}): "
    counts = f"{int(row.n_event)} {events_of(analysis, row.n_event)} in {patients_of(row.n)}"
    return f"{analysis.by.label} {row.stratum} ({counts}): "


def _clock(analysis):
    return in_sentence(analysis.time_title)


def _times(analysis) -> list[float]:
    chosen = dict(analysis.view.settings).get("at")
    if chosen is None:
        chosen = setting_named(analysis.registry, "at").default
    return sorted(float(time) for time in chosen) or [YEAR]


def _limits(one, level):
    if math.isnan(one.conf_low) and math.isnan(one.conf_high):
        return ""
    return f" ({level} {format_interval(one.conf_low, one.conf_high, lambda share: format_percent(share, 1))})"


def _ratio(row):
    limits = format_interval(row["conf_low"], row["conf_high"])
    return f"hazard ratio {format_ratio(row['estimate'])}, 95% CI {limits}, {format_p_statement(row['p_value'])}"


def events_of(analysis: Analysis, n) -> str:
    """What ``n`` events of the view are called: "death" or "deaths"."""
    return analysis.endpoint.event if int(n) == 1 else analysis.endpoint.events


def patients_of(n) -> str:
    """ "1 patient", "1,204 patients"."""
    return "1 patient" if int(n) == 1 else f"{format_count(n)} patients"


def _degrees(test: TestResult):
    return "1 degree of freedom" if test.df == 1 else f"{test.df} degrees of freedom"


def _bare_months(months):
    return format_months(months, unit=False)


def _both(low, high):
    return math.isnan(low) and math.isnan(high)


def _listed(parts) -> str:
    parts = list(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def _start(text):
    return text[:1].upper() + text[1:]


def sentences(analysis: Analysis, variables) -> tuple[tuple[str, str], ...]:
    """Every sentence that this view has: (what it is about, sentence). What cannot be estimated is said with its reason."""
    if analysis.endpoint.competing:
        parts = [("Cumulative incidence", lambda: incidence_sentence(analysis))]
    else:
        parts = [("Survival", lambda: survival_sentence(analysis))]
    if analysis.by is not None:
        parts.append(("Comparison of the groups", lambda: comparison_sentence(analysis)))
    parts.append(("Hazard ratios", lambda: ratio_sentence(analysis, variables)))
    found = []
    for about, make in parts:
        try:
            found.append((about, make()))
        except NotEstimable as reason:
            found.append((about, str(reason)))
    return tuple(found)
