"""Panels for endpoints with which something competes, and for what becomes of patients whatever the endpoint."""

import streamlit as st

from core import competing
from core.analysis import Analysis
from core.cautions import AFTER_BASELINE, FEW_EVENTS, LEFT_OUT, SMALL
from core.charts.forest_chart import forest_chart
from core.charts.incidence_chart import incidence_chart
from core.charts.notice import with_notice
from core.charts.ratio_rows import ratio_rows
from core.charts.wording import (
    format_count,
    format_estimate,
    format_interval,
    format_months,
    format_number,
    format_p,
    format_p_statement,
    format_percent,
    in_sentence,
)
from core.conventions import SMALL_RISK_SET
from core.errors import NotEstimable
from core.export.sentences import comparison_sentence, incidence_sentence
from core.settings import RISK_TABLES
from pages.components.controls import choose, has_effect
from pages.components.literal import literal
from pages.components.panels import baseline_notice, panel, show_cautions, show_chart, wording
from pages.components.tables import text_table


def competing_headline(analysis: Analysis) -> None:
    """The numbers of the Overview where something competes: counts, and both incidences at 12 months."""
    try:
        result = competing.incidence(analysis, by_group=False)
        counts = competing.outcome_of(analysis).cause
        year = result.at([12.0]).set_index("cause")
    except NotEstimable:
        return
    other = analysis.endpoint.competing_had
    st.metric(other, int((counts == competing.COMPETING).sum()), border=True)
    n_risk = int(year["n_risk"].iloc[0])
    for cause, label in ((competing.EVENT, analysis.endpoint.had), (competing.COMPETING, other)):
        if cause not in year.index:
            continue
        row = year.loc[cause]
        st.metric(
            f"{label} by 12 months",
            format_percent(row["estimate"]),
            border=True,
            help=f"Cumulative incidence, {analysis.conf_level:.0%} interval "
            f"{format_interval(row['conf_low'], row['conf_high'], format_percent)}; {n_risk} at risk at 12 months",
        )
    st.metric(
        "Median follow-up",
        format_months(competing.median_follow_up(analysis)).replace(" months", " mo"),
        border=True,
        help="Reverse Kaplan-Meier: how long patients would have been followed had nothing happened to them",
    )


def incidence_panel(analysis: Analysis, *, key: str, cause: int = competing.EVENT, overlay: bool = False) -> None:
    """The cumulative incidence by group with its risk table and Gray's test, and why it is not a Kaplan-Meier curve."""
    settings = dict(analysis.view.settings)
    what = competing.cause_in_words(analysis, cause)
    name = f"Cumulative incidence of {what}"
    title = f"{name} by {in_sentence(analysis.by.label)}" if analysis.by else name
    with panel(literal(title), how_to_read=_how_to_read(analysis, what), key=f"{key}_panel"):
        result = competing.incidence(analysis)
        show_chart(
            incidence_chart(
                result,
                cause=cause,
                levels=tuple(analysis.by.levels) if analysis.by else ("All",),
                y_title=name,
                x_title=analysis.time_title,
                at_risk="extended" if settings.get("risk_table", RISK_TABLES[0]) == RISK_TABLES[0] else "simple",
                notes=_test_notes(analysis, cause),
                naive=competing.naive(analysis, cause) if overlay else None,
                notice=_notice(analysis, overlay),
                source_mark=analysis.registry.source or None,
            ),
            key=key,
        )
        st.caption(literal(_why(analysis, cause)))
        show_cautions(analysis, (AFTER_BASELINE, SMALL, LEFT_OUT), on_figure=True)
        if analysis.endpoint.competing:
            wording(lambda: incidence_sentence(analysis, cause), key)


def _notice(analysis, overlay) -> str | None:
    said = ["Dotted: 1 − Kaplan-Meier, which takes competing events for losses."] if overlay else []
    return " ".join([*said, baseline_notice(analysis) or ""]).strip() or None


def naive_panel(analysis: Analysis, cause: int) -> None:
    """The error of one minus Kaplan-Meier, in numbers."""
    what, other = (competing.cause_in_words(analysis, c) for c in (cause, 3 - cause))
    with panel("The error of 1 − Kaplan-Meier"):
        every = competing.naive_error(analysis, cause, by_group=False).iloc[0]
        st.markdown(
            literal(
                f"By {format_months(every['time'])}, 1 − Kaplan-Meier puts {what} at {format_percent(every['naive'])}; with "
                f"{other} taken into account it is {format_percent(every['estimate'])}. Kaplan-Meier treats the "
                f"{format_percent(every['competing'])} with {other} as if the event could still happen to them."
            )
        )
        if analysis.strata is None:
            return
        text_table(
            [
                (
                    row.stratum,
                    format_months(row.time, unit=False),
                    format_percent(row.naive, 1),
                    format_percent(row.estimate, 1),
                    f"{format_number(100 * (row.naive - row.estimate), 1)} points",
                    format_percent(row.competing, 1),
                )
                for row in competing.naive_error(analysis, cause).itertuples(index=False)
            ],
            (
                analysis.by.label,
                "At (months)",
                "1 − Kaplan-Meier",
                "Cumulative incidence",
                "Too high by",
                _start(other),
            ),
        )


def incidence_at_panel(analysis: Analysis) -> None:
    """Both incidences and the share without any event at chosen times."""
    event = competing.cause_in_words(analysis, competing.EVENT)
    has_competing = bool(analysis.endpoint.competing)
    with panel("At chosen times"):
        choose(analysis.registry, "at")
        times = sorted(float(time) for time in analysis.view["at"])
        if not times:
            st.caption("Choose at least one time.")
            return
        rows = []
        for row in competing.at_times(analysis, times).itertuples(index=False):
            told = [row.stratum, f"{row.time:g}", format_count(row.n_risk)]
            if row.event_estimate != row.event_estimate:
                rows.append((*told, *["nobody is followed that long"] * (3 if has_competing else 1)))
                continue
            told.append(_share(row.event_estimate, row.event_conf_low, row.event_conf_high))
            if has_competing:
                told.append(_share(row.competing_estimate, row.competing_conf_low, row.competing_conf_high))
                told.append(format_percent(row.free, 1))
            rows.append(tuple(told))
        interval = f"({analysis.conf_level:.0%} interval)"
        columns = [_group_title(analysis), "Months", "At risk", f"{_start(event)} {interval}"]
        if has_competing:
            other = competing.cause_in_words(analysis, competing.COMPETING)
            columns += [f"{_start(other)} {interval}", "Neither"]
        text_table(rows, columns)


def time_lost_panel(analysis: Analysis) -> None:
    """The mean time lost to the event and to what competes, up to a stated time."""
    with panel(
        "Restricted mean time lost",
        how_to_read="The mean time within the span that lay after the event: the area under the incidence curve. The months "
        "after each event and those before any add up to the span.",
    ):
        with st.container(width=220):
            choose(analysis.registry, "tau")
        frame, tau = competing.time_lost(analysis)
        rows = []
        for stratum, part in frame.groupby("stratum", sort=False):
            lost = {row.cause: row for row in part.itertuples(index=False)}
            cells = [_months(lost.get(cause)) for cause in _causes(analysis)]
            estimates = [row.estimate for row in lost.values()]
            rows.append((stratum, *cells, format_number(tau - sum(estimates), 1)))
        columns = [
            f"After {competing.cause_in_words(analysis, cause)} ({analysis.conf_level:.0%} interval)"
            for cause in _causes(analysis)
        ]
        text_table(rows, (_group_title(analysis), *columns, "Before any event"))
        st.caption(f"Months of the first {tau:.1f}.")


def gray_panel(analysis: Analysis) -> None:
    """Gray's test of the groups for the event and for what competes, with what was seen and expected."""
    with panel(
        "Are the curves different?",
        how_to_read="Gray's test compares cumulative incidences. Read both rows: a group can have fewer of one event only "
        "because it has more of the other. Expected: if all groups had the same incidence.",
    ):
        if has_effect(analysis.registry, "within"):
            with st.container(width=230):
                choose(analysis.registry, "within")
        analysis.require_group_sizes()
        rows, observed = [], []
        for cause in _causes(analysis):
            what = _start(competing.cause_in_words(analysis, cause))
            try:
                test = competing.comparison(analysis, cause)
            except NotEstimable as reason:
                rows.append((what, str(reason), "", "", ""))
                continue
            rows.append((what, test.method, format_number(test.statistic, 2), str(test.df), format_p(test.p_value)))
            observed += [
                (what, g.stratum, format_count(g.n), format_count(g.observed), format_number(g.expected, 1))
                for g in test.groups.itertuples(index=False)
            ]
        text_table(rows, ("Event", "Test", "Chi-squared", "Degrees of freedom", "p"))
        if observed:
            text_table(
                observed,
                (
                    "Event",
                    _group_title(analysis),
                    "Patients",
                    "Observed",
                    "Expected",
                ),
            )
        if analysis.endpoint.competing:
            wording(lambda: comparison_sentence(analysis), "gray")


def two_ratios_panel(analysis: Analysis, cause: int) -> None:
    """Cause-specific and subdistribution hazard ratios of the main covariates, side by side."""
    what = competing.cause_in_words(analysis, cause)
    variables = [v for v in analysis.registry.dictionary.headline if not v.is_post_baseline]
    with panel(f"Two hazard ratios for {literal(what)}", key="two_ratios_panel"):
        if not analysis.endpoint.competing:
            st.markdown(
                f"Nothing competes with {in_sentence(analysis.endpoint.label)}: the cause-specific and the subdistribution "
                "hazard are the same, and the Hazard ratios page shows their ratios. Choose an endpoint with competing "
                "events in the sidebar to see where they part."
            )
            return
        st.markdown(
            f"**Cause-specific**: what goes with a higher rate of {literal(what)} among those who can still have it. "
            "**Subdistribution**: what goes with more patients having had it by any time, also because fewer had the "
            "competing event."
        )
        frame = competing.ratios(analysis, variables, cause)
        rows = ratio_rows(
            frame, {v.name: v.label_with_step for v in variables}, {v.name: v.reference for v in variables}
        )
        chart = forest_chart(rows, ratio_title="Ratio (95% CI)", lower="less of it", higher="more of it")
        show_chart(with_notice(chart, baseline_notice(analysis, grouped=False)), key="two_ratios")
        st.caption(
            "Each covariate in models of its own, known at diagnosis. For causes ask the first, for an outlook the second; "
            "a covariate that only prevents the competing event has a subdistribution ratio above 1 and a cause-specific one of 1."
        )
        show_cautions(analysis, (AFTER_BASELINE, FEW_EVENTS), on_figure=True)


def no_median_panel(analysis: Analysis) -> None:
    """Counts by group, and why there is no median time here."""
    with panel("How many, and why there is no median"):
        outcome = competing.outcome_of(analysis)
        strata = analysis.strata
        groups = [("All", outcome)]
        if strata is not None:
            groups = [(level, outcome.take((strata == level).to_numpy())) for level in strata.cat.categories]
        rows = [
            (
                level,
                len(part),
                part.n_event,
                int((part.cause == competing.COMPETING).sum()),
                int((part.cause == 0).sum()),
            )
            for level, part in groups
            if len(part)
        ]
        text_table(
            rows,
            (
                _group_title(analysis),
                "Patients",
                analysis.endpoint.events.capitalize(),
                _start(competing.cause_in_words(analysis, competing.COMPETING)),
                "Neither when last seen",
            ),
        )
        st.caption(
            f"A median time to {literal(analysis.endpoint.event)} does not apply: some patients never come to it because of "
            f"{literal(competing.cause_in_words(analysis, competing.COMPETING))}. The Outcomes page shows both together."
        )


def _why(analysis, cause) -> str:
    if not analysis.endpoint.competing:
        return f"Nothing competes with {in_sentence(analysis.endpoint.label)}: this is 1 − Kaplan-Meier."
    what, other = (competing.cause_in_words(analysis, c) for c in (cause, 3 - cause))
    return (
        f"Cumulative incidence (Aalen-Johansen) instead of Kaplan-Meier, because {other} makes {what} impossible: taken for "
        "a loss, it would make the curve too high."
    )


def _how_to_read(analysis, what) -> str:
    return (
        f"How to read this: each step up is a {what}, each tick a patient whose follow-up ended there; the band is the "
        f"{analysis.conf_level:.0%} interval at each time ({analysis.conf_type}). Curves are lighter where fewer than "
        f"{SMALL_RISK_SET} are at risk."
    )


def _test_notes(analysis, cause) -> tuple[str, ...]:
    if analysis.by is None or analysis.by.is_post_baseline:
        return ()  # a test at face value is no headline: the notice takes its place
    try:
        test = competing.comparison(analysis, cause)
    except NotEstimable as reason:
        return (str(reason),)
    return (f"{test.method}: {format_p_statement(test.p_value)}",)


def _causes(analysis) -> tuple[int, ...]:
    return (competing.EVENT, competing.COMPETING) if analysis.endpoint.competing else (competing.EVENT,)


def _share(estimate, low, high) -> str:
    text = format_percent(estimate, 1)
    if low != low and high != high:
        return f"{text} (no interval)"
    return f"{text} ({format_interval(low, high, lambda share: format_percent(share, 1))})"


def _months(row) -> str:
    if row is None:
        return "0.0"
    if row.estimate != row.estimate:
        return "not followed that long"
    return format_estimate(row.estimate, max(row.conf_low, 0.0), row.conf_high, lambda m: format_months(m, unit=False))


def _group_title(analysis) -> str:
    return analysis.by.label if analysis.by else "Group"


def _start(words: str) -> str:
    return words[:1].upper() + words[1:]
