"""Sentences for a manuscript: the numbers on the screen, the method, and the cautions; never a claim that they do not carry."""

from pathlib import Path

import pytest

from core.analysis import Analysis
from core.cohort import Filter
from core.errors import NotEstimable
from core.export.sentences import (
    comparison_sentence,
    incidence_sentence,
    ratio_sentence,
    sentences,
    survival_sentence,
    treatment_sentence,
)
from core.exposure_analysis import ExposureAnalysis, chosen_exposure
from core.registry import read_registry
from core.view import make_view

REGISTRY = read_registry(Path(__file__).parents[3] / "data" / "sample")
HEADLINE = REGISTRY.dictionary.headline


def view(page="survival", filters=(), **chosen):
    return Analysis(REGISTRY, make_view(REGISTRY, page, filters, chosen))


def test_survival_says_numbers_median_interval_unit_and_method():
    said = survival_sentence(view(at=("12",)))
    assert said.startswith(
        "Synthetic sample: among all 51 patients, 20 deaths occurred (median follow-up 34.9 months, reverse Kaplan-Meier method)."
    )
    assert (
        "Stage Earlier (7 deaths in 28 patients): median time to death was not reached, 95% CI 47.2 to not reached"
        in said
    )
    assert (
        "Stage Later (13 deaths in 23 patients): median time to death was 36.6 months, 95% CI 2.6 to not reached"
        in said
    )
    assert "65.2% (95% CI 42.3% to 80.8%) at 12 months" in said
    assert said.endswith(
        "Kaplan-Meier estimates, time in months from diagnosis, with 95% confidence intervals on the log-log scale."
    )


def test_the_chosen_level_clock_and_filters_are_said():
    said = survival_sentence(view(filters=(Filter("sex", ("Male",)),), level="90%", interval="plain", clock="onset"))
    assert "among 32 of 51 patients (Sex: Male)" in said
    assert "90% CI" in said
    assert "95%" not in said
    assert "months from onset of lesions" in said
    assert "plain scale" in said


def test_an_association_is_said_only_where_the_interval_leaves_one():
    said = ratio_sentence(view(filters=(Filter("stage", ("Later",)),)), HEADLINE)
    higher, rest = said.split("Not clearly associated")
    assert higher.startswith(
        "Associated with a higher hazard of death: Lesion duration, per month (hazard ratio 1.26, 95% CI 1.02 to"
    )
    assert "Age, per 10 years" in rest
    assert "not adjusted for the others" in rest
    assert "caus" not in said.lower().replace("cause-specific", "")


def test_a_comparison_gives_method_statistic_and_p():
    said = comparison_sentence(view())
    assert said == (
        "Stage was not clearly associated with overall mortality (log-rank test: chi-squared 3.62, 1 degree of freedom, "
        "p = 0.057; Earlier: 28 patients and Later: 23 patients)."
    )
    assert "stratified by sex" in comparison_sentence(view(within="Sex"))
    with pytest.raises(NotEstimable):
        comparison_sentence(view(by="Nothing"))


def test_groups_known_only_later_get_no_claim_but_the_caution():
    said = comparison_sentence(view(by="STS courses"))
    assert said.startswith("No association of STS courses with overall mortality is stated.")
    assert "cannot be compared at face value" in said
    assert "p =" not in said


def test_where_something_competes_it_is_named_with_the_method():
    said = incidence_sentence(view("outcomes", endpoint="Resolution of lesions", at=("12",)))
    assert "resolution was observed in 18 and death without resolution, which competes with it, in 18" in said
    assert "in stage Earlier was 14.3% (95% CI 4.5% to 29.5%) by 12 months" in said
    assert "Aalen-Johansen" in said
    assert "Gray's test" in comparison_sentence(view("outcomes", endpoint="Resolution of lesions"))


def test_a_treatment_is_told_without_immortal_time_and_without_a_cause():
    analysis = view("treatment")
    said = treatment_sentence(ExposureAnalysis(analysis, chosen_exposure(analysis)))
    assert (
        "(hazard ratio 0.74, 95% CI 0.24 to 2.31, p = 0.61; 7 of 20 deaths while exposed, 29 of 51 patients exposed"
        in said
    )
    assert "Landmark analysis at 3 months" in said
    assert "immortal time" in said
    assert "not left to chance" in said


def test_a_selection_against_the_rest_is_told_as_such():
    said = survival_sentence(view(by="This selection against the rest", filters=(Filter("stage", ("Later",)),)))
    assert "among all 51 patients, the 23 selected (Stage: Later) against the rest, 20 deaths occurred" in said
    assert "The rest (7 deaths in 28 patients): median" in said


@pytest.mark.parametrize(
    "endpoint", ["Overall mortality", "Early mortality", "Calciphylaxis-specific mortality", "Resolution of lesions"]
)
@pytest.mark.parametrize("low", [0, 60, 80, 200])
def test_every_view_has_sentences_without_a_code_for_a_number(endpoint, low):
    found = sentences(view(endpoint=endpoint, filters=(Filter("age", low=low),)), HEADLINE)
    assert [about for about, _ in found][1:] == ["Comparison of the groups", "Hazard ratios"]
    for _, said in found:
        assert said.endswith(".")
        assert not {"nan", "None", "inf"} & set(said.replace(",", " ").replace("(", " ").split())
        assert " ." not in said
        assert "  " not in said
