"""Hazard ratios of a view: order, joint models and their limits, subgroups, and the risks behind the ratios."""

import math
from pathlib import Path

import numpy as np
import pytest

from core.analysis import Analysis
from core.cohort import ONLY, Filter
from core.errors import NotEstimable
from core.ratios import (
    BY_P,
    BY_SIZE,
    effect_variables,
    events_of_model,
    in_order,
    joint_model,
    n_coefficients,
    risk_differences,
    subgroup_effects,
)
from core.registry import read_registry
from core.survival import cox, kaplan_meier
from core.view import make_view

REGISTRY = read_registry(Path(__file__).parents[2] / "data" / "sample")


def analysis(*filters, **settings):
    return Analysis(REGISTRY, make_view(REGISTRY, "hazard_ratios", filters, settings))


def variables(*names):
    return tuple(REGISTRY.dictionary[name] for name in names)


def test_sorting_by_p_or_by_size_puts_what_cannot_be_estimated_last():
    view = analysis()
    names = variables("age", "stage", "lesion_duration", "albumin")
    result = view.hazard_ratios(names)
    p = [result.overall.set_index("covariate")["p_value"][v.name] for v in in_order(result, names, BY_P)]
    assert p == sorted(p)
    size = [
        result.terms.groupby("covariate")["coef"].apply(lambda c: c.abs().max())[v.name]
        for v in in_order(result, names, BY_SIZE)
    ]
    assert size == sorted(size, reverse=True)


def test_the_risk_difference_is_that_of_the_two_kaplan_meier_curves():
    view = analysis()
    table = risk_differences(view, variables("stage"), 12.0).set_index("level")
    curve = kaplan_meier(view.outcome, view.values("stage")).survival_at([12.0]).set_index("stratum")
    survival, error = curve["estimate"], curve["std_error"]
    expected = survival["Earlier"] - survival["Later"]  # risk is one minus survival
    assert table.loc["Later", "estimate"] == pytest.approx(expected, rel=1e-9)
    half = 1.959963984540054 * math.hypot(error["Earlier"], error["Later"])
    assert table.loc["Later", "conf_high"] == pytest.approx(expected + half, rel=1e-9)
    assert math.isnan(table.loc["Earlier", "estimate"])


def test_a_number_is_set_against_itself_at_its_median_and_missing_values_take_no_part():
    view = analysis()
    table = risk_differences(view, variables("albumin"), 12.0).set_index("level")
    albumin = view.values("albumin")
    above = (albumin > albumin.median()).to_numpy() & albumin.notna().to_numpy()
    below = albumin.notna().to_numpy() & ~above
    risk = [1 - kaplan_meier(view.outcome.take(rows)).survival_at([12.0])["estimate"][0] for rows in (above, below)]
    assert table.loc["upper half", "estimate"] == pytest.approx(risk[0] - risk[1], rel=1e-9)


def test_no_risk_difference_is_shown_for_a_handful_of_patients():
    table = risk_differences(analysis(), variables("dialysis_status"), 12.0).set_index("level")
    assert table.loc[["Peritoneal dialysis", "Not on dialysis", "Transplant"], "estimate"].isna().all()


def test_a_joint_model_is_coxs_and_tests_proportional_hazards():
    view = analysis()
    model = joint_model(view, variables("stage", "lesion_duration"))
    direct = cox(view.outcome, view.covariates(variables("stage", "lesion_duration")))
    assert np.allclose(
        model.result.terms["estimate"].astype(float), direct.terms["estimate"].astype(float), equal_nan=True
    )
    assert model.n_coefficients == 2
    assert model.events_per_coefficient == 10
    assert model.proportional["term"].tolist() == ["stage", "lesion_duration", "GLOBAL"]


def test_more_coefficients_than_events_over_five_are_refused_with_the_counts():
    names = variables("stage", "lesion_duration", "sex", "age")
    assert n_coefficients(analysis(), names) == 4
    joint_model(analysis(), names)  # 20 events allow four
    with pytest.raises(NotEstimable, match=r"5 coefficients from 20 deaths are too many.*at most 4"):
        joint_model(analysis(), (*names, *variables("diabetes")))
    with pytest.raises(NotEstimable, match="at most 2 are possible"):
        joint_model(analysis(Filter("stage", ("Later",))), variables("sex", "age", "bmi"))


def test_missing_covariates_count_against_the_events_of_a_joint_model():
    view = analysis()
    model = joint_model(view, variables("albumin"))
    assert model.result.n_excluded == int(view.values("albumin").isna().sum()) > 0


def test_firth_keeps_a_ratio_finite_where_a_level_has_no_event():
    names = variables("dialysis_status")
    plain = joint_model(analysis(), names).result.terms.set_index("level")
    penalised = joint_model(analysis(), names, penalised=True).result.terms.set_index("level")
    assert math.isnan(plain.loc["Peritoneal dialysis", "estimate"])
    assert 0 < penalised.loc["Peritoneal dialysis", "estimate"] < 1
    assert penalised.loc["Peritoneal dialysis", "conf_low"] > 0


def test_a_stratified_joint_model_gives_no_ratio_for_its_strata():
    model = joint_model(analysis(), variables("lesion_duration"), within=REGISTRY.dictionary["stage"])
    assert set(model.result.terms["covariate"]) == {"lesion_duration"}
    assert model.result.terms["estimate"].notna().all()


def test_effects_within_subgroups_count_every_patient_once_a_covariate():
    view = analysis()
    effects = subgroup_effects(view, REGISTRY.dictionary["lesion_duration"])
    for name in ("sex", "stage"):
        mine = effects[effects["covariate"] == name]
        assert mine["n"].sum() == len(view.outcome)
        assert mine["n_event"].sum() == view.n_event
        assert mine["p_interaction"].nunique() == 1


def test_no_test_of_interaction_rests_on_a_level_without_a_ratio():
    effects = subgroup_effects(analysis(), REGISTRY.dictionary["stage"])
    without = effects.groupby("covariate")["estimate"].apply(lambda e: e.isna().any())
    assert without.any()
    tested = effects.groupby("covariate")["p_interaction"].first().notna()
    assert not (without & tested).any()


def test_only_covariates_with_one_ratio_are_offered_for_subgroups():
    assert all(v.is_numeric or len(v.levels) == 2 for v in effect_variables(analysis()))


def test_without_events_every_question_has_an_answer_in_words():
    nobody_died = analysis(Filter("cause_of_death", ()), Filter("age", low=200))
    with pytest.raises(NotEstimable):
        joint_model(nobody_died, variables("stage"))
    with pytest.raises(NotEstimable, match="Choose the covariates"):
        joint_model(analysis(), ())


def test_a_selection_against_the_rest_compares_everybody_but_counts_and_models_the_selection():
    later = Filter("stage", ("Later",))
    plain, against = analysis(later), analysis(later, by="This selection against the rest")
    assert len(against.outcome) == len(plain.outcome) == 23
    assert against.overall_curve.summary["median"][0] == plain.overall_curve.summary["median"][0]
    names = variables("sex", "age")
    assert against.hazard_ratios(names).terms["n"].tolist() == plain.hazard_ratios(names).terms["n"].tolist()
    assert against.curve.summary.set_index("stratum")["n"].to_dict() == {"Selected": 23, "The rest": 28}
    assert against.comparison.groups["n"].sum() == len(REGISTRY)


def test_the_events_of_a_model_are_those_of_its_complete_rows():
    view = analysis()
    known = view.values("vintage").notna().to_numpy()
    assert events_of_model(view, variables("vintage")) == view.outcome.event[known].sum() < view.n_event


def test_differences_leave_out_small_groups_and_name_them():
    outcome, strata, small = analysis(by="Lesion type").large_groups
    assert small == ("Nodule",)
    assert "Nodule" not in set(strata)
    assert len(outcome) == len(strata) == len(REGISTRY) - 3


def test_a_number_that_nobody_has_makes_no_halves():
    nobody = analysis(Filter("vintage", missing=ONLY))
    assert len(nobody.cohort)
    assert risk_differences(nobody, variables("vintage"), 12.0).empty


def test_a_model_in_which_nothing_varies_says_so():
    with pytest.raises(NotEstimable, match="every row has Male"):
        joint_model(analysis(Filter("sex", ("Male",))), variables("sex"), within=REGISTRY.dictionary["stage"])
