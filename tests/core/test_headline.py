"""The numbers by which a view is known again: they are those of the engine, and a link carries them to six digits."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis import Analysis
from core.cohort import Filter
from core.grouping import SELECTION
from core.headline import Change, Number, changes, from_text, headline, to_text
from core.registry import read_registry
from core.settings import RATIO_PARTS
from core.view import make_view
from pages.components.entry import PAGES

REGISTRY = read_registry(Path(__file__).parents[2] / "data" / "sample")
LATER = Filter("stage", ("Later",))
NOBODY = (LATER, Filter("lesion_type", ("Livedo",)))


def numbers(page="overview", filters=(), **settings):
    found = headline(Analysis(REGISTRY, make_view(REGISTRY, page, filters, settings)))
    return {number.key: number.value for number in found}


def test_they_are_the_numbers_of_the_registry():
    found = numbers()
    assert (found["n"], found["d"]) == (51, 20)
    assert (found["n.Earlier"], found["n.Later"], found["d.Earlier"], found["d.Later"]) == (28, 23, 7, 13)
    assert math.isnan(found["m.Earlier"])  # the curve never falls below one half
    assert found["df"] == 1


def test_they_are_the_numbers_of_the_engine():
    analysis = Analysis(REGISTRY, make_view(REGISTRY, "survival", (LATER,), {"by": "Sex", "landmark": 1}))
    found = {number.key: number.value for number in headline(analysis)}
    overall = analysis.overall_curve
    assert found["m"] == overall.summary["median"].iloc[0]
    assert found["s"] == overall.survival_at([12])["estimate"].iloc[0]
    groups = analysis.curve.summary.set_index("stratum")
    assert found["m.Female"] == pytest.approx(groups.loc["Female", "median"], nan_ok=True)
    assert found["x"] == analysis.comparison.statistic
    assert found["p"] == analysis.comparison.p_value
    ratios = analysis.hazard_ratios([REGISTRY.dictionary["age"]]).terms
    assert found["hr.Age, per 10 years"] == pytest.approx(ratios["estimate"].iloc[0], rel=1e-12)


def test_where_something_competes_the_incidence_takes_the_place_of_survival():
    found = numbers(endpoint="Resolution of lesions")
    assert "m" not in found
    assert 0 < found["i"] < 1
    assert found["c"] > 0


def test_a_test_of_groups_known_only_after_diagnosis_is_no_headline():
    assert "p" in numbers(by="Sex")
    assert "p" not in numbers(by="STS courses")


def test_numbers_of_all_are_those_of_the_cohort_although_the_curves_are_set_against_the_rest():
    alone, against = numbers(filters=(LATER,), by="Nothing"), numbers(filters=(LATER,), by=SELECTION)
    for key in alone:
        assert against[key] == pytest.approx(alone[key], nan_ok=True)
    assert against["n.The rest"] == 28


def test_pages_add_their_own_ratios():
    assert numbers("treatment")["t"] > 0
    joint = numbers("hazard_ratios", part=RATIO_PARTS[1], together=("Age", "Stage"))
    assert {"j.Age, per 10 years", "j.Stage: Later"} <= joint.keys()


@pytest.mark.parametrize("page", [path for *_, path in PAGES])
@pytest.mark.parametrize("endpoint", ["Overall mortality", "Resolution of lesions"])
@pytest.mark.parametrize("filters", [(), NOBODY, (Filter("age", low=70, high=72),)], ids=["all", "nobody", "few"])
def test_any_view_has_them_and_a_link_carries_them(page, endpoint, filters):
    found = headline(Analysis(REGISTRY, make_view(REGISTRY, page, filters, {"endpoint": endpoint})))
    again = from_text(to_text(found))
    assert [number.key for number in again] == [number.key for number in found]
    assert all(change.same for change in changes(again, found))
    for number in found:
        assert "nan" not in number.text
        assert number.label[0].isupper()
        assert "_" not in number.label  # no field name


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_six_digits_survive(value):
    again = from_text(to_text([Number("m", value)]))[0]
    assert again.value == pytest.approx(value, rel=1e-5)
    assert Number("m", value).equals(again)
    assert not Number("m", value * 1.0001).equals(again)


def test_counts_must_be_exactly_the_same():
    assert not Number("n", 1_000_000).equals(Number("n", 1_000_001))
    assert not Number("m", math.nan).equals(Number("m", 1))
    assert Number("m", math.nan).equals(Number("m", math.nan))


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading(text):
    for number in from_text(text):
        assert number.key
        assert not math.isinf(number.value)
        assert number.label
        assert number.text


def test_what_one_side_lacks_is_a_change_without_a_difference():
    found = changes([Number("n", 5), Number("hr.Shoe size", 2)], [Number("n", 7), Number("zz", 1)])
    assert [(c.key, c.same, c.difference_text) for c in found] == [
        ("n", False, "+2"),
        ("zz", False, ""),
        ("hr.Shoe size", False, ""),
    ]


@pytest.mark.parametrize(
    ("key", "before", "after", "said"),
    [
        ("n", 17, 17, "0"),
        ("m", 43.94, 27.47, "\N{MINUS SIGN}16.5"),
        ("s", 0.667, 0.647, "\N{MINUS SIGN}2.0 points"),
        ("hr.Age", 2.0, 3.0, "1.50 times"),
        ("p", 0.01, 0.02, ""),
        ("m", math.nan, 5, ""),
    ],
)
def test_differences_in_words(key, before, after, said):
    assert Change(key, Number(key, before), Number(key, after)).difference_text == said
