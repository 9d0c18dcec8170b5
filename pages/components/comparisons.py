"""Panels of the Survival page: medians, survival at chosen times, restricted means, and tests of the groups."""

import streamlit as st

from core.analysis import Analysis
from core.cautions import AFTER_BASELINE
from core.charts.wording import (
    format_count,
    format_estimate,
    format_interval,
    format_months,
    format_number,
    format_p,
    format_percent,
)
from core.conventions import SMALL_STRATUM
from core.endpoints import EARLY
from core.errors import NotEstimable
from core.export.sentences import comparison_sentence
from core.survival import pairwise_logrank, restricted_mean_difference, survival_difference, trend_test
from pages.components.controls import choose, has_effect
from pages.components.literal import literal
from pages.components.panels import panel, show_cautions, wording
from pages.components.tables import text_table


def median_panel(analysis: Analysis) -> None:
    """Patients, events and medians by group."""
    with panel(literal(analysis.endpoint.median_title), how_to_read='"Not reached": the curve never fell below 50%.'):
        text_table(
            [
                (
                    row.stratum,
                    format_count(row.n),
                    format_count(row.n_event),
                    format_months(row.median),
                    format_interval(row.conf_low, row.conf_high, _bare_months),
                    format_months(row.follow_up),
                )
                for row in analysis.curve.summary.itertuples(index=False)
            ],
            (
                _group_title(analysis),
                "Patients",
                analysis.endpoint.events.capitalize(),
                "Median",
                f"{analysis.conf_level:.0%} interval",
                "Median follow-up",
            ),
        )


def survival_at_panel(analysis: Analysis) -> None:
    """The curves read off at chosen times, and the difference between groups."""
    with panel(f"{analysis.endpoint.free} at chosen times"):
        choose(analysis.registry, "at")
        times = sorted(float(time) for time in analysis.view["at"])
        if not times:
            st.caption("Choose at least one time.")
            return
        text_table(
            [
                (
                    row.stratum,
                    f"{row.time:g} months",
                    format_count(row.n_risk),
                    _beyond(analysis, row.time) if row.estimate != row.estimate else format_percent(row.estimate, 1),
                    _interval_or_none(row.conf_low, row.conf_high, _percent),
                )
                for row in analysis.curve.survival_at(times).itertuples(index=False)
            ],
            (
                _group_title(analysis),
                "Time",
                "At risk",
                analysis.endpoint.free,
                f"{analysis.conf_level:.0%} interval",
            ),
        )
        if analysis.strata is not None:
            _differences(analysis, times)


def _differences(analysis, times):
    st.markdown("**Difference between groups**")
    try:
        outcome, strata, small = analysis.large_groups
        frame = survival_difference(outcome, strata, times, conf_level=analysis.conf_level)
    except NotEstimable as reason:
        st.caption(literal(str(reason)))
        return
    text_table(
        [
            (
                f"{row.stratum_b} less {row.stratum_a}",
                f"{row.time:g} months",
                format_estimate(row.estimate, row.conf_low, row.conf_high, _percent_points),
            )
            for row in frame.itertuples(index=False)
        ],
        ("Groups", "Time", f"Difference in percentage points ({analysis.conf_level:.0%} interval)"),
    )
    _say_small(small)


def restricted_mean_panel(analysis: Analysis) -> None:
    """The mean time lived up to a stated time, by group, and its difference and ratio."""
    with panel(
        "Restricted mean survival time",
        how_to_read="The mean time lived within the stated span: the area under the curve. It needs no proportional hazards.",
    ):
        with st.container(width=220):
            choose(analysis.registry, "tau")
        tau = analysis.view["tau"] or analysis.curve.default_tau()
        if not tau > 0:
            raise NotEstimable("No span of time in which every group is followed. Widen the filters.")
        frame = analysis.curve.restricted_mean(tau)
        text_table(
            [
                (
                    row.stratum,
                    "not followed that long"
                    if row.estimate != row.estimate
                    else format_estimate(row.estimate, row.conf_low, row.conf_high, _bare_months),
                )
                for row in frame.itertuples(index=False)
            ],
            (_group_title(analysis), f"Mean of the first {tau:.1f} months ({analysis.conf_level:.0%} interval)"),
        )
        if analysis.strata is None:
            return
        try:
            outcome, strata, small = analysis.large_groups
            contrast = restricted_mean_difference(outcome, strata, tau, conf_level=analysis.conf_level)
        except NotEstimable as reason:
            st.caption(literal(str(reason)))
            return
        text_table(
            [
                (
                    f"{row.stratum_b} {'less' if row.measure == 'difference' else 'over'} {row.stratum_a}",
                    row.measure.capitalize(),
                    format_estimate(
                        row.estimate,
                        row.conf_low,
                        row.conf_high,
                        _bare_months if row.measure == "difference" else _two_decimals,
                    ),
                    format_p(row.p_value),
                )
                for row in contrast.itertuples(index=False)
            ],
            ("Groups", "Measure", f"Estimate ({analysis.conf_level:.0%} interval)", "p"),
        )
        _say_small(small)


def comparison_panel(analysis: Analysis) -> None:
    """The chosen test of all groups, the trend over ordered ones, and every pair."""
    with panel("Are the curves different?"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            for name in ("test", "rho", "gamma", "within"):
                if has_effect(analysis.registry, name):
                    with st.container(width=230):
                        choose(analysis.registry, name)
        test, grouped = analysis.comparison, analysis.grouped
        show_cautions(analysis, (AFTER_BASELINE,))
        rows = [(test.method, format_number(test.statistic, 2), test.df, format_p(test.p_value))]
        plain = analysis.weighting["weights"] == "log-rank"
        if analysis.by.is_ordered and len(test.groups) > 2 and plain:
            trend = trend_test(grouped.outcome, grouped.strata, stratify=grouped.within)
            rows.append((trend.method, format_number(trend.statistic, 2), trend.df, format_p(trend.p_value)))
        text_table(rows, ("Test", "Chi-squared", "Degrees of freedom", "p"))
        text_table(
            [
                (
                    g.stratum,
                    format_count(g.n),
                    format_count(g.observed) if plain else format_number(g.observed, 1),
                    format_number(g.expected, 1),
                )
                for g in test.groups.itertuples(index=False)
            ],
            (
                _group_title(analysis),
                "Patients",
                f"{analysis.endpoint.events.capitalize()} observed" if plain else "Observed, weighted",
                "Expected if all groups had the same hazard" if plain else "Expected, weighted",
            ),
        )
        if len(test.groups) > 2:
            st.markdown("**Every pair**")
            pairs = pairwise_logrank(grouped.outcome, grouped.strata, stratify=grouped.within, **analysis.weighting)
            text_table(
                [
                    (f"{pair.stratum_a} and {pair.stratum_b}", format_p(pair.p_value), format_p(pair.p_adjusted))
                    for pair in pairs.itertuples(index=False)
                ],
                ("Groups", "p", f"p, adjusted for {len(pairs)} comparisons (Holm)"),
            )
        wording(lambda: comparison_sentence(analysis), "comparison")


def _beyond(analysis, time) -> str:
    """Why there is no estimate at a time."""
    if analysis.endpoint.name == EARLY.name and time > analysis.window_months:
        return f"beyond the window of {analysis.window_months} months"
    return "nobody is followed that long"


def _say_small(small) -> None:
    """Which groups are too small for a difference to mean anything."""
    if small:
        st.caption(literal(f"Without {', '.join(small)}: fewer than {SMALL_STRATUM} patients."))


def _group_title(analysis) -> str:
    return analysis.by.label if analysis.by else "Group"


def _bare_months(months) -> str:
    return format_months(months, unit=False)


def _percent(share) -> str:
    return format_percent(share, 1)


def _percent_points(share) -> str:
    return format_number(100 * share, 1)


def _two_decimals(value) -> str:
    return format_number(value, 2)


def _interval_or_none(low, high, form) -> str:
    return "no interval" if low != low and high != high else format_interval(low, high, form)
