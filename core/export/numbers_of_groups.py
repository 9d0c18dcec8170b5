"""The numbers of a view's curves for its scripts: by group, at times, means, differences and tests."""

from core import competing
from core.analysis import Analysis
from core.errors import NotEstimable
from core.export.expected import LIMITS, Expected
from core.export.tables import safe_text
from core.survival import pairwise_logrank, restricted_mean_difference, survival_difference, trend_test

IN_DEPTH = "survival"  # the page that has means, differences, trend and pairs


def curves(expected: Expected, analysis: Analysis, times) -> list[str]:
    """Patients, events, medians and the curve at the times; the groups."""
    try:
        result = analysis.curve
    except NotEstimable as reason:
        expected.left_out.append(f"Curves: {reason}")
        return []
    for row in result.summary.itertuples(index=False):
        group = safe_text(row.stratum)
        expected.add(row.n, group, "patients")
        expected.add(row.n_event, group, "events")
        expected.add(row.median, group, "median (months)")
        expected.add(row.conf_low, group, "median, lower limit")
        expected.add(row.conf_high, group, "median, upper limit")
        expected.add(row.follow_up, group, "median follow-up (months)")
    for row in result.survival_at(times).itertuples(index=False) if times else ():
        where = (safe_text(row.stratum), f"{row.time:g} months")
        expected.add(row.n_risk, *where, "at risk")
        expected.add(row.estimate, *where, "free of the event")
        expected.add(row.conf_low, *where, "lower limit")
        expected.add(row.conf_high, *where, "upper limit")
    return [safe_text(stratum) for stratum in result.strata]


def means_and_differences(expected: Expected, analysis: Analysis, times) -> dict:
    """Restricted means by group, and what sets the larger groups apart: keys tau (0: no means), large_groups, differences."""
    found = {"tau": 0.0, "large_groups": [], "differences": False}
    if analysis.view.page != IN_DEPTH:
        return found
    try:
        result = analysis.curve
        tau = float(analysis.view["tau"] or result.default_tau())
    except NotEstimable:
        return found
    if tau > 0:
        found["tau"] = tau
        for row in result.restricted_mean(tau).itertuples(index=False):
            expected.add_parts(row, "Restricted mean", safe_text(row.stratum), parts=LIMITS)
    if analysis.strata is None:
        return found
    try:
        outcome, strata, _ = analysis.large_groups
        contrasts = (
            restricted_mean_difference(outcome, strata, tau, conf_level=analysis.conf_level) if tau > 0 else None
        )
    except NotEstimable as reason:
        expected.left_out.append(f"Differences between groups: {reason}")
        return found
    present = set(strata)
    found["large_groups"] = [safe_text(level) for level in result.strata if level in present]
    for row in contrasts.itertuples(index=False) if contrasts is not None else ():
        word = "less" if row.measure == "difference" else "over"
        expected.add_parts(row, "Restricted mean", f"{safe_text(row.stratum_b)} {word} {safe_text(row.stratum_a)}")
    if times:
        found["differences"] = True
        frame = survival_difference(outcome, strata, times, conf_level=analysis.conf_level)
        for row in frame.itertuples(index=False):
            pair = f"{safe_text(row.stratum_b)} less {safe_text(row.stratum_a)}"
            expected.add_parts(row, "Difference", pair, f"{row.time:g} months", parts=LIMITS)
    return found


def comparison(expected: Expected, analysis: Analysis) -> dict | None:
    """The test of all groups and, on the page in depth, the trend over ordered ones and every pair."""
    try:
        test = analysis.comparison
    except NotEstimable as reason:
        expected.left_out.append(f"Test of the groups: {reason}")
        return None
    expected.add_test(test.method, test)
    found = {"name": test.method, **analysis.weighting, "trend": "", "pairs": False}
    if analysis.view.page != IN_DEPTH or len(test.groups) < 3:
        return found
    grouped = analysis.grouped
    if analysis.by.is_ordered and analysis.weighting["weights"] == "log-rank":
        trend = trend_test(grouped.outcome, grouped.strata, stratify=grouped.within)
        expected.add(trend.statistic, trend.method, "chi-squared")
        expected.add(trend.p_value, trend.method, "p")
        found["trend"] = trend.method
    pairs = pairwise_logrank(grouped.outcome, grouped.strata, stratify=grouped.within, **analysis.weighting)
    for row in pairs.itertuples(index=False):
        pair = f"{safe_text(row.stratum_a)} and {safe_text(row.stratum_b)}"
        expected.add(row.p_value, "Pair", pair, "p")
        expected.add(row.p_adjusted, "Pair", pair, "p, adjusted")
    return found | {"pairs": True}


def incidence(expected: Expected, analysis: Analysis, times) -> tuple[list[str], list[int], list[int]]:
    """Groups, causes, and the causes that Gray's test could compare."""
    try:
        result = competing.incidence(analysis)
    except NotEstimable as reason:
        expected.left_out.append(f"Cumulative incidence: {reason}")
        return [], [], []
    outcome = competing.outcome_of(analysis)
    for group in result.strata:
        chosen = slice(None) if analysis.strata is None else (analysis.strata == group).to_numpy()
        cause = outcome.cause[chosen]
        expected.add(len(cause), safe_text(group), "patients")
        for k in result.causes:
            expected.add((cause == k).sum(), safe_text(group), f"events of cause {k}")
    for row in result.at(times).itertuples(index=False) if times else ():
        where = (safe_text(row.stratum), f"{row.time:g} months")
        expected.add(row.n_risk, *where, "at risk")
        expected.add(row.estimate, *where, f"incidence of cause {row.cause}")
        expected.add(row.conf_low, *where, f"lower limit, cause {row.cause}")
        expected.add(row.conf_high, *where, f"upper limit, cause {row.cause}")
    tested = []
    for k in result.causes:
        try:
            test = competing.comparison(analysis, k)
        except NotEstimable as reason:
            expected.left_out.append(f"Gray's test, cause {k}: {reason}")
            continue
        expected.add_test(f"Gray's test, cause {k}", test)
        tested.append(int(k))
    return [safe_text(group) for group in result.strata], [int(k) for k in result.causes], tested


def time_lost(expected: Expected, analysis: Analysis) -> float:
    """The mean time lost to each cause up to tau; tau, 0 where the page has none."""
    if analysis.view.page not in (IN_DEPTH, "outcomes"):
        return 0.0
    try:
        frame, tau = competing.time_lost(analysis)
    except NotEstimable as reason:
        expected.left_out.append(f"Time lost: {reason}")
        return 0.0
    for row in frame.itertuples(index=False):
        expected.add_parts(row, "Time lost", safe_text(row.stratum), f"cause {row.cause}", parts=LIMITS)
    return tau
