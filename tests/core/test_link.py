"""A link says whether it shows what its sender saw; cut off, changed, foreign or old, it never breaks."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import core.link
from core.analysis import Analysis
from core.cohort import Filter
from core.link import check_sum, permanent_link, permanent_query, read_link
from core.registry import read_registry
from core.view import make_view
from tests.core.test_view import PAGES, views

REGISTRY = read_registry(Path(__file__).parents[2] / "data" / "sample")
VIEW = make_view(REGISTRY, "survival", (Filter("stage", ("Later",)),), {"landmark": 3})
QUERY = permanent_query(Analysis(REGISTRY, VIEW))
LINK = permanent_link(Analysis(REGISTRY, VIEW), "https://registry.example/survival")


def read(query, page="survival", registry=REGISTRY):
    return read_link(registry, page, query)


def asked(link):
    return parse_qs(urlsplit(link).query, keep_blank_values=True)


def test_a_link_as_it_was_made_is_reproduced_without_a_word():
    report = read(asked(LINK))
    assert report.view == VIEW
    assert report.is_reproduced
    assert report.sentences == ()
    assert len(report.changes) > 8


@given(views())
@settings(max_examples=60, deadline=None)
def test_any_view_is_reproduced_from_its_link(view):
    link = permanent_link(Analysis(REGISTRY, view), "https://registry.example/page")
    report = read(asked(link), view.page)
    assert report.view == view
    assert report.is_reproduced, report.sentences
    assert report.sentences == ()


@pytest.mark.parametrize("page", PAGES)
def test_a_realistic_link_is_short_enough_to_mail(page):
    filters = (
        Filter("stage", ("Later",)),
        Filter("age", low=40, high=70),
        Filter("sex", ("Female",)),
        Filter("dialysis", ("Haemodialysis",)),
    )
    filters = tuple(f for f in filters if f.variable in {v.name for v in REGISTRY.dictionary.filters})
    link = permanent_link(
        Analysis(REGISTRY, make_view(REGISTRY, page, filters, {})), "https://registry.example/" + page
    )
    assert len(link) < 2000


def test_other_data_are_said_and_every_number_is_set_beside_the_old_one():
    report = read(QUERY, registry=replace(REGISTRY, fingerprint="0" * 64, _memory={}))
    assert not report.same_data
    assert "made with other data" in report.sentences[0]
    assert "nevertheless the same" in report.sentences[-1]
    other = read({**QUERY, "numbers": ["n~99~d~1"], "data": ["0" * 12]})
    assert not other.same_numbers
    assert {c.key: c.same for c in other.changes}["n"] is False
    assert "differ from those when the link was made" in other.sentences[-1]


def test_another_release_is_said(monkeypatch):
    monkeypatch.setattr(core.link, "RELEASE", "9.9")
    report = read(QUERY)
    assert "The link was made with release 1.0; this is release 9.9." in report.sentences
    assert not report.is_reproduced


@pytest.mark.parametrize("length", range(60, len(LINK), 40))
def test_a_link_cut_off_anywhere_is_never_taken_for_whole(length):
    report = read(asked(LINK[:length]))
    if report.is_permanent:
        assert not report.is_reproduced
        assert any("cut off or changed" in sentence for sentence in report.sentences)


@pytest.mark.parametrize(("key", "value"), [("landmark", "6"), ("sample.stage", "Earlier"), ("interval", "plain")])
def test_a_changed_choice_shows(key, value):
    report = read({**QUERY, key: [value]})
    assert not report.is_whole
    assert any("cut off or changed" in sentence for sentence in report.sentences)


def test_another_page_is_said():
    report = read(QUERY, "overview")
    assert "The link was made on another page (survival)" in " ".join(report.sentences)
    assert not report.is_reproduced


def test_changed_numbers_show():
    report = read({**QUERY, "numbers": [QUERY["numbers"][0].replace("n~23", "n~24")]})
    assert not report.same_numbers
    assert not report.is_whole


def test_a_link_of_another_registry_names_what_was_not_applied():
    foreign = {
        "data": ["abcdefabcdef"],
        "endpoint": ["Time to transplant"],
        "pbc.stage": ["3"],
        "by.pbc": ["Treatment"],
    }
    report = read(foreign)
    text = " ".join(report.sentences)
    assert "other data" in text
    assert "endpoint = Time to transplant" in text
    assert "pbc.stage" in text
    assert "by.pbc" in text


def test_a_link_from_before_there_were_releases_is_read():
    old = {key: texts for key, texts in QUERY.items() if key not in ("release", "numbers", "check")}
    report = read(old)
    assert report.view == VIEW
    assert "The link carries no numbers to compare with." in report.sentences


def test_what_the_address_bar_holds_is_no_permanent_link_and_says_nothing():
    assert read({"sample.stage": ["Later"], "landmark": ["3"]}).sentences == ()
    assert read({}).sentences == ()


def test_without_the_numbers_a_link_still_says_whether_it_is_whole():
    query = permanent_query(Analysis(REGISTRY, VIEW), with_numbers=False)
    assert "numbers" not in query
    report = read(query)
    assert report.is_whole
    assert report.sentences == ()


def test_the_check_does_not_depend_on_the_order():
    assert check_sum(dict(reversed(QUERY.items()))) == QUERY["check"][0]


def test_many_parts_that_cannot_be_applied_stay_readable():
    query = {f"x{i}": ["y" * 500] for i in range(200)} | {"sample.age": ["z" * 5000]}
    report = read(query)
    assert len(report.sentences) < 5
    assert max(map(len, report.sentences)) < 400


@given(
    st.dictionaries(
        st.sampled_from([*QUERY, "view", "pbc.stage", "utm_source"]) | st.text(max_size=10),
        st.lists(st.text(max_size=30) | st.sampled_from(["nan", "inf", "1e400", "~", "n~", "\x00"]), max_size=3),
        max_size=6,
    ),
    st.sampled_from(PAGES),
)
@settings(max_examples=200, deadline=None)
def test_no_query_breaks_the_reading(query, page):
    report = read(query, page)
    assert isinstance(report.sentences, tuple)
    assert report.view.page == page
