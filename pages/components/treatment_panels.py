"""Panels about an exposure that begins during follow-up: estimates, timelines, curves, what chance alone does."""

import streamlit as st

from core import no_effect
from core.analysis import Analysis
from core.charts.estimates_chart import estimates_chart
from core.charts.exposure_rows import exposure_rows
from core.charts.forest_chart import forest_chart
from core.charts.forest_rows import forest_rows
from core.charts.no_effect_chart import no_effect_chart
from core.charts.notice import with_notice
from core.charts.survival_chart import survival_chart
from core.charts.swimmer_chart import MOST_ROWS, swimmer_chart
from core.charts.wording import format_estimate, format_p_statement, format_percent, format_ratio
from core.conventions import EVENTS_PER_COEFFICIENT, EVENTS_PER_COEFFICIENT_REFUSED, SMALL_RISK_SET
from core.errors import NotEstimable
from core.export.sentences import treatment_sentence
from core.exposure_analysis import (
    BY_LANDMARK_LEVELS,
    ExposureAnalysis,
    assumed_draws,
    estimates_sentences,
    landmark_sentence,
    shown_kinds,
    since_their_dates,
)
from core.exposures import undated
from core.settings import FIRST_YEAR, MOVING
from core.survival.exposure import EXPOSED, NOT_EXPOSED
from core.treatment import LANDMARK, NAIVE, TIME_DEPENDENT
from pages.components.controls import choose, value_of
from pages.components.kept import kept
from pages.components.literal import literal
from pages.components.on_demand import asked_for
from pages.components.panels import baseline_notice, panel, show_chart, wording

AT_ONCE = 250_000  # patients times runs up to which the draws are made without being asked for
INDICATION = (
    "Who is given more treatment depends on how the patient is doing and on who treats (confounding by indication): no ratio "
    "here is the effect of the exposure."
)


def estimates_panel(seen: ExposureAnalysis) -> None:
    """The headline: three analyses of the same patients in one figure, and the difference between them in words."""
    events = seen.analysis.endpoint.events
    with panel(key="estimates_panel"):
        first, second = estimates_sentences(seen, format_estimate)
        st.markdown(f"**{literal(first)}** {literal(second)}")
        order = seen.estimates.set_index("analysis").loc[[TIME_DEPENDENT, LANDMARK, NAIVE]].reset_index()
        labels = {
            TIME_DEPENDENT: "Time-dependent: exposed from its date on",
            LANDMARK: f"Landmark: exposed by month {seen.landmark_months}",
            NAIVE: "Naive: ever exposed, as a fixed label",
        }
        chart = estimates_chart(order, labels=labels, headline=TIME_DEPENDENT, muted=NAIVE, events=events)
        show_chart(with_notice(chart, _filtered(seen.analysis)), key="estimates")
        said = [landmark_sentence(seen), seen.definition, INDICATION]
        if seen.n_not_known:
            said.insert(
                0,
                f"{seen.n_not_known:,} of {len(seen.analysis.cohort):,} left out: it is not known whether or when they were exposed.",
            )
        if seen.analysis.endpoint.competing:
            said.append(f"Cause-specific hazards: {' and '.join(seen.analysis.endpoint.competing)} counts as censored.")
        st.caption(literal(" ".join(said)))
        wording(lambda: treatment_sentence(seen), "estimates")


def timelines_panel(seen: ExposureAnalysis) -> None:
    """Every patient from diagnosis to the end of follow-up."""
    registry = seen.analysis.registry
    how = (
        "How to read this: each row is a patient; shaded is the time that the exposed lived through before their exposure. "
        "Nobody who died in such a stretch could ever become exposed: whoever has one is alive at its end."
    )
    with panel("Everybody's time, and where immortal time comes from", how_to_read=how, key="timelines_panel"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            with st.container(width=260):
                sort = choose(registry, "timeline_sort")
            span = choose(registry, "span")
        found = seen.timelines(sort, most=MOST_ROWS)
        variable = registry.dictionary.by_label(sort)
        show_chart(
            swimmer_chart(
                found,
                kinds=shown_kinds(seen),
                levels=variable.levels if variable else (),
                horizon=12.0 if span == FIRST_YEAR else None,
                source_mark=registry.source or None,
            ),
            key="timelines",
        )
        if len(found.bars) > MOST_ROWS:
            st.caption(
                f"{len(found.bars):,} patients are too many for a row each: shown is how many are still followed at each time, by "
                f"whether exposed. Narrow the filters to {MOST_ROWS} or fewer to see every patient."
            )


def curves_panel(seen: ExposureAnalysis) -> None:
    """Curves in which nobody is credited with time before the exposure."""
    endpoint, registry = seen.analysis.endpoint, seen.analysis.registry
    with panel("Curves without immortal time", key="exposure_curves_panel"):
        curves = choose(registry, "curves", label_visibility="collapsed")
        # where something competes only the hazard keeps its meaning when patients are censored at the competing event
        hazard = bool(endpoint.competing)
        shared = {
            "view": "hazard" if hazard else "survival",
            "y_title": f"Cumulative hazard of {endpoint.event}" if hazard else endpoint.free,
            "source_mark": registry.source or None,
            "height": 300,
        }
        if curves == MOVING:
            result, levels = seen.moving_curves, (NOT_EXPOSED, EXPOSED)
            shared["x_title"] = "Months from diagnosis"
            how = (
                "Simon-Makuch curves: everybody starts as not exposed and moves to the other curve on the day of the exposure "
                "(a tick on the first curve, a late entry on the second). They answer for the hazard in each state, not for any group of "
                "patients fixed at diagnosis."
            )
        else:
            result, levels = seen.landmark_curves, BY_LANDMARK_LEVELS
            shared["x_title"] = f"Months from the landmark, {seen.landmark_months} months after diagnosis"
            how = f"Kaplan-Meier from the landmark on, by whether exposed by then. {landmark_sentence(seen)}"
        try:
            test = seen.moving_test if curves == MOVING else seen.landmark_test
            said = f"{test.method}: {format_p_statement(test.p_value)}"
        except NotEstimable as reason:  # the curves stand without it
            said = str(reason)
        notes = (seen.exposure.label, said)
        show_chart(
            survival_chart(result, levels=levels, notes=notes, notice=_filtered(seen.analysis), **shared),
            key="exposure_curves",
        )
        st.caption(literal(f"{how} Curves are lighter where fewer than {SMALL_RISK_SET} are at risk."))


def thresholds_panel(seen: ExposureAnalysis) -> None:
    """Why this number of courses: the estimate for every other one."""
    if not seen.exposure.courses:
        return
    how = (
        "Every number of courses from its date on (time-dependent), and the ratio for each further course. Picking the number with the "
        "lowest ratio is a search: its p value is not that of a question asked beforehand."
    )
    with panel(f"Why {seen.exposure.courses}? Every other number of courses", how_to_read=how, key="thresholds_panel"):
        frame = seen.thresholds
        chosen = frame["threshold"] == seen.exposure.courses
        label = frame["label"].str.capitalize().where(~chosen, frame["label"].str.capitalize() + " (chosen)")
        rows = exposure_rows(frame.assign(label=label))
        chart = forest_chart(rows, events_title="Exposed: ev./pat.")
        show_chart(with_notice(chart, _filtered(seen.analysis)), key="thresholds")


def no_effect_panel(seen: ExposureAnalysis, *, with_controls: bool = True) -> None:
    """What the naive and the time-dependent ratio look like when the exposure does nothing.

    Without ``with_controls`` runs and seed are those of ``assumed_panel``.
    """
    registry = seen.analysis.registry
    how = (
        "How to read this: in each run everybody's follow-up and the dates of the exposures stay as they are, and chance alone decides "
        "which of those still followed is exposed on each of these dates. What the ratios show then is not an effect. Patients who have "
        "resolved are still eligible for a course in these runs."
    )
    with panel("What would no effect look like?", how_to_read=how, key="no_effect_panel"):
        runs, seed = (
            _draw_controls(registry) if with_controls else (value_of(registry, "runs"), value_of(registry, "seed"))
        )
        key = ("dated", *seen.draws_key, runs, seed)
        result = _drawn(
            key,
            len(seen.outcome) * runs,
            lambda: no_effect.no_effect(seen.outcome, seen.months, runs=runs, seed=seed),
            runs,
        )
        if result is None:
            return
        st.markdown(literal(_no_effect_sentence(result)))
        show_chart(no_effect_chart(result, labels=_chance_labels(), muted=NAIVE), key="no_effect")


def assumed_panel(analysis: Analysis, counted) -> None:
    """The number of courses without dates: what is missing, and the bias with dates that are assumed."""
    registry = analysis.registry
    with panel(f"{literal(counted.label)}: the dates are missing", key="assumed_panel"):
        st.markdown(
            "This registry records how many courses each patient had, but not when: a table with the start of each course is "
            "needed. Without dates nobody can tell the time before a course from the time after it, so no ratio without immortal "
            "time can be estimated. What can be shown is how far off the fixed label would be **if the dates were as assumed here**."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            k = choose(registry, "assumed_courses")
            first = choose(registry, "assumed_first")
            spacing = choose(registry, "assumed_spacing")
        runs, seed = _draw_controls(registry)
        draws = assumed_draws(analysis, counted, k)
        key = ("assumed", *draws.key, first, spacing, runs, seed)
        result = _drawn(
            key,
            len(draws.outcome) * runs,
            lambda: no_effect.assumed_bias(
                draws.outcome,
                draws.exposed,
                courses=k,
                spacing_months=spacing,
                first_months=first,
                runs=runs,
                seed=seed,
            ),
            runs,
        )
        if result is None:
            return
        begins = first + (k - 1) * spacing
        notice = f"Assumed, not recorded: course {k} begins {_months(begins)} after diagnosis in everybody who had it."
        labels = _chance_labels() | {TIME_DEPENDENT: "Time-dependent, with the assumed dates"}
        show_chart(with_notice(no_effect_chart(result, labels=labels, muted=NAIVE), notice), key="assumed")
        said = [_no_effect_sentence(result, assumed=True)]
        if faster := draws.n_shorter(begins):
            said.append(
                f"{faster} of the {draws.n_exposed} with at least {k} were followed for less than {_months(begins)}, so the true "
                "dates were earlier than assumed."
            )
        if draws.n_missing:
            said.append(f"{draws.n_missing} left out: the number of courses is not recorded.")
        st.caption(literal(" ".join(said)))


def model_panel(seen: ExposureAnalysis) -> None:
    """The exposure from its date on, together with what else the reader picks."""
    registry, endpoint = seen.analysis.registry, seen.analysis.endpoint
    how = (
        "A Cox model of all rows together; exposures count from their dates on. Adjusting for a later event that the exposure may "
        "have brought about hides part of what goes with the exposure."
    )
    with panel("Adjusted for other things", how_to_read=how, key="model_panel"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            choose(registry, "also_since")
            choose(registry, "adjust_for")
        n, n_event = seen.n_model
        coefficients = seen.n_coefficients
        what = endpoint.event if n_event == 1 else endpoint.events
        each = f"{n_event / coefficients:,.1f} {endpoint.events} for each"
        said = f"{n:,} patient{'s' if n != 1 else ''}, {n_event:,} {what}, {coefficients} coefficient{'s' if coefficients > 1 else ''}: {each}."
        if n_event < EVENTS_PER_COEFFICIENT * coefficients:
            said += f" Below {EVENTS_PER_COEFFICIENT} estimates are unstable; below {EVENTS_PER_COEFFICIENT_REFUSED} none is given."
        if len(seen.outcome) > n:
            said += f" {len(seen.outcome) - n:,} left out: not recorded."
        st.markdown(literal(said))
        if not asked_for(seen.analysis, "Fit this model", "adjusted"):
            return
        result = seen.model
        labels = {v.name: v.label_with_step for v in seen.baseline}
        chart = forest_chart(forest_rows(result.terms, labels, result.overall))
        show_chart(with_notice(chart, _filtered(seen.analysis)), key="model")


def later_panel(analysis: Analysis) -> None:
    """What is known only after diagnosis, each from its date on: the rest of the covariates, without immortal time."""
    how = "Each row is a model of its own: not exposed up to the date, exposed since then. Events and patients are those exposed."
    with panel("Known only later: each from its date on", how_to_read=how, key="later_panel"):
        frame = since_their_dates(analysis)
        left = [why for _, why in undated(analysis.registry)]
        if not len(frame) and not left:
            st.markdown("This registry records nothing that begins after diagnosis.")
            return
        if len(frame):
            chart = forest_chart(exposure_rows(frame), events_title="Exposed: ev./pat.")
            show_chart(with_notice(chart, _filtered(analysis)), key="later")
            if frame["n_not_known"].any():
                some = [f"{row.label} ({row.n_not_known})" for row in frame.itertuples() if row.n_not_known]
                st.caption(literal(f"Left out because it is not known whether or when: {', '.join(some)}."))
        if left:
            st.markdown(literal(f"Not shown, because it cannot be placed in time. {' '.join(left)}"))
        st.page_link(
            "pages/treatment.py", label="More about each on the Treatment page", icon=":material/hourglass_top:"
        )


def _filtered(analysis) -> str | None:
    return baseline_notice(analysis, grouped=False)


def _months(months: float) -> str:
    return f"{months:g} month{'' if months == 1 else 's'}"


def _draw_controls(registry):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width=150):
            runs = choose(registry, "runs")
        with st.container(width=150):
            seed = choose(registry, "seed")
    return runs, seed


def _drawn(key, size, draws, runs):
    """The result of the draws, kept; made at once where that is quick, else when asked for, with progress."""
    kept = _kept(key)
    if "result" in kept:
        return kept["result"]
    if size > AT_ONCE and not st.button(f"Draw {runs:,} runs", key=f"_draw_{key[0]}", icon=":material/casino:"):
        return None
    progress = st.progress(0.0, "Drawing")
    try:
        for done, so_far in draws():
            progress.progress(done / runs, f"{done:,} of {runs:,} runs")
            if done == runs:
                kept["result"] = so_far
    finally:  # also where the first run is refused in words
        progress.empty()
    return kept["result"]


@kept(200, st.cache_resource)
def _kept(key: tuple) -> dict:
    """A place for the result of one set of draws; it holds ratios, no patient."""
    return {}


def _chance_labels():
    return {NAIVE: "Naive: ever exposed, as a fixed label", TIME_DEPENDENT: "Time-dependent: exposed from its date on"}


def _no_effect_sentence(result, *, assumed: bool = False) -> str:
    rows = result.summary.set_index("analysis")
    said = []
    naive, split = rows.loc[NAIVE], rows.loc[TIME_DEPENDENT]
    if naive["median"] == naive["median"]:
        said.append(
            f"Without any effect the naive ratio would be {format_ratio(naive['median'])} in the middle of "
            f"{len(result.runs):,} runs, and {format_percent(naive['share_benefit'])} of them would call it a benefit "
            f"(p < 0.05); the time-dependent one does so in {format_percent(split['share_benefit'])}."
        )
    for name, row in (("naive", naive), ("time-dependent", split)):
        if row["observed"] == row["observed"] and not (assumed and name == TIME_DEPENDENT):
            said.append(
                f"A {name} ratio as small as the observed {format_ratio(row['observed'])} comes up in "
                f"{format_percent(row['share_as_small'])} of the runs."
            )
    if split["median"] == split["median"] and not 0.8 <= split["median"] <= 1.25:
        said.append(
            f"Few events are left after the exposure: even without an effect the time-dependent ratio has its middle at "
            f"{format_ratio(split['median'])}, not at 1. Compare the observed one with these runs."
        )
    return " ".join(said)


def explain_nothing(analysis: Analysis) -> None:
    """No exposure at all: what would have to be recorded."""
    with panel("Nothing here has a date after diagnosis", key="nothing_panel"):
        reasons = [why for _, why in undated(analysis.registry)]
        st.markdown(
            "This registry records no exposure: nothing that begins after diagnosis and has a date, such as treatment courses or an "
            "infection. This page needs the date of each course, or a yes or no with its date."
        )
        for why in reasons:
            st.markdown(f"- {literal(why)}")
