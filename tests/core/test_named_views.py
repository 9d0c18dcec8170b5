"""A set of views as a file and as a link comes back whole; whatever else is opened is refused with a reason."""

import json
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analysis import Analysis
from core.cohort import Filter
from core.named_views import (
    MOST_BYTES,
    MOST_VIEWS,
    NamedView,
    UnreadableViewsError,
    clean_name,
    from_file,
    from_link,
    new_name,
    set_link,
    suggested_name,
    to_file,
)
from core.registry import read_registry
from core.view import make_view
from tests.core.test_view import PAGES, views

REGISTRY = read_registry(Path(__file__).parents[2] / "data" / "sample")
LATER = NamedView(
    "Später & <b>später</b> = ~", make_view(REGISTRY, "survival", (Filter("stage", ("Later",)),), {"landmark": 3})
)
ALL = NamedView("晚期", make_view(REGISTRY, "outcomes", (), {"endpoint": "Resolution of lesions"}))
FILE = to_file(REGISTRY, [LATER, ALL])


def changed(**parts):
    return json.dumps(json.loads(FILE) | parts).encode()


def texts(link):
    return parse_qs(urlsplit(link).query, keep_blank_values=True)["view"]


def test_a_file_comes_back_with_the_same_views_and_numbers():
    read = from_file(REGISTRY, PAGES, FILE)
    assert [one.named for one in read] == [LATER, ALL]
    assert all(one.report.is_reproduced for one in read)


def test_a_link_comes_back_with_the_same_views_and_numbers():
    link = set_link(REGISTRY, "https://registry.example/compare", [LATER, ALL])
    read = from_link(REGISTRY, PAGES, texts(link))
    assert [one.named for one in read] == [LATER, ALL]
    assert all(one.report.is_reproduced for one in read)


@given(st.lists(views(), min_size=1, max_size=4))
@settings(max_examples=20, deadline=None)
def test_any_set_comes_back(found):
    named = [NamedView(f"View {i}", view) for i, view in enumerate(found)]
    assert [one.named for one in from_file(REGISTRY, PAGES, to_file(REGISTRY, named))] == named
    assert [one.named for one in from_link(REGISTRY, PAGES, texts(set_link(REGISTRY, "x", named)))] == named


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "holds no views"),
        (b'{"format": "something else", "views": []}', "holds no views"),
        (changed(views=[]), "No view is in it"),
        (changed(views={"a": 1}), "holds no views"),
        (changed(version=2), "does not read"),
        (changed(views=[{"name": "A"}]), "View 1 of the file lacks"),
        (changed(views=["A"]), "View 1 of the file lacks"),
        (changed(views=[{"name": "A", "page": 3, "query": ""}]), "View 1 of the file lacks"),
        (changed(views=json.loads(FILE)["views"] * 7), f"at most {MOST_VIEWS}"),
        (changed(views=[{"name": "A", "page": "survival", "query": "a=b&" * 600}]), "more than 500"),
        (b" " * (MOST_BYTES + 1), "larger than"),
    ],
    ids=lambda part: part[:20] if isinstance(part, str) else "",
)
def test_any_other_file_is_refused_with_the_reason(content, reason):
    with pytest.raises(UnreadableViewsError, match=reason):
        from_file(REGISTRY, PAGES, content)


def test_a_view_of_a_page_that_is_not_there_opens_on_the_overview_and_says_so():
    [one] = from_file(REGISTRY, PAGES, changed(views=[{"name": "A", "page": "../etc", "query": "sample.stage=Later"}]))
    assert one.named.view.page == "overview"
    assert any("there is no such page" in sentence for sentence in one.report.sentences)


def test_equal_names_are_told_apart():
    read = from_file(REGISTRY, PAGES, changed(views=[json.loads(FILE)["views"][0] | {"name": "A"}] * 3))
    assert [one.named.name for one in read] == ["A", "A (2)", "A (3)"]


def test_names_are_one_short_line():
    assert clean_name("  a\n b\x00\u202e" + "c" * 100) == ("a b" + "c" * 100)[:60]
    assert clean_name("\x00") == "View"
    assert len(new_name("x" * 60, {"x" * 60})) == 60


def test_a_view_suggests_its_name():
    assert suggested_name(Analysis(REGISTRY, LATER.view)) == "Stage: Later; by Stage"
    assert suggested_name(Analysis(REGISTRY, ALL.view)) == "All patients; by Stage; Resolution of lesions"


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.text(max_size=5) | st.integers(), st.lists).map(
        lambda x: json.dumps({"format": "CalciScope views", "version": 1, "views": x}).encode()
    )
)
@settings(max_examples=100, deadline=None)
def test_no_file_breaks_the_reading(content):
    with suppress(UnreadableViewsError):
        from_file(REGISTRY, PAGES, content)
