"""A view asked about an exposure: who is in, since when, what is refused, and the answer in words."""

import numpy as np
import pandas as pd
import pytest

from core.analysis import Analysis
from core.charts.wording import format_estimate
from core.errors import NotEstimable
from core.exposure_analysis import (
    ExposureAnalysis,
    assumed_draws,
    chosen_exposure,
    estimates_sentences,
    landmark_sentence,
    shown_kinds,
    since_their_dates,
    undated_count,
)
from core.registry import read_registry
from core.survival import cox, split_at_exposure
from core.view import view_from_query


@pytest.fixture(scope="module")
def registry(sample_folder):
    return read_registry(sample_folder)


def seen(registry, page="treatment", **query):
    named = {key.replace("__", "."): [value] if isinstance(value, str) else value for key, value in query.items()}
    view, ignored = view_from_query(registry, page, named)
    assert not ignored
    analysis = Analysis(registry, view)
    return ExposureAnalysis(analysis, chosen_exposure(analysis))


def test_the_default_is_the_number_that_the_dictionary_cuts_at(registry):
    assert seen(registry).exposure.label == "At least 3 STS courses"
    assert seen(registry, exposure__sample="Infection").exposure.name == "infection"


def test_the_estimates_are_those_of_the_cohort(registry):
    later = seen(registry, sample__stage="Later")
    inside = later.analysis.cohort.mask
    outcome, rows = later.analysis.times.outcome(inside)
    split, exposed, _ = split_at_exposure(outcome, later.months)
    assert len(rows) == 23
    term = cox(split, pd.Series(exposed.astype(float), name="x")).terms.iloc[-1]
    assert later.time_dependent["estimate"] == pytest.approx(term["estimate"], rel=1e-12)


def test_immortal_months_are_those_before_the_exposure(registry):
    one = seen(registry)
    before = np.nansum(np.minimum(one.months, one.outcome.time))
    assert one.immortal_months == pytest.approx(before)
    assert one.immortal_months == pytest.approx(71.9, abs=0.05)


def test_a_course_counted_from_its_last_day_begins_later(registry):
    first, last = seen(registry), seen(registry, counted_from="Last day")
    assert (last.counted_from, first.counted_from) == ("stop", "start")
    both = ~np.isnan(last.months) & ~np.isnan(first.months)
    assert both.sum() >= 28
    assert (last.months[both] > first.months[both]).all()
    assert first.draws_key != last.draws_key


def test_the_answer_says_whether_one_is_inside_the_interval(registry):
    first, second = estimates_sentences(seen(registry), format_estimate)
    assert "0.74 (0.24 to 2.31)" in first
    assert "compatible" in first
    assert "0.29 (0.11 to 0.73)" in second
    assert "72 person-months" in second
    higher, _ = estimates_sentences(seen(registry, exposure__sample="Hyperbaric oxygen"), format_estimate)
    assert "4.90 (1.06 to 22.6)" in higher
    assert higher.endswith("higher among the exposed than among those not exposed yet.")
    none, other = estimates_sentences(seen(registry, exposure__sample="Debridement"), format_estimate)
    assert "no hazard ratio from its date on. No deaths among the exposed" in none
    assert "no ratio can be estimated either" in other


def test_the_landmark_is_said_in_the_singular_where_it_is_one(registry):
    assert landmark_sentence(seen(registry)) == "The landmark at 3 months leaves out 10 patients and 10 deaths."
    assert "at 1 month leaves out" in landmark_sentence(seen(registry, landmark_at="1"))


def test_an_endpoint_is_no_exposure_of_itself(registry):
    itself = seen(registry, endpoint="Resolution of lesions", exposure__sample="Resolved")
    with pytest.raises(NotEstimable, match="its own exposure"):
        itself.estimates  # noqa: B018


def test_nobody_left_is_said(registry):
    nobody = seen(registry, sample__stage="Later", sample__lesion_type="Livedo")
    for name in ("estimates", "thresholds", "model", "moving_curves", "landmark_curves"):
        with pytest.raises(NotEstimable, match="Undo one"):
            getattr(nobody, name)


def test_the_model_is_refused_beyond_a_fifth_of_the_events(registry):
    four = seen(registry, also_since__sample=["Infection"], adjust_for__sample=["Stage", "Age"])
    assert four.n_coefficients == 4
    assert four.model.n == 51
    assert set(four.model.terms["covariate"]) == {"At least 3 STS courses", "Infection", "stage", "age"}
    five = seen(registry, also_since__sample=["Infection"], adjust_for__sample=["Stage", "Age", "Sex"])
    assert five.n_coefficients == 5
    with pytest.raises(NotEstimable, match="5 coefficients for 20 deaths"):
        five.model  # noqa: B018


def test_the_exposure_itself_is_in_the_model_once(registry):
    twice = seen(registry, also_since__sample=["At least 3 STS courses", "Infection"], adjust_for__sample="")
    assert [e.label for e in twice.others] == ["Infection"]
    assert twice.n_coefficients == 2


def test_levels_that_nobody_has_are_no_coefficients(registry):
    haemodialysis = seen(registry, sample__dialysis_status="Haemodialysis", adjust_for__sample="Dialysis status")
    assert haemodialysis.n_coefficients == 1


def test_missing_values_leave_the_model_and_are_counted(registry):
    parathyroid = seen(registry, adjust_for__sample="Intact parathyroid hormone")
    missing = int(registry.patients["ipth"].isna().sum())
    assert missing > 0
    assert parathyroid.n_model[0] == 51 - missing
    assert parathyroid.model.n == 51 - missing


def test_what_is_known_only_later_has_one_row_each_courses_together(registry):
    frame = since_their_dates(seen(registry, page="hazard_ratios").analysis)
    assert frame["variable"].tolist() == [
        *(
            "sts_courses",
            "infection",
            "bacteraemia",
            "debridement",
            "cinacalcet",
            "bisphosphonate",
            "hyperbaric_oxygen",
        ),
        "resolved",
    ]
    assert frame["label"].iloc[0] == "STS courses, per additional course"
    assert frame["n_not_known"].tolist() == [0] * 8
    resolving = seen(registry, page="hazard_ratios", endpoint="Resolution of lesions").analysis
    assert "resolved" not in since_their_dates(resolving)["variable"].tolist()


def test_marks_are_the_first_event_the_resolution_and_the_exposure(registry):
    assert shown_kinds(seen(registry)) == ("Infection", "Resolved")
    assert shown_kinds(seen(registry, exposure__sample="Cinacalcet")) == ("Infection", "Resolved", "Cinacalcet")


def test_the_draws_depend_on_what_shapes_them_and_on_nothing_else(registry):
    key = seen(registry).draws_key
    hash(key)
    assert seen(registry, timeline_sort__sample="Stage", landmark_at="6", curves="From the landmark").draws_key == key
    for change in (
        {"sample__stage": "Later"},
        {"endpoint": "Calciphylaxis-specific mortality"},
        {"exposure__sample": "Infection"},
    ):
        assert seen(registry, **change).draws_key != key


def test_a_registry_without_exposures_has_none(pbc_folder):
    pbc = read_registry(pbc_folder)
    view, _ = view_from_query(pbc, "treatment", {})
    assert chosen_exposure(Analysis(pbc, view)) is None
    assert undated_count(pbc) is None
    assert since_their_dates(Analysis(pbc, view)).empty


def test_assumed_dates_need_the_number_alone(registry):
    analysis = seen(registry).analysis
    draws = assumed_draws(analysis, registry.dictionary["sts_courses"], 3)
    assert (draws.n_exposed, draws.n_missing) == (29, 0)
    assert draws.n_shorter(2.0) == 0
    assert draws.n_shorter(1e9) == 29
