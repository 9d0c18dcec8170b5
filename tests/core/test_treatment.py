"""Three analyses of one exposure: by hand, against R, and on the sample, in which STS does nothing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.endpoints import OVERALL, endpoint_times
from core.errors import NotEstimable
from core.exposures import course_months, exposure_months, exposures_of
from core.registry import read_registry
from core.survival import Outcome, cox, mantel_byar, split_at_exposure
from core.treatment import PER_COURSE, adjusted, every_threshold, person_time_table, three_estimates
from tests.reference.loading import assert_close, data, reference

R = reference("treatment")
NEVER = np.nan


def row(frame, analysis):
    return frame.set_index("analysis").loc[analysis]


@pytest.fixture(scope="module")
def sample(sample_folder):
    registry = read_registry(sample_folder)
    outcome, rows = endpoint_times(registry, OVERALL).outcome(np.ones(len(registry), dtype=bool))
    assert (rows == np.arange(51)).all()
    return registry, outcome


# By hand: A is exposed at 2 and dies at 6; B dies at 4, C at 8, D at 1, none of them ever exposed

OUTCOME, EXPOSURE = Outcome([6, 4, 8, 1], [1, 1, 1, 1]), [2, NEVER, NEVER, NEVER]


def test_three_ratios_by_hand():
    frame = three_estimates(OUTCOME, EXPOSURE, landmark_months=3)
    assert frame["analysis"].tolist() == ["naive", "landmark", "time-dependent"]
    # A at risk at 1 and 4 as well: (x+3)(x+2)(x+1) is the denominator, and x**3 + 3x**2 = 3 at the maximum
    assert_close(row(frame, "naive")["estimate"], 2 * np.cos(np.pi / 9) - 1, "naive")
    # exposed only from 2 on, nobody is compared at 1: x / ((x+2)(x+1)) is largest at the root of 2
    assert_close(row(frame, "time-dependent")["estimate"], np.sqrt(2), "time-dependent")
    assert_close(row(frame, "landmark")["estimate"], np.sqrt(2), "landmark")
    assert (frame["note"] == "").all()


def test_the_counts_by_hand():
    frame = three_estimates(OUTCOME, EXPOSURE, landmark_months=3)
    assert frame["n"].tolist() == [4, 3, 4]
    assert frame["n_exposed"].tolist() == [1, 1, 1]
    assert frame["n_event"].tolist() == [4, 3, 4]
    assert frame["n_event_exposed"].tolist() == [1, 1, 1]
    assert frame["person_months_exposed"].tolist() == [6, 3, 4]
    assert frame["person_months_unexposed"].tolist() == [13, 6, 15]
    assert frame["n_left_out"].tolist() == [0, 1, 0]
    assert frame["events_left_out"].tolist() == [0, 1, 0]


def test_whoever_dies_on_the_day_of_exposure_was_not_exposed():
    frame = three_estimates(Outcome([2, 5, 7], [1, 1, 1]), [2, 1, NEVER], landmark_months=1)
    assert row(frame, "naive")["n_event_exposed"] == 2
    assert row(frame, "time-dependent")["n_exposed"] == 1
    assert row(frame, "time-dependent")["n_event_exposed"] == 1


@pytest.mark.parametrize(
    ("outcome", "exposure", "words"),
    [
        (Outcome([3, 4], [1, 1]), [NEVER, NEVER], "Nobody counts as exposed"),
        (Outcome([3, 4], [1, 1]), [0, 0], "Everybody counts as exposed"),
        (Outcome([3, 4], [0, 0]), [1, NEVER], "No deaths here"),
        (Outcome([3, 4], [0, 1]), [1, NEVER], "No deaths among the exposed"),
        (Outcome([3, 4], [1, 0]), [1, NEVER], "No deaths among those not exposed"),
        (Outcome([3, 4, 5], [1, 1, 0]), [3.5, 1, NEVER], None),
    ],
)
def test_what_cannot_be_estimated_has_a_sentence_and_no_number(outcome, exposure, words):
    frame = three_estimates(outcome, exposure, landmark_months=0.5, events="deaths")
    if words:
        assert frame["note"].str.contains(words).iloc[[0, 2]].all()
    without = frame["note"] != ""
    assert frame.loc[without, ["estimate", "conf_low", "conf_high", "p_value"]].isna().all(axis=None)
    assert frame.loc[~without, ["estimate", "conf_low", "conf_high", "p_value"]].notna().all(axis=None)
    assert not np.isinf(frame.select_dtypes("number").to_numpy()).any()


def test_a_landmark_beyond_everybody_leaves_everybody_out():
    found = row(three_estimates(OUTCOME, EXPOSURE, landmark_months=50), "landmark")
    assert (found["n"], found["n_left_out"], found["events_left_out"]) == (0, 4, 4)
    assert "Nobody of 4 patients is followed beyond" in found["note"]
    assert np.isnan(found["estimate"])


def test_an_order_of_events_without_a_best_value_is_said():
    # the exposed die first, one by one, before any other: the naive ratio only grows
    frame = three_estimates(Outcome([1, 2, 3, 4], [1, 1, 1, 1]), [0, 0, NEVER, NEVER], landmark_months=0)
    assert np.isnan(row(frame, "naive")["estimate"])
    assert "without a best value" in row(frame, "naive")["note"]


# Against R


def assert_equals_r(found, want):
    if want["coef"] is None:  # R has no coefficient where nobody is exposed
        assert np.isnan(found["estimate"])
        assert found["note"].startswith("Nobody counts as exposed")
        return
    half = 1.959963984540054 * want["std_error"]
    assert found["n_event"] == want["n_event"]
    assert_close(found["estimate"], np.exp(want["coef"]), "hazard ratio")
    assert_close(found["conf_low"], np.exp(want["coef"] - half), "lower limit")
    assert_close(found["conf_high"], np.exp(want["coef"] + half), "upper limit")
    assert_close(found["p_value"], want["p_value"], "p")


@pytest.mark.parametrize("name", sorted(R["sets"]))
def test_three_estimates_equal_r(name):
    table = data(f"treatment_{name}")
    outcome = Outcome(table["time"], table["event"])
    for exposure, want in R["sets"][name]["three"].items():
        frame = three_estimates(outcome, table[exposure], landmark_months=want["landmark_at"])
        for analysis in ("naive", "landmark", "time-dependent"):
            assert_equals_r(row(frame, analysis), want[analysis.replace("-", "_")])
        assert row(frame, "landmark")["n"] == want["landmark"]["n"]
        split = row(frame, "time-dependent")
        assert_close([split["person_months_exposed"], split["person_months_unexposed"]], want["person_time"], "time")


def test_the_transplants_of_stanford_equal_rs_own_split():
    heart = data("nonparametric_heart")
    rows = Outcome(heart["time"], heart["cause"], heart["entry"])
    term = cox(rows, heart["group"].astype(bool)).terms.iloc[1]
    assert_equals_r({**term, "n_event": rows.n_event}, R["heart"])
    # the naive label makes the transplant look like a rescue
    table = data("treatment_jasa")
    frame = three_estimates(Outcome(table["time"], table["event"]), table["a_transplant"], landmark_months=30)
    assert row(frame, "naive")["estimate"] < 0.4 < 1 < row(frame, "time-dependent")["estimate"]


def test_the_sample_equals_r(sample):
    registry, outcome = sample
    want = R["sample"]
    months = course_months(registry)
    frame = three_estimates(outcome, months[:, 2], landmark_months=3)
    for analysis in ("naive", "landmark", "time-dependent"):
        assert_equals_r(row(frame, analysis), want["three"][analysis.replace("-", "_")])
    assert_equals_r(row(frame, "time-dependent"), want["by_cuts"])  # everybody cut at every death
    for counted_from in ("start", "stop"):
        found = every_threshold(outcome, course_months(registry, counted_from=counted_from))
        assert found["threshold"].tolist()[:8] == [1, 2, 3, 4, 5, 6, 7, 8]
        for k in range(8):
            assert_equals_r(found.iloc[k], want[counted_from][k])
    last = every_threshold(outcome, months).iloc[-1]
    assert last["label"] == PER_COURSE
    assert np.isnan(last["threshold"])
    assert_equals_r(last, want["per_course"])


def test_the_adjusted_model_of_the_sample_equals_r(sample):
    registry, outcome = sample
    by_name = {e.name: e for e in exposures_of(registry)}
    times = pd.DataFrame({name: exposure_months(registry, by_name[name]) for name in ("sts_courses.3", "infection")})
    result = adjusted(outcome, times, registry.patients[["stage", "age"]])
    terms = result.terms[~result.terms["is_reference"]]
    assert_close(terms["coef"], R["sample"]["adjusted"]["coef"], "coef")
    assert_close(terms["std_error"], R["sample"]["adjusted"]["std_error"], "std_error")
    assert (result.n, result.n_excluded, result.n_event) == (51, 0, 20)
    assert terms["n"].tolist() == [29, 14, 23, 51]


# The message of the sample


def test_in_the_sample_only_the_naive_analysis_favours_a_treatment_that_does_nothing(sample):
    registry, outcome = sample
    frame = three_estimates(outcome, course_months(registry)[:, 2], landmark_months=3)
    naive, split = row(frame, "naive"), row(frame, "time-dependent")
    assert naive["conf_high"] < 1
    assert naive["p_value"] < 0.01
    assert split["conf_low"] < 1 < split["conf_high"]
    assert every_threshold(outcome, course_months(registry))["conf_high"].gt(1).all()


# The adjusted model


def transplants():
    """The bone-marrow patients: outcome, when platelets recovered, and what was known at transplantation."""
    table = data("treatment_bmt")
    return Outcome(table["time"], table["event"]), table[["a_platelets"]], table


def test_patients_with_a_missing_value_are_left_out_and_counted():
    outcome, recovery, table = transplants()
    age = table["age"].astype(float)
    age[:7] = NEVER
    found = adjusted(outcome, recovery, age.to_frame())
    want = adjusted(outcome.take(np.arange(7, 137)), recovery[7:], age[7:].to_frame())
    assert (found.n, found.n_excluded) == (130, 7)
    assert (want.n, want.n_excluded) == (130, 0)
    assert found.n_event == outcome.event[7:].sum()
    pd.testing.assert_frame_equal(found.terms, want.terms)
    recovered = recovery["a_platelets"][7:] < outcome.time[7:]
    # whoever recovers is counted in both levels, but for the one with platelets from the start
    assert (recovery["a_platelets"][7:] == 0).sum() == 1
    assert found.terms["n"].tolist() == [129, recovered.sum(), 130]


def test_one_exposure_alone_is_the_time_dependent_estimate(sample):
    registry, outcome = sample
    third = course_months(registry)[:, 2]
    alone = adjusted(outcome, pd.DataFrame({"x": third})).terms.iloc[1]
    frame = three_estimates(outcome, third, landmark_months=3)
    assert_close(alone["estimate"], row(frame, "time-dependent")["estimate"], "hazard ratio")


def test_strata_belong_to_patients():
    outcome, recovery, table = transplants()
    group = pd.Series(table["group"].to_numpy(), index=range(500, 637))
    rows, exposed, patient = split_at_exposure(outcome, recovery["a_platelets"])
    now = pd.Series(exposed, name="a_platelets")
    want = cox(rows, now, stratify=group.iloc[patient].reset_index(drop=True)).terms
    found = adjusted(outcome, recovery, stratify=group).terms
    assert_close(found["coef"].iloc[1], want["coef"].iloc[1], "coef")
    assert abs(want["coef"].iloc[1] - cox(rows, now).terms["coef"].iloc[1]) > 1e-3
    group.iloc[:5] = NEVER
    assert adjusted(outcome, recovery, stratify=group).n_excluded == 5


def test_mistakes_are_refused():
    with pytest.raises(ValueError, match="different names"):
        adjusted(OUTCOME, pd.DataFrame({"x": EXPOSURE}), pd.DataFrame({"x": [1, 2, 3, 4]}))
    with pytest.raises(ValueError, match="one row"):
        adjusted(OUTCOME, pd.DataFrame({"x": EXPOSURE}), pd.DataFrame({"age": [1, 2]}))
    with pytest.raises(NotEstimable):
        adjusted(Outcome([1, 2], [0, 0]), pd.DataFrame({"x": [1, NEVER]}))


# Mantel-Byar and person-time


def test_mantel_byar_is_the_score_test_of_the_time_dependent_model():
    # without ties the two are one test
    rows, exposed, _ = split_at_exposure(OUTCOME, EXPOSURE)
    score = cox(rows, pd.Series(exposed)).tests.set_index("test").loc["score", "statistic"]
    assert_close(mantel_byar(OUTCOME, EXPOSURE).statistic, score, "Mantel-Byar")
    # by hand: at 4 one of three at risk is exposed, at 6 one of two; observed 1, expected 1/3 + 1/2, variance 2/9 + 1/4
    assert_close(score, (1 - 5 / 6) ** 2 / (2 / 9 + 1 / 4), "by hand")


def test_person_time_by_hand():
    found = person_time_table(OUTCOME, EXPOSURE).set_index("state")
    assert found["n"].tolist() == [3, 1, 1]
    assert found["n_event"].tolist() == [3, 0, 1]
    assert found["person_months"].tolist() == [13, 2, 4]
    assert_close(found["rate"], [300 / 13, 0, 25], "rate")
    # exact Poisson limits of 1 event: 0.02532 and 5.5716
    assert_close(found["conf_low"].iloc[2], 100 * 0.025317807984289897 / 4, "lower limit")
    assert_close(found["conf_high"].iloc[2], 100 * 5.571643390938898 / 4, "upper limit")
    assert np.isnan(found.loc["Before the exposure", ["conf_low", "conf_high"]].astype(float)).all()


def test_without_any_exposure_no_rate_is_made_up():
    found = person_time_table(Outcome([3, 4], [1, 0]), [NEVER, NEVER]).set_index("state")
    assert found.loc["Since the exposure", "person_months"] == 0
    assert found.loc["Since the exposure", ["rate", "conf_low", "conf_high"]].isna().all()


# Properties


@st.composite
def cohorts(draw):
    n = draw(st.integers(4, 25))
    time = draw(st.lists(st.integers(1, 30), min_size=n, max_size=n))
    cause = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    exposure = draw(st.lists(st.one_of(st.just(NEVER), st.integers(0, 30)), min_size=n, max_size=n))
    return Outcome(time, cause), np.array(exposure, dtype=float)


@given(cohorts(), st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_between_the_analyses(cohort, at):
    outcome, exposure = cohort
    frame = three_estimates(outcome, exposure, landmark_months=at)
    total = frame["person_months_exposed"] + frame["person_months_unexposed"]
    assert total.iloc[0] == total.iloc[2] == outcome.time.sum()
    assert (frame["n"] + frame["n_left_out"] == len(outcome)).all()
    assert (frame["n_event"] + frame["events_left_out"] == outcome.n_event).all()
    assert frame["person_months_exposed"].iloc[2] <= frame["person_months_exposed"].iloc[0]
    assert frame["n_event_exposed"].iloc[2] <= frame["n_event_exposed"].iloc[0]
    table = person_time_table(outcome, exposure)
    assert table["person_months"].sum() == outcome.time.sum()
    assert table["n_event"].tolist()[1:] == [0, frame["n_event_exposed"].iloc[2]]
    assert ((frame["note"] == "") == frame["estimate"].notna()).all()


@given(cohorts(), st.permutations(range(25)))
@settings(max_examples=30, deadline=None)
def test_the_order_of_patients_does_not_matter(cohort, order):
    outcome, exposure = cohort
    assume(outcome.n_event)
    order = [i for i in order if i < len(outcome)]
    one = three_estimates(outcome, exposure, landmark_months=3)
    other = three_estimates(outcome.take(order), exposure[order], landmark_months=3)
    for column in one.columns.drop(["analysis", "note"]):
        assert_close(other[column], one[column], column)
    assert other["note"].tolist() == one["note"].tolist()
