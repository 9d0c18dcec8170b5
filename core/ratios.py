"""Hazard ratios of a view: each covariate alone, several together, within subgroups, and the risks behind the ratios."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis import Analysis
from core.conventions import EVENTS_PER_COEFFICIENT_REFUSED, SMALL_STRATUM
from core.errors import NotEstimable
from core.registry import Variable
from core.settings import ORDERS
from core.survival import (
    CoxResult,
    cox,
    cumulative_incidence,
    firth_cox,
    interaction_test,
    proportional_hazards_test,
    schoenfeld_residuals,
)

BY_DICTIONARY, BY_P, BY_SIZE = ORDERS
UPPER, LOWER = "upper half", "lower half"
MOST_SUBGROUP_LEVELS = 4


def in_order(result: CoxResult, variables: tuple[Variable, ...], sort: str) -> tuple[Variable, ...]:
    """The variables in the order that the reader chose; what cannot be estimated comes last."""
    if sort == BY_DICTIONARY:
        return variables
    overall = result.overall.set_index("covariate")["p_value"]
    size = result.terms.assign(size=result.terms["coef"].abs()).groupby("covariate")["size"].max()

    def place(variable):
        value = overall.get(variable.name, math.nan) if sort == BY_P else -size.get(variable.name, math.nan)
        return (math.isnan(value), value)

    return tuple(sorted(variables, key=place))


def risk_differences(analysis: Analysis, variables, months: float) -> pd.DataFrame:
    """What a covariate means in absolute terms: the risk of the event by a time, in each level less that in the reference.

    For a number the patients above its median are set against the others. Columns: covariate, level, risk, estimate,
    conf_low, conf_high; NaN where a group is not followed that long or has fewer than SMALL_STRATUM patients. Aalen-Johansen
    (1 - Kaplan-Meier where nothing competes); the interval is symmetric, from both standard errors.
    """
    rows = []
    for variable in variables:
        code, levels, reference = _groups(variable, analysis)
        size = np.bincount(code + 1, minlength=len(levels) + 1)[1:]
        if not size.any():
            continue
        groups = pd.Categorical.from_codes(code, levels)
        found = cumulative_incidence(analysis.outcome, groups).risk_at(months) if analysis.outcome.n_event else {}
        enough = {level: n >= SMALL_STRATUM for level, n in zip(levels, size.tolist(), strict=True)}
        for level, (risk, error) in found.items():
            if not enough[level]:
                risk = math.nan
            if level == reference or reference not in found or not enough[reference]:
                rows.append((variable.name, level, risk, *[math.nan] * 3))
                continue
            difference = risk - found[reference][0]
            half = 1.959963984540054 * math.hypot(error, found[reference][1])
            half = half if half > 0 else math.nan
            rows.append((variable.name, level, risk, difference, difference - half, difference + half))
    return pd.DataFrame(rows, columns="covariate level risk estimate conf_low conf_high".split())


def _groups(variable, analysis):
    """(code of each row, -1 where not known; names of the groups; name of the reference): a number is cut above its median."""
    column = analysis.registry.patients[variable.name]
    if not variable.is_numeric:
        categorical = column.array
        return np.asarray(categorical.codes)[analysis.rows], categorical.categories, variable.reference
    numbers = column.to_numpy(dtype=float)[analysis.rows]
    known = ~np.isnan(numbers)
    middle = np.median(numbers[known]) if known.any() else np.nan
    return np.where(known, (numbers > middle).astype(np.int8), np.int8(-1)), [LOWER, UPPER], LOWER


@dataclass(frozen=True, eq=False)
class JointModel:
    """Several covariates in one model, and whether their ratios stay the same over time."""

    result: CoxResult
    n_coefficients: int
    proportional: pd.DataFrame | None  # term statistic df p_value; None where it cannot be tested
    residuals: pd.DataFrame | None
    penalised: bool

    @property
    def events_per_coefficient(self) -> float:
        return self.result.n_event / self.n_coefficients


def n_coefficients(analysis: Analysis, variables) -> int:
    """How many coefficients a model of these variables has, for the patients of the view."""
    found = 0
    for variable in variables:
        values = analysis.values(variable.name)
        found += 1 if variable.is_numeric else max(values.nunique() - 1, 0)
    return found


def events_of_model(analysis: Analysis, variables, within: Variable | None = None) -> int:
    """Events among the patients that have every value a model needs."""
    names = [v.name for v in variables] + ([within.name] if within else [])
    complete = np.ones(len(analysis.outcome), dtype=bool)
    for name in names:
        complete &= analysis.values(name).notna().to_numpy()
    return int(analysis.outcome.event[complete].sum())


def joint_model(
    analysis: Analysis, variables, *, ties="efron", within: Variable | None = None, penalised=False
) -> JointModel:
    """One Cox model of several variables, stratified by ``within`` where given; Firth's penalised likelihood on request.

    Raises NotEstimable when nothing is chosen, or when there are more coefficients than events / 5.
    """
    if not variables:
        raise NotEstimable("Choose the covariates of the model.")
    analysis.require_patients()
    covariates = analysis.covariates(variables)
    strata = None if within is None else analysis.values(within.name)
    n_event = events_of_model(analysis, variables, within)
    p = n_coefficients(analysis, variables)
    most = n_event // EVENTS_PER_COEFFICIENT_REFUSED
    if p > most:
        raise NotEstimable(
            f"{p} coefficients from {n_event} {analysis.endpoint.events} are too many: such a model fits chance. With at least "
            f"{EVENTS_PER_COEFFICIENT_REFUSED} events for each, at most {most} are possible here. Take fewer covariates."
        )
    fit = firth_cox if penalised else cox
    result = fit(analysis.outcome, covariates, ties=ties, stratify=strata)
    proportional = residuals = None
    if not penalised:
        try:
            proportional = proportional_hazards_test(analysis.outcome, covariates, ties=ties, stratify=strata)
            residuals = schoenfeld_residuals(analysis.outcome, covariates, ties=ties, stratify=strata)
        except NotEstimable:
            pass  # a coefficient without an estimate has no residuals; its row says why
    return JointModel(result, p, proportional, residuals, penalised)


def effect_variables(analysis: Analysis) -> tuple[Variable, ...]:
    """Covariates with a single hazard ratio, whose effect can be shown within subgroups."""
    return tuple(v for v in analysis.recorded_covariates if v.is_numeric or len(v.levels) == 2)


def subgroup_effects(analysis: Analysis, effect: Variable, *, ties="efron") -> pd.DataFrame:
    """The hazard ratio of one covariate within the levels of every other categorical one, with the test of interaction.

    Columns: covariate (that which makes the subgroups), level, n, n_event, is_reference (False), coef, std_error, estimate,
    conf_low, conf_high, p_value, note, p_interaction. All effects of one covariate come from one model with a common
    baseline hazard. p_interaction is NaN where a level has no ratio. Covariates of which no interaction can be estimated
    have a row with the reason.
    """
    analysis.require_patients()
    frames = []
    for other in analysis.recorded_covariates:
        if other is effect or not other.is_categorical or len(other.levels) > MOST_SUBGROUP_LEVELS:
            continue
        pair = analysis.covariates((effect, other))
        try:
            found = interaction_test(analysis.outcome, pair[effect.name], pair[other.name], ties=ties)
        except NotEstimable:
            frames.append(_nothing(analysis, other))
            continue
        shown = found.effects[~found.effects["is_reference"].astype(bool)]
        everywhere = bool(shown["estimate"].notna().all())  # a test over a level without a ratio rests on nothing there
        shown = shown.assign(covariate=other.name, p_interaction=found.p_value if everywhere else math.nan)
        frames.append(shown.drop(columns="level").rename(columns={"within": "level"}))
    if not frames:
        raise NotEstimable("No other covariate has a handful of levels to look within.")
    return pd.concat([frame for frame in frames if len(frame)], ignore_index=True)


def _nothing(analysis, other):
    row = dict.fromkeys("coef std_error estimate conf_low conf_high statistic p_value p_interaction".split(), math.nan)
    note = "not estimable: too few events in its levels"
    n, n_event = int(analysis.values(other.name).notna().sum()), events_of_model(analysis, (other,))
    return pd.DataFrame(
        [
            {
                "covariate": other.name,
                "level": "every level",
                "n": n,
                "n_event": n_event,
                "is_reference": False,
                "note": note,
                **row,
            }
        ]
    )
