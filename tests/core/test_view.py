"""A view is a value: it survives the way through a link, and whatever a link cannot bring is named."""

import math
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.registry import read_registry
from core.settings import EVERYWHERE, settings_for, settings_of
from core.view import (
    MISSING_WORDS,
    filter_from_levels,
    filter_from_range,
    level_options,
    make_view,
    view_from_query,
)
from pages.components.entry import PAGES as ALL_PAGES

REGISTRY = read_registry(Path(__file__).parents[2] / "data" / "sample")
PAGES = [path for *_, path in ALL_PAGES]


@st.composite
def views(draw):
    page = draw(st.sampled_from(PAGES))
    filters = []
    for variable in REGISTRY.dictionary.filters:
        if draw(st.integers(0, 4)) > 0:
            continue
        if variable.is_categorical:
            chosen = draw(st.lists(st.sampled_from(level_options(REGISTRY, variable)), unique=True))
            condition = filter_from_levels(variable, chosen)
        else:
            low, high = REGISTRY.limits(variable)
            scale = 10**variable.decimals
            ends = [draw(st.integers(round(low * scale), round(high * scale))) / scale for _ in range(2)]
            missing = draw(st.sampled_from(list(MISSING_WORDS))) if REGISTRY.n_missing(variable) else "auto"
            condition = filter_from_range(REGISTRY, variable, ends, missing)
        if condition.is_active:
            filters.append(condition)
    return make_view(REGISTRY, page, filters, {s.name: draw(setting_value(s)) for s in settings_of(REGISTRY, page)})


def setting_value(setting):
    options = setting.options_of(REGISTRY)
    if setting.kind == "switch":
        return st.booleans()
    if setting.kind in ("number", "slider"):
        steps = round((setting.high - setting.low) / setting.step)
        return st.integers(0, steps).map(lambda n: round(setting.low + n * setting.step, 6))
    if setting.kind == "choices":
        return st.lists(st.sampled_from(options), unique=True).map(
            lambda chosen: tuple(o for o in options if o in chosen)
        )
    return st.sampled_from(options)


@given(views())
@settings(max_examples=100, deadline=None)
def test_a_view_survives_the_way_through_a_link(view):
    link = view.link(REGISTRY, "https://registry.example/x")
    assert len(link) < 8000
    query = parse_qs(urlsplit(link).query, keep_blank_values=True)
    again, ignored = view_from_query(REGISTRY, view.page, query)
    assert again == view
    assert ignored == []


def test_every_setting_is_part_of_the_view_of_some_page():
    assert {s.page for s in settings_for(REGISTRY)} - {EVERYWHERE} <= set(PAGES)
    assert {s.name for page in PAGES for s in settings_of(REGISTRY, page)} == {s.name for s in settings_for(REGISTRY)}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"sample.stage": ["Later", "IV"]}, "no patient has this level"),
        ({"sample.age": ["old"]}, "a range needs two numbers"),
        ({"sample.age": ["40"]}, "a range needs two numbers"),
        ({"endpoint": ["Happiness"]}, "not one of the choices"),
        ({"by.sample": ["Shoe size"]}, "not one of the choices"),
        ({"more.sample": ["Shoe size"]}, "no such variable"),
        ({"pbc.stage": ["3"]}, "no such choice here"),
        ({"utm_source": ["mail"]}, "no such choice here"),
    ],
)
def test_what_a_link_cannot_bring_is_named_and_the_rest_holds(query, reason):
    view, ignored = view_from_query(REGISTRY, "survival", {"sample.sex": ["Female"], **query})
    assert reason in ignored[0].reason
    assert filter_from_levels(REGISTRY.dictionary["sex"], ["Female"]) in view.filters


def test_a_reversed_or_overlong_range_means_the_same_as_the_slider_shows():
    straight, _ = view_from_query(REGISTRY, "survival", {"sample.age": ["40", "60"]})
    reversed_, _ = view_from_query(REGISTRY, "survival", {"sample.age": ["60", "40"]})
    beyond, _ = view_from_query(REGISTRY, "survival", {"sample.age": ["-5", "60"]})
    assert straight.filters == reversed_.filters
    assert beyond.filters[0].high == 60
    assert beyond.filters[0].low != beyond.filters[0].low  # no lower limit


@given(st.dictionaries(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=3), max_size=5))
@settings(max_examples=100, deadline=None)
def test_no_query_string_breaks_the_view(query):
    view, _ = view_from_query(REGISTRY, "survival", query)
    assert dict(view.settings).keys() == {setting.name for setting in settings_of(REGISTRY, "survival")}


@pytest.mark.parametrize(
    ("query", "said", "meant"),
    [
        ({"landmark": ["3", "6"]}, "given twice; the first counts", ("landmark", 3)),
        ({"landmark": ["2.5"]}, "a whole number is needed, so taken as 2", ("landmark", 2)),
        ({"endpoint": ["Early mortality", "Overall mortality"]}, "given twice", ("endpoint", "Early mortality")),
        ({"sample.age": ["70", "300"]}, "outside of what is recorded, so taken as 82", ("age", (70.0, math.nan))),
        ({"sample.age": ["49.6", "60"]}, "more digits than are recorded, so taken as 50", ("age", (50.0, 60.0))),
        ({"sample.sts_courses.missing": ["Only these"]}, "no value is missing here", None),
    ],
)
def test_what_is_taken_for_something_else_is_named(query, said, meant):
    view, ignored = view_from_query(REGISTRY, "survival", query)
    assert [said in part.reason for part in ignored] == [True]
    if meant and meant[0] == "age":
        assert (view.filters[0].low, view.filters[0].high) == pytest.approx(meant[1], nan_ok=True)
    elif meant:
        assert view[meant[0]] == meant[1]
    again, nothing = view_from_query(REGISTRY, "survival", view.to_query(REGISTRY))
    assert (again, nothing) == (view, [])
