"""Panels of the Hazard ratios page."""

import streamlit as st

from core.analysis import Analysis
from core.cautions import AFTER_BASELINE, FEW_EVENTS
from core.charts.forest_chart import forest_chart
from core.charts.forest_rows import forest_rows
from core.charts.notice import with_notice
from core.charts.schoenfeld_chart import schoenfeld_chart
from core.charts.shape_chart import shape_chart
from core.charts.wording import (
    NOT_ESTIMABLE,
    format_count,
    format_estimate,
    format_number,
    format_p,
    format_p_statement,
)
from core.conventions import EVENTS_PER_COEFFICIENT
from core.errors import NotEstimable
from core.export.sentences import ratio_sentence
from core.grouping import NOTHING
from core.ratios import (
    BY_DICTIONARY,
    events_of_model,
    in_order,
    joint_model,
    n_coefficients,
    risk_differences,
    subgroup_effects,
)
from core.survival import functional_form, residual_trend
from pages.components.controls import choose
from pages.components.figures import HOW_TO_READ_FOREST, ratio_name
from pages.components.literal import literal
from pages.components.on_demand import asked_for
from pages.components.panels import baseline_notice, panel, show_cautions, show_chart, wording
from pages.components.tables import text_table

ROLES = {"demographic": "Demographic", "clinical": "Clinical", "laboratory": "Laboratory", "treatment": "Treatment"}


def each_panel(analysis: Analysis) -> None:
    """Every covariate known at diagnosis in a model of its own, grouped by role or sorted."""
    with panel("Every covariate, each on its own", how_to_read=HOW_TO_READ_FOREST, key="forest_panel"):
        result, ordered = _each(analysis)
        label = {v.name: v.label_with_step for v in ordered}
        if analysis.view["sort"] == BY_DICTIONARY:
            rows = _rows_by_role(result, ordered, label)
        else:
            rows = forest_rows(_sorted_terms(result.terms, ordered), label, overall=result.overall)
        chart = forest_chart(rows, x_title=f"{ratio_name(analysis)} (95% CI), log scale")
        _show(analysis, chart, "forest")
        show_cautions(analysis, (FEW_EVENTS,))
        wording(lambda: ratio_sentence(analysis, ordered, ties=analysis.view["ties"]), "forest")


def _show(analysis, chart, key) -> None:
    """A figure with the caution about a filter on what is known only later drawn on it."""
    show_chart(with_notice(chart, baseline_notice(analysis, grouped=False)), key=key)
    show_cautions(analysis, (AFTER_BASELINE,), on_figure=True)


def _each(analysis):
    variables = analysis.recorded_covariates
    result = analysis.hazard_ratios(variables, ties=analysis.view["ties"])
    return result, in_order(result, variables, analysis.view["sort"])


def _sorted_terms(terms, ordered):
    place = {variable.name: position for position, variable in enumerate(ordered)}
    return terms.assign(place=terms["covariate"].map(place)).sort_values("place", kind="stable").drop(columns="place")


def _rows_by_role(result, ordered, label):
    """The covariates part by part, each part under its title."""
    of_role = {role: [v.name for v in ordered if v.role == role] for role in ROLES}
    place = {name: position for position, name in enumerate(name for names in of_role.values() for name in names)}
    headings = {names[0]: ROLES[role].upper() for role, names in of_role.items() if names}
    terms = result.terms[result.terms["covariate"].isin(place)]
    terms = terms.iloc[terms["covariate"].map(place).argsort(kind="stable")]
    return forest_rows(terms, label, overall=result.overall, headings=headings)


def each_table(analysis: Analysis) -> None:
    """The same numbers to read and copy, with the difference in risk beside every ratio."""
    months = analysis.view["risk_by"]
    with panel(
        "The same as a table, with absolute risks",
        how_to_read=f"Risk difference: the share with {analysis.endpoint.event} by {months:g} months in that level less that in "
        "the reference, in percentage points; for a number, the half above the median less the other half. Not adjusted.",
    ):
        result, ordered = _each(analysis)
        label = {v.name: v.label_with_step for v in ordered}
        risks = {}
        if asked_for(analysis, f"Add the differences in risk by {months:g} months", "risks", months):
            risks = _risk_texts(risk_differences(analysis, ordered, months), ordered)
        text_table(
            [
                (
                    label[term.covariate],
                    term.level,
                    format_count(term.n),
                    format_count(term.n_event),
                    _ratio_text(term),
                    format_p(term.p_value) if term.p_value == term.p_value else "",
                    risks.get((term.covariate, term.level), ""),
                    term.note.removeprefix(f"{NOT_ESTIMABLE}: "),
                )
                for term in _sorted_terms(result.terms, ordered).itertuples(index=False)
            ],
            (
                "Covariate",
                "Level",
                "Patients",
                analysis.endpoint.events.capitalize(),
                f"{ratio_name(analysis)} (95% interval)",
                "p",
                f"Risk difference by {months:g} months",
                "Note",
            ),
        )


def _ratio_text(term) -> str:
    if term.is_reference:
        return "reference"
    return format_estimate(term.estimate, term.conf_low, term.conf_high)


def _risk_texts(risks, variables) -> dict:
    """(covariate, level) -> text; the level of a number is empty."""
    numeric = {v.name for v in variables if v.is_numeric}
    texts = {}
    for row in risks.dropna(subset=["estimate"]).itertuples(index=False):
        level = "" if row.covariate in numeric else row.level
        texts[(row.covariate, level)] = format_estimate(row.estimate, row.conf_low, row.conf_high, _points)
    return texts


def _points(share) -> str:
    return format_number(100 * share, 0)


def joint_panel(analysis: Analysis) -> None:
    """Several covariates in one model: ratios, tests, proportional hazards."""
    with panel("Several covariates in one model", key="joint_panel"):
        registry = analysis.registry
        choose(registry, "together")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            with st.container(width=320):
                choose(registry, "together_within")
            choose(registry, "firth")
        variables = tuple(registry.dictionary.by_label(label) for label in analysis.view["together"])
        within = analysis.view["together_within"]
        stratum = None if within == NOTHING else registry.dictionary.by_label(within)
        if variables:
            _events_meter(analysis, variables, stratum)
        if variables and not asked_for(analysis, "Fit this model", "joint"):
            return
        model = joint_model(
            analysis, variables, ties=analysis.view["ties"], within=stratum, penalised=analysis.view["firth"]
        )
        label = {v.name: v.label_with_step for v in variables}
        x_title = f"{ratio_name(analysis)} (95% CI), adjusted for each other, log scale"
        _show(analysis, forest_chart(forest_rows(model.result.terms, label), x_title=x_title), "joint")
        for name, why in model.result.left_out:
            st.caption(literal(f"{label.get(name, name)} left out: {why}."))
        st.caption(_model_sentence(analysis, model))
        if model.proportional is not None:
            _proportional(analysis, model, label)


def _events_meter(analysis, variables, stratum):
    p = max(n_coefficients(analysis, variables), 1)
    n_event = events_of_model(analysis, variables, stratum)
    ratio = n_event / p
    enough = "" if ratio >= EVENTS_PER_COEFFICIENT else f" Below {EVENTS_PER_COEFFICIENT}: read with caution."
    st.caption(
        f"{analysis.endpoint.counted(n_event)}, {p} coefficient{'' if p == 1 else 's'}: {ratio:.1f} events per "
        f"coefficient.{enough}"
    )


def _model_sentence(analysis, model) -> str:
    result = model.result
    said = [f"{result.n:,} patients, {result.n_event:,} {analysis.endpoint.events}"]
    if result.n_excluded:
        said.append(f"{result.n_excluded:,} left out because a value is missing")
    said += [
        f"{test.test} test: {format_p_statement(test.p_value)}"
        for test in result.tests.itertuples(index=False)
        if test.p_value == test.p_value
    ]
    concordance = result.concordance
    if concordance["estimate"] == concordance["estimate"]:
        said.append(f"concordance {concordance['estimate']:.2f} (standard error {concordance['std_error']:.2f})")
    return "; ".join(said) + "."


def _proportional(analysis, model, label):
    st.markdown("**Do the ratios stay the same over time?**")
    text_table(
        [
            (label.get(row.term, "All together"), format_number(row.statistic, 2), int(row.df), format_p(row.p_value))
            for row in model.proportional.itertuples(index=False)
        ],
        ("Covariate", "Chi-squared", "Degrees of freedom", "p"),
    )
    st.caption(
        "A small p speaks against one ratio for the whole follow-up; with few events a large p says little. Below: each event's "
        "own estimate over time (scaled Schoenfeld residuals), its trend, and the model's constant value (dashed)."
    )
    terms = model.result.terms[~model.result.terms["is_reference"].astype(bool)]
    for position, term in enumerate(terms.itertuples(index=False)):
        mine = model.residuals[
            (model.residuals["covariate"] == term.covariate) & (model.residuals["level"] == term.level)
        ]
        title = f"{label[term.covariate]} {term.level}".strip()
        st.markdown(f"{literal(title)}")
        trend = residual_trend(mine["time"].to_numpy(), mine["scaled"].to_numpy())
        chart = schoenfeld_chart(mine, trend, term.coef, title=title, x_title=analysis.time_title)
        show_chart(chart, key=f"schoenfeld_{position}")


def subgroups_panel(analysis: Analysis) -> None:
    """One covariate's ratio within the levels of every other, with the test of interaction."""
    with panel(
        "Is a ratio the same in every subgroup?",
        how_to_read="p is that of the interaction: whether the ratio differs between the levels of that covariate. Ratios that "
        "look different in small subgroups usually are not. No p stands where a level has no ratio.",
        key="subgroups_panel",
    ):
        with st.container(width=320):
            choose(analysis.registry, "effect_of")
        effect = analysis.registry.dictionary.by_label(analysis.view["effect_of"])
        if effect is None:
            raise NotEstimable("No covariate with a single hazard ratio is recorded.")
        if not asked_for(analysis, "Fit the subgroups", "subgroups"):
            return
        effects = subgroup_effects(analysis, effect, ties=analysis.view["ties"])
        label = {v.name: v.label for v in analysis.recorded_covariates}
        overall = effects.groupby("covariate", sort=False)["p_interaction"].first().reset_index()
        overall = overall.rename(columns={"p_interaction": "p_value"}).assign(df=2)
        rows = forest_rows(effects.assign(p_value=float("nan")), label, overall=overall)
        what = effect.label_with_step if effect.is_numeric else f"{effect.label}, {_other_level(effect)}"
        x_title = f"{ratio_name(analysis)} of {what} (95% CI), log scale"
        _show(analysis, forest_chart(rows, x_title=x_title, ratio_title="HR (95% CI)"), "subgroups")


def _other_level(variable) -> str:
    return next(level for level in variable.levels if level != variable.reference)


def shape_panel(analysis: Analysis) -> None:
    """Whether a number's effect is a straight line."""
    with panel(
        "Is the effect of a number a straight line?",
        how_to_read="The curve is a natural spline with three degrees of freedom, 1 at the median; the dashed line is what one ratio "
        "per step assumes. Ticks are patients.",
        key="shape_panel",
    ):
        with st.container(width=320):
            choose(analysis.registry, "shape_of")
        variable = analysis.registry.dictionary.by_label(analysis.view["shape_of"])
        if variable is None:
            raise NotEstimable("No number is recorded at diagnosis.")
        analysis.require_patients()
        values = analysis.values(variable.name)
        form = functional_form(analysis.outcome, values, ties=analysis.view["ties"])
        _show(analysis, shape_chart(form, values, label=variable.label_with_unit), "shape")
        said = {row.test: format_p_statement(row.p_value) for row in form.tests.itertuples(index=False)}
        sentence = f"Any effect: {said['any effect']}."
        if "not straight" in said:
            sentence += f" Not a straight line: {said['not straight']}."
        excluded = f" {form.n_excluded:,} left out: not recorded." if form.n_excluded else ""
        st.caption(f"{form.n:,} patients, {form.n_event:,} {analysis.endpoint.events}. {sentence}{excluded}")
