"""The Cohort page through Streamlit's harness: every part of it, on the sample and on another registry."""

import re

import pytest

from core.cohort_choices import COHORT_PARTS, PATIENTS
from core.registry import read_registry
from core.table_one import table_one
from tests.pages.test_pages import NO_NUMBER, charts, table_with, tables, words


@pytest.mark.parametrize("part", COHORT_PARTS)
def test_every_part_opens_on_the_sample_and_on_another_registry(app, pbc_folder, part):
    for folder in (None, pbc_folder):
        at = app("cohort", folder, tab=part)
        assert not at.exception
        if part != PATIENTS:  # in the frame of the patients, what is not recorded is missing
            assert not NO_NUMBER.search(words(at))


@pytest.mark.parametrize("part", COHORT_PARTS)
def test_every_part_says_in_words_that_nobody_is_left(app, part):
    at = app(
        "cohort", tab=part, **{"sample.stage": "Later", "more.sample": "Lesion type", "sample.lesion_type": "Livedo"}
    )
    assert not at.exception
    assert "0 of 51" in words(at)
    assert not NO_NUMBER.search(words(at))


def test_table_one_shows_the_published_numbers(app):
    table = table_with(app("cohort"), "SMD")
    cells = table.set_index("Characteristic")["Overall (n = 51)"]
    assert next(value for name, value in cells.items() if name.startswith("Age")) == "52.0\u00a0±\u00a014.1"
    assert cells["\u2003Female"] == "19\u00a0(37.3%)"
    assert cells["\u2003Haemodialysis"] == "43\u00a0(84.3%)"
    assert "Lesion type" not in set(table["Characteristic"])
    assert "Later (n = 23)" in table.columns


def test_tests_are_shown_only_when_asked_for(app):
    at = app("cohort")
    assert "p" not in table_with(at, "SMD").columns
    at.get_by_key("tests").set_value(True).run()
    assert {"p", "Test"} <= set(table_with(at, "SMD").columns)
    assert re.search(r"\d+ p values, not adjusted", words(at))


def test_numbers_can_all_be_medians(app):
    at = app("cohort", numbers_as="Median (quartiles)")
    shown = " ".join(table_with(at, "SMD")["Characteristic"])
    assert "mean ± SD" not in shown
    assert "median (quartiles)" in shown


def test_those_left_out_stand_beside_those_kept(app):
    at = app("cohort", tab="Selection", **{"sample.stage": "Later"})
    table = table_with(at, "Kept (n = 23)")
    assert "Left out (n = 28)" in table.columns
    assert "51 patients (20 deaths)" in next(charts(at))[1]["steps"]["detail"].iloc[0]
    assert "Nobody is left out" in words(app("cohort", tab="Selection"))


def test_every_variable_of_a_section_has_a_figure(app):
    at = app("cohort", tab="Distributions", **{"section.sample": "All", "sample.stage": "Later"})
    shown = list(charts(at))
    assert len(shown) > 30
    assert any("Later: 23" in chart.proto.alt for chart in at.get("vega_lite_chart"))


def test_missing_values_are_counted_by_variable_and_together(app):
    at = app("cohort", tab="Missing values")
    table = table_with(at, "Miss only this").set_index("Variable")
    assert table.loc["C-reactive protein", "Not recorded"] == "5 (9.8%)"
    patterns = next(frame for frame in tables(at) if "Nothing missing" in frame.iloc[:, 0].tolist())
    assert patterns["Patients"].astype(int).sum() == 51
    assert patterns["Deaths"].astype(int).sum() == 20


def test_only_chosen_columns_are_sent(app):
    at = app("cohort", tab="Patients", **{"columns.sample": ["Sex", "Onset of lesions"]})
    frame = at.dataframe[0].value
    assert list(frame.columns) == [
        "Patient",
        "Follow-up (days)",
        "Ended with",
        "Sex",
        "Onset of lesions (days from diagnosis)",
    ]
    assert len(frame) == 51
    at.get_by_key("dates").set_value(True).run()
    assert "Onset of lesions" in at.dataframe[0].value.columns


def test_the_card_of_a_patient_is_in_days(app):
    at = app("cohort", tab="Patients", **{"patient.sample": "S05"})
    card = table_with(at, "Day")
    assert card["What"].tolist()[0] == "Onset of lesions"
    assert card.set_index("What").loc["Death", "Day"] == "55"
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", words(at))
    at.get_by_key("dates").set_value(True).run()
    assert "Date" in table_with(at, "Day").columns


def test_a_patient_whom_the_filters_leave_out_is_marked(app):
    at = app("cohort", tab="Patients", **{"patient.sample": "S05", "sample.stage": "Earlier"})
    assert "The filters leave this patient out" in words(at)


def test_follow_up_by_group_with_the_cut_off(app):
    at = app("cohort", tab="Follow-up")
    table = table_with(at, "Completeness")
    assert table.iloc[:, 0].tolist() == ["All patients", "Earlier", "Later"]
    assert "2021-09-30" in words(at)


def test_a_registry_of_durations_says_what_dates_would_tell(app, pbc_folder):
    at = app("cohort", pbc_folder, tab="Follow-up")
    assert "not from when to when" in words(at).replace("\\", "")
    assert "Completeness" not in table_with(at, "Longest").columns


def test_timelines_are_coloured_by_any_variable(app):
    at = app("cohort", tab="Timelines", **{"lines_colour.sample": "Albumin"})
    rows = next(charts(at))[1]["rows"]
    assert len(rows) == 51
    assert rows["level"].nunique() == 3  # two groups, and those without a value


def test_the_page_is_made_of_the_same_numbers_as_the_core(app, sample_folder):
    registry = read_registry(sample_folder)
    variable = registry.dictionary["albumin"]
    expected = table_one(registry.patients, [variable], registry.patients["stage"]).comparisons["smd"].item()
    table = table_with(app("cohort"), "SMD").set_index("Characteristic")
    shown = next(row["SMD"] for name, row in table.iterrows() if name.startswith("Albumin"))
    assert shown == f"{expected:.2f}"


def test_table_1_names_what_it_leaves_out_alike_every_time_it_is_drawn(app):
    at = app("cohort", **{"by.sample": "Stage by typical lesions"})
    left_out = "because the groups are made from it: Stage, Lesion type."
    assert left_out in words(at).replace("\\", "")
    assert left_out in words(at.run()).replace("\\", "")
