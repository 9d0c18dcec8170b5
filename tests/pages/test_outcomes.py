"""The Outcomes page, and every page with every endpoint, through Streamlit's test harness."""

import pytest

from pages.components.entry import PAGES
from tests.pages.test_pages import NO_NUMBER, charts, words

NAMES = [file.removeprefix("pages/").removesuffix(".py") for file, *_ in PAGES]
ENDPOINTS = ("Overall mortality", "Early mortality", "Calciphylaxis-specific mortality", "Resolution of lesions")
COMPETING = ENDPOINTS[2:]
ANSWERS = ("overview", "cohort", "survival", "hazard_ratios", "outcomes", "treatment", "findings")


def table_with(at, column):
    return next(table.value for table in [*at.table, *at.dataframe] if column in table.value.columns)


@pytest.mark.parametrize("name", NAMES)
def test_every_page_obeys_every_endpoint(app, name):
    at = app(name)
    for endpoint in ENDPOINTS:
        at.get_by_key("endpoint").set_value(endpoint).run()
        assert not at.exception, (name, endpoint)
        assert not NO_NUMBER.search(words(at)), (name, endpoint)
        if name in ANSWERS:
            assert f"{endpoint} from diagnosis" in words(at)


@pytest.mark.parametrize("name", NAMES)
def test_every_page_obeys_the_endpoints_of_another_registry(app, pbc_folder, name):
    at = app(name, pbc_folder)
    for endpoint in ("Death before transplant", "Early mortality"):
        at.get_by_key("endpoint").set_value(endpoint).run()
        assert not at.exception, (name, endpoint)
        assert not NO_NUMBER.search(words(at)), (name, endpoint)


@pytest.mark.parametrize("name", ["overview", "survival"])
def test_where_something_competes_the_curve_is_an_incidence_and_says_why(app, name):
    at = app(name)
    assert "Kaplan-Meier curves" in words(at)
    at.get_by_key("endpoint").set_value("Resolution of lesions").run()
    said = words(at)
    assert "Cumulative incidence of resolution by stage" in said
    assert "instead of Kaplan-Meier, because death without resolution makes resolution impossible" in said
    assert "Kaplan-Meier curves" not in said
    assert "Median survival" not in said
    assert "Gray's test" in said
    assert "Log-rank" not in said


def test_the_overview_names_its_numbers_after_the_endpoint(app):
    at = app()
    at.get_by_key("endpoint").set_value("Resolution of lesions").run()
    metrics = {metric.label: metric.value for metric in at.metric}
    assert metrics["Resolved"] == "18"
    assert metrics["Died unresolved"] == "18"
    assert metrics["Resolved by 12 months"] == "12%"
    assert not [label for label in metrics if "urvival" in label or "Alive" in label]
    at.get_by_key("endpoint").set_value("Early mortality").run()
    assert {metric.label: metric.value for metric in at.metric}["Alive at 6 months"] == "76%"


def test_hazard_ratios_say_that_they_are_cause_specific(app):
    at = app("overview")
    at.get_by_key("endpoint").set_value("Calciphylaxis-specific mortality").run()
    titles = [str(spec) for spec, _ in charts(at)]
    assert any("Cause-specific hazard ratio" in spec for spec in titles)


def test_the_states_stand_on_the_page_whatever_the_endpoint(app):
    at = app("outcomes")
    first = next(text for text in words(at).splitlines() if text.startswith("Of 51 patients"))
    assert "18 resolved, 13 died of calciphylaxis" in first
    for endpoint in COMPETING:
        at.get_by_key("endpoint").set_value(endpoint).run()
        assert first in words(at)


def test_the_error_of_one_minus_kaplan_meier_is_said_in_numbers(app):
    at = app("outcomes", endpoint="Resolution of lesions")
    assert "The error of 1 − Kaplan-Meier" not in words(at)
    at.get_by_key("naive").set_value(True).run()
    assert "1 − Kaplan-Meier puts resolution at 63%" in words(at)
    assert "it is 43%" in words(at)
    assert any("overlay" in frames for _, frames in charts(at))


def test_looking_at_what_competes_changes_the_curve_and_its_name(app):
    at = app("outcomes", endpoint="Resolution of lesions")
    assert "Cumulative incidence of resolution by stage" in words(at)
    at.get_by_key("incidence_of").set_value("What competes with it").run()
    assert "Cumulative incidence of death without resolution by stage" in words(at)


def test_shares_are_given_at_3_6_12_and_24_months_and_add_up(app):
    at = app("outcomes", endpoint="Resolution of lesions")
    frame = table_with(at, "Neither")
    assert frame["Months"].astype(str).tolist() == ["3", "6", "12", "24"] * 2
    for row in frame.itertuples(index=False):
        shares = [float(str(cell).split("%")[0]) for cell in row[3:]]
        assert sum(shares) == pytest.approx(100, abs=0.2)


def test_where_nothing_competes_the_page_says_so(app):
    assert "Nothing competes with overall mortality" in words(app("outcomes"))


def test_the_definition_in_force_is_on_the_screen(app):
    at = app("methods", endpoint="Early mortality")
    assert "within 6 months after diagnosis" in words(at)
    at.get_by_key("window").set_value("3 months").run()
    assert "within 3 months after diagnosis" in words(at)
    at.get_by_key("unknown_cause").set_value("calciphylaxis").run()
    assert "The 1 death of unknown cause counts as calciphylaxis" in words(at)


def test_an_end_of_follow_up_that_competes_is_said_on_every_page(app, pbc_folder):
    at = app("survival", pbc_folder)
    assert "The 25 whose follow-up ended with transplant are censored there" in words(at)
    at.get_by_key("endpoint").set_value("Death before transplant").run()
    assert "transplant makes death before transplant impossible" in words(at)


def test_an_empty_cohort_is_said_in_words(app):
    at = app("outcomes", endpoint="Resolution of lesions")
    at.get_by_key("sample.stage").set_value(["Later"])
    at.get_by_key("more.sample").set_value(["Lesion type"]).run()
    at.get_by_key("sample.lesion_type").set_value(["Livedo"]).run()
    assert not at.exception
    assert "0 of 51" in words(at)
    assert not NO_NUMBER.search(words(at))
    assert any("Undo one of them" in info.value for info in at.info)
