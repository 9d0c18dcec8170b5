"""The Treatment page: the naive analysis beside those without immortal time, and what it says where it cannot answer."""

import re
import shutil

import pandas as pd
import pytest

from tests.pages.test_pages import NO_NUMBER, charts
from tests.pages.test_pages import words as literal_words

RATIO = re.compile(r"(Time-dependent|Landmark|Naive): [^:]*: ([\d.]+) \(([\d.]+) to ([\d.]+)\), p ([<=] [\d.]+)")


def words(at):
    """What the page says, without the signs that keep it from being read as Markdown."""
    return literal_words(at).replace("\\", "")


def ratios(at):
    """{analysis: (estimate, low, high)} as the figure says them to whoever does not see it."""
    alt = next(chart.proto.alt for chart in at.get("vega_lite_chart") if "several analyses" in chart.proto.alt)
    return {name: tuple(map(float, numbers)) for name, *numbers, _ in RATIO.findall(alt)}


def panels(at):
    return [element.value for element in at.get("subheader")]


@pytest.fixture(scope="module")
def undated_folder(tmp_path_factory, sample_folder):
    """The sample with the number of STS courses and without the table of their dates."""
    folder = tmp_path_factory.mktemp("registries") / "undated"
    folder.mkdir()
    patients = pd.read_csv(sample_folder / "patients.csv", dtype=str, keep_default_na=False)
    courses = pd.read_csv(sample_folder / "sts_courses.csv", dtype=str)
    number = courses["patient_id"].value_counts()
    patients["sts_courses"] = patients["patient_id"].map(number).fillna(0).astype(int).astype(str)
    patients.loc[0, "sts_courses"] = ""
    patients.to_csv(folder / "patients.csv", index=False)
    dictionary = pd.read_csv(sample_folder / "dictionary.csv", dtype=str, keep_default_na=False)
    dictionary.loc[dictionary["name"] == "sts_courses", "derived"] = ""
    dictionary.to_csv(folder / "dictionary.csv", index=False)
    return folder


def test_the_naive_ratio_favours_sts_and_the_time_dependent_one_does_not(app):
    found = ratios(app("treatment"))
    assert found["Naive"] == (0.29, 0.11, 0.73)
    assert found["Time-dependent"] == (0.74, 0.24, 2.31)
    assert found["Landmark"] == (0.73, 0.20, 2.60)


def test_the_headline_is_not_the_naive_number(app):
    at = app("treatment")
    headline = next(m.value for m in at.main.markdown if "hazard ratio" in m.value)
    bold = headline.split("**")[1]
    assert "0.74 (0.24 to 2.31)" in bold
    assert "0.29" not in bold
    first = next(frames["rows"] for _, frames in charts(at) if "intervals" in frames)
    assert first["headline"].tolist() == [1, 0, 0]
    assert first["muted"].tolist() == [0, 0, 1]


def test_no_sentence_says_that_the_exposure_causes_anything(app):
    said = words(app("treatment"))
    assert "confounding by indication" in said
    for verb in ("reduces", "prevents", "protects", "improves", "saves", "prolongs", "lowers"):
        assert verb not in said


def test_the_landmark_says_whom_it_leaves_out(app):
    assert "landmark at 3 months leaves out 10 patients and 10 deaths" in words(app("treatment"))
    said = words(app("treatment", landmark_at="1"))
    assert "landmark at 1 month leaves out" in said
    assert "Landmark: exposed by month 1" in said


def test_the_runs_without_an_effect_show_the_bias(app):
    at = app("treatment")
    said = words(at)
    assert "Without any effect the naive ratio would be 0.35 in the middle of 1,000 runs, and 71% of them" in said
    assert "the time-dependent one does so in 2%" in said
    assert "still eligible for a course" in said
    at.get_by_key("seed").set_value(2).run()
    assert not at.exception
    assert "in the middle of 1,000 runs" in words(at)
    assert words(at) != said


def test_where_few_events_are_left_it_says_where_the_ratio_lies_by_chance(app):
    assert "Few events are left after the exposure" not in words(app("treatment"))
    said = words(app("treatment", endpoint="Early mortality"))
    assert "even without an effect the time-dependent ratio has its middle at 1.57, not at 1" in said
    assert "not estimable" in said  # the landmark: nobody dies among those not exposed


@pytest.mark.parametrize(
    "endpoint", ["Overall mortality", "Early mortality", "Calciphylaxis-specific mortality", "Resolution of lesions"]
)
@pytest.mark.parametrize("exposure", ["At least 1 STS course", "At least 8 STS courses", "Debridement", "Resolved"])
def test_every_endpoint_and_exposure_is_answered_or_refused_in_words(app, endpoint, exposure):
    at = app("treatment", endpoint=endpoint, **{"exposure.sample": exposure})
    assert not at.exception
    assert not NO_NUMBER.search(words(at))
    if (endpoint, exposure) == ("Resolution of lesions", "Resolved"):
        assert any("cannot be its own exposure" in info.value for info in at.info)
        assert not at.get("vega_lite_chart") or "several analyses" not in words(at)
    else:
        assert exposure in words(at)


def test_where_something_competes_the_curves_are_hazards(app):
    said = words(app("treatment", endpoint="Calciphylaxis-specific mortality"))
    assert "Cumulative hazard of death from calciphylaxis" in said
    assert "death from another cause counts as censored" in said


def test_a_landmark_by_which_nobody_is_exposed_still_has_its_curve(app):
    at = app("treatment", curves="From the landmark", **{"exposure.sample": "At least 8 STS courses"})
    curve = next(chart.proto.alt for chart in at.get("vega_lite_chart") if "Kaplan-Meier" in chart.proto.alt)
    assert "41 patients, 10 events" in curve
    assert "two groups" in curve or "nothing to compare" in curve


def test_every_number_of_courses_is_there_and_none_for_another_exposure(app):
    at = app("treatment")
    assert "Why 3? Every other number of courses" in panels(at)
    assert "At least 8: 1.13 (0.27 to 4.72)" in words(at)
    assert "Per additional course: 0.95 (0.77 to 1.18)" in words(at)
    assert not any("Why" in title for title in panels(app("treatment", **{"exposure.sample": "Infection"})))


def test_a_model_with_more_coefficients_than_a_fifth_of_the_events_is_refused(app):
    at = app("treatment")
    assert "51 patients, 20 deaths, 2 coefficients" in words(at)
    assert "At least 3 STS courses, Exposed: 0.78 (0.25 to 2.43)" in words(at)
    at.get_by_key("also_since.sample").set_value(["Infection"])
    at.get_by_key("adjust_for.sample").set_value(["Stage", "Age"]).run()
    assert "4 coefficients" in words(at)
    assert "Infection, Exposed:" in words(at)
    assert not any("No adjusted model" in info.value for info in at.info)
    at.get_by_key("adjust_for.sample").set_value(["Stage", "Age", "Sex"]).run()
    refusal = next(info.value for info in at.info if "No adjusted model" in info.value)
    assert "5 coefficients for 20 deaths" in refusal
    assert "at most 4" in refusal
    assert "Infection, Exposed:" not in words(at)


def test_a_filter_on_the_courses_is_cautioned_on_the_figure(app):
    at = app("treatment")
    at.get_by_key("sample.sts_courses").set_value((3, 8)).run()
    assert not at.exception
    alt = next(chart.proto.alt for chart in at.get("vega_lite_chart") if "several analyses" in chart.proto.alt)
    assert "Filtered by STS courses, known only after diagnosis" in alt


def test_nobody_left_is_said_in_words(app):
    at = app("treatment")
    at.get_by_key("sample.stage").set_value(["Later"])
    at.get_by_key("more.sample").set_value(["Lesion type"]).run()
    at.get_by_key("sample.lesion_type").set_value(["Livedo"]).run()
    assert not at.exception
    assert not NO_NUMBER.search(words(at))
    assert any("Undo one of them" in info.value for info in at.info)


def test_patients_of_whom_it_is_not_known_are_left_out_and_counted(app, tmp_path, sample_folder):
    folder = tmp_path / "partly"
    shutil.copytree(sample_folder, folder)
    patients = pd.read_csv(folder / "patients.csv", dtype=str, keep_default_na=False)
    infected = patients.index[patients["infection"] == "yes"][:2]
    patients.loc[infected, "infection_date"] = ""
    patients.to_csv(folder / "patients.csv", index=False)
    at = app("treatment", folder, **{"exposure.partly": "Infection"})
    assert "2 of 51 left out: it is not known whether or when they were exposed" in words(at)
    assert "49 patients" in words(at)


def test_a_registry_without_any_exposure_says_so(app, pbc_folder):
    at = app("treatment", pbc_folder)
    assert not at.exception
    assert "records no exposure" in words(at)
    assert not at.get("vega_lite_chart")


def test_without_course_dates_it_explains_and_offers_the_bias_with_assumed_ones(app, undated_folder):
    at = app("treatment", undated_folder)
    assert not at.exception
    said = words(at)
    assert "STS courses: the dates are missing" in panels(at)
    assert "how many courses each patient had, but not when" in said
    assert "Assumed, not recorded: course 3 begins 2 months after diagnosis in everybody who had it." in said
    assert "Time-dependent, with the assumed dates" in said
    assert "1 left out: the number of courses is not recorded" in said
    assert "At least 3 STS courses: hazard ratio" not in said, "no estimate rests on assumed dates"
    at.get_by_key("assumed_spacing").set_value(0.5).run()
    assert "course 3 begins 1 month after diagnosis" in words(at)


def test_what_is_known_only_later_stands_on_the_hazard_ratios_page_from_its_dates_on(app):
    at = app("hazard_ratios")
    assert "Known only later: each from its date on" in panels(at)
    later = next(chart.proto.alt for chart in at.get("vega_lite_chart") if "per additional course" in chart.proto.alt)
    assert "Infection: 2.52 (0.99 to 6.42)" in later
    assert "Debridement: not estimable" in later


def test_what_has_no_date_is_named_on_the_hazard_ratios_page(app, undated_folder):
    said = words(app("hazard_ratios", undated_folder))
    assert "cannot be placed in time. STS courses: only the number of courses is recorded" in said


@pytest.mark.parametrize("name", ["overview", "survival"])
def test_curves_grouped_by_courses_carry_the_notice_in_the_figure_and_no_naive_p_value(app, name):
    at = app(name, **{"by.sample": "STS courses"})
    alt = next(chart.proto.alt for chart in at.get("vega_lite_chart") if "Kaplan-Meier" in chart.proto.alt)
    assert "Grouped by STS courses, known only after diagnosis" in alt
    assert "Log-rank" not in alt
    head = next(frames["head"] for _, frames in charts(at) if "head" in frames)
    assert head["label"].str.contains("known only after diagnosis").any()
    assert "Log-rank" in next(c.proto.alt for c in app(name).get("vega_lite_chart") if "Kaplan-Meier" in c.proto.alt)


def test_no_unfinished_progress_stays_where_the_runs_are_refused(app):
    """One patient without event: nothing is drawn, and nothing looks as if it were."""
    at = app(
        "treatment",
        **{"sample.dialysis_status": "Transplant", "sample.stage": "Earlier"},
    )
    assert any("so that chance has nothing to show" in info.value for info in at.info)
    assert "Drawing" not in repr(at.main)
    assert "1 patient, 0 deaths, 1 coefficient" in words(at)
