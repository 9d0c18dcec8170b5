"""Share and Compare through Streamlit's test harness: what a link says when it is opened, and views kept in a session."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from core.analysis import Analysis
from core.cohort import Filter
from core.link import permanent_query
from core.named_views import NamedView, set_link, to_file
from core.registry import read_registry
from core.view import make_view
from pages.components.compare_panels import NOW
from tests.pages.test_pages import NAMES, tables, words

REGISTRY = read_registry(Path(__file__).parents[2] / "data" / "sample")
LATER, OLD = Filter("stage", ("Later",)), Filter("age", low=60)
SAME = "Same numbers as when this link was made"
TITLES = ("Not everything in the link", "This is not what the sender saw", "Something differs")


def query(page="overview", *filters, **settings):
    return permanent_query(Analysis(REGISTRY, make_view(REGISTRY, page, filters, settings)))


def named(name, page, *filters, **settings):
    return NamedView(name, make_view(REGISTRY, page, filters, settings))


def plain(at):
    return words(at).replace("\\", "")


def opened_set(app, *views):
    texts = parse_qs(urlsplit(set_link(REGISTRY, "", views)).query)["view"]
    return app("compare", view=texts)


def test_a_link_as_it_was_made_says_so_quietly(app):
    at = app(**query("overview", LATER, OLD))
    assert SAME in plain(at)
    assert not any(title in plain(at) for title in TITLES)
    assert "23 of 51" not in plain(at)  # both filters hold


def test_the_quiet_word_goes_as_soon_as_something_is_changed(app):
    at = app(**query("overview", LATER))
    at.get_by_key("sample.stage").set_value(["Earlier"]).run()
    assert SAME not in plain(at)
    assert not any(title in plain(at) for title in TITLES)


def test_what_a_link_says_of_itself_leaves_the_address_bar(app):
    at = app(**query("overview", LATER))
    assert not {"data", "release", "numbers", "check"} & set(at.query_params)


def test_other_numbers_are_set_beside_the_old_ones(app):
    asked = query("overview", LATER)
    at = app(**{**asked, "numbers": [asked["numbers"][0].replace("n~23", "n~24")]})
    table = next(frame for frame in tables(at) if "When the link was made" in frame.columns)
    row = table[table["Number"] == "Patients"].iloc[0]
    assert (row["When the link was made"], row["Now"], row["Is it the same?"]) == ("24", "23", "differs")
    at.get_by_key("_link_understood").click().run()
    assert not any(title in plain(at) for title in TITLES)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": ["0" * 12]}, "made with other data"),
        ({"release": ["0.1"]}, "made with release 0.1; this is release"),
        ({"check": ["00000000"]}, "cut off or changed"),
        ({"endpoint": ["<script>alert(1)</script> **x**"]}, "not one of the choices"),
        ({"sample.stage": ["IV"]}, "no patient has this level"),
        ({"pbc.stage": ["3"], "by.pbc": ["Treatment"]}, "no such choice here: pbc.stage, by.pbc"),
        ({"numbers": ["~~~n~nan~inf"]}, "carries no numbers"),
    ],
)
def test_whatever_differs_is_said(app, change, said):
    at = app(**(query("overview", LATER) | change))
    assert not at.exception
    assert said in plain(at)
    assert SAME not in plain(at)
    assert at.metric


@pytest.mark.parametrize("name", NAMES)
def test_a_link_of_another_registry_opens_every_page_with_a_word(app, pbc_folder, name):
    at = app(name, pbc_folder, **query("overview", LATER, OLD))
    assert not at.exception
    if name == "overview":
        assert "made with other data" in plain(at)


def test_a_filter_that_the_link_does_not_add_is_added(app):
    at = app(**{"sample.age": ["60", "70"]})
    assert at.get_by_key("more.sample").value == ["Age"]
    assert at.get_by_key("sample.age").value == (60, 70)
    assert "51 of 51" not in plain(at)


def test_nothing_is_compared_before_a_view_is_kept(app):
    at = app("compare")
    assert "Keep a view first" in at.info[0].value
    assert not at.get("vega_lite_chart")


def test_a_link_for_a_set_brings_two_views_side_by_side(app):
    at = opened_set(app, named("Later", "survival", LATER), named("From 60", "overview", OLD))
    assert not at.exception
    assert at.get_by_key("_compare_first").value == "Later"
    assert at.get_by_key("_compare_second").value == "From 60"
    later, old = REGISTRY.patients["stage"] == "Later", REGISTRY.patients["age"] >= 60
    who = next(frame for frame in tables(at) if list(frame.columns) == ["View", "Patients"])
    assert list(who["Patients"].astype(int)) == [(later & ~old).sum(), (later & old).sum(), (~later & old).sum()]
    assert f"{(later & old).sum()} patients are in both views, so the two are not independent" in plain(at)
    numbers = next(frame for frame in tables(at) if "Second compared with first" in frame.columns)
    assert list(numbers.iloc[0]) == ["Patients", "23", str(old.sum()), f"\N{MINUS SIGN}{23 - old.sum()}"]
    assert "2 loaded views show the same numbers as when they were saved" in plain(at)
    assert "Later: 23 patients" in at.get("vega_lite_chart")[0].proto.alt


def test_a_kept_view_is_compared_with_what_the_sidebar_says(app):
    at = opened_set(app, named("Later", "survival", LATER))
    assert at.get_by_key("_compare_second").value == NOW
    at.get_by_key("sample.stage").set_value(["Earlier"]).run()
    assert "Nobody is in both" in plain(at)
    assert (
        "Earlier" in at.get("vega_lite_chart")[0].proto.alt or "28 patients" in at.get("vega_lite_chart")[0].proto.alt
    )


def test_a_filter_known_only_after_diagnosis_is_marked_on_the_figure(app):
    at = opened_set(app, named("Treated", "survival", Filter("sts_courses", low=3)), named("All", "survival"))
    assert "known only after diagnosis" in at.get("vega_lite_chart")[0].proto.alt


def test_endpoints_that_cannot_share_an_axis_are_said(app):
    at = opened_set(app, named("A", "survival"), named("B", "outcomes", endpoint="Resolution of lesions"))
    assert any("cannot be laid over each other" in info.value for info in at.info)
    assert any("Second compared with first" in frame.columns for frame in tables(at))


@pytest.mark.parametrize(
    "texts",
    [[""], ["%%%"], ["name=A"], ["a=b&" * 600], ["name=A&page=nowhere&sample.stage=IV"], ["x"] * 20, ["\x00"]],
)
def test_a_broken_link_for_a_set_is_answered_in_words(app, texts):
    at = app("compare", view=texts)
    assert not at.exception
    assert at.header


def test_a_file_is_loaded_and_a_view_is_taken_away(app):
    at = app("compare")
    views = [named("Later", "survival", LATER), named("All", "overview")]
    at.get_by_key("_views_file").upload("views.json", to_file(REGISTRY, views)).run()
    assert not at.exception
    assert at.get_by_key("_compare_first").options == ["Later", "All", NOW]
    at.get_by_key("_take_away_Later").click().run()
    assert not at.exception
    assert at.get_by_key("_compare_first").options == ["All", NOW]


def test_a_file_that_holds_no_views_is_refused_with_the_reason(app):
    at = app("compare")
    at.get_by_key("_views_file").upload("views.json", json.dumps({"a": 1}).encode()).run()
    assert not at.exception
    assert "holds no views" in at.error[0].value


def test_the_figure_of_two_views_says_of_whom_it_is(app):
    at = opened_set(app, named("Later", "survival", LATER), named("From 60", "overview", OLD))
    caption = at.session_state["_figure_caption"]
    assert caption.startswith("Later: Synthetic sample. 23 of 51 patients (Stage: Later).")
    assert "From 60: Synthetic sample. 17 of 51 patients (Age: at least 60 years)." in caption


@pytest.mark.parametrize(
    ("asked", "counts", "said"),
    [
        ({"sample.age": ["70", "300"]}, "4 of 51 patients, 0 deaths", "sample.age = 300: outside of what is recorded"),
        ({"endpoint": ["Early mortality", "Overall mortality"]}, "12 early deaths", "Overall mortality: given twice"),
        ({"sample.sts_courses": ["2.4", "8"]}, "34 of 51 patients", "taken as 2"),
    ],
)
def test_the_screen_shows_what_the_banner_speaks_of(app, asked, counts, said):
    """A control would drop a range that is too wide, and take the last of two values."""
    at = app("overview", **asked)
    assert counts in plain(at)
    assert said in plain(at)


def test_a_link_over_data_with_narrower_limits_keeps_its_filter(app):
    asked = query("overview", Filter("age", low=60))
    at = app(**{**asked, "sample.age": ["60", "90"]})
    assert "17 of 51 patients" in plain(at)
    assert "taken as 82" in plain(at)


def test_a_link_of_which_only_its_page_is_left_says_so(app):
    assert "a part of it was cut off or changed" in plain(app(page=["overview"]))
