"""Through all endpoints and all pages in a real browser: each page obeys, and the link keeps endpoint and definition."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from pages.components.entry import PAGES
from tests.browser.conftest import at_rest, curve_paths, opened, settled

pytestmark = pytest.mark.browser
CHOICES = (
    {"endpoint": "Overall mortality"},
    {"endpoint": "Early mortality", "window": "3 months"},
    {"endpoint": "Calciphylaxis-specific mortality", "unknown_cause": "calciphylaxis"},
    {"endpoint": "Resolution of lesions"},
)
DEFINITIONS = (
    "Death from any cause, from diagnosis",
    "within 3 months after diagnosis",
    "The 1 death of unknown cause counts as calciphylaxis",
    "A death after resolution is not an event here",
)
ANSWERS = (
    "cohort",
    "survival",
    "hazard_ratios",
    "outcomes",
    "treatment",
    "findings",
)  # pages that answer with the endpoint
ELSEWHERE = [(title, path) for _, title, _, path in PAGES if path in ANSWERS]


def in_the_link(page, name, value):
    """Waits until the address has the value: a page switch writes it after the page is drawn."""
    page.wait_for_function("([n, v]) => new URLSearchParams(location.search).get(n) === v", arg=[name, value])


@pytest.mark.parametrize(("choice", "definition"), list(zip(CHOICES, DEFINITIONS, strict=True)))
def test_every_page_keeps_the_endpoint_and_its_definition(sample_server, page, choice, definition):
    opened(page, f"{sample_server}/?{urlencode(choice)}")
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_text(definition)).to_be_visible()
    for title, path in ELSEWHERE:
        page.get_by_role("link", name=title, exact=True).click()
        page.wait_for_url(re.compile(rf"/{path}(\?|$)"))
        settled(page)
        expect(page.get_by_text(f"{choice['endpoint']} from diagnosis").first).to_be_visible()
        expect(sidebar.get_by_text(definition)).to_be_visible()
        for name, value in choice.items():
            if value != "Overall mortality":
                in_the_link(page, name, value)
    at_rest(page, lambda: page.get_by_test_id("stMain").inner_text())
    page.get_by_role("button", name="Share").first.click()
    link = page.get_by_role("dialog").get_by_test_id("stCode").inner_text().strip()
    query = parse_qs(urlsplit(link).query)
    assert {name: query[name] for name in choice} == {name: [value] for name, value in choice.items()}


def test_the_address_keeps_the_view_however_fast_the_menu_is_clicked(sample_server, page):
    choice = {"endpoint": "Calciphylaxis-specific mortality", "sample.stage": "Later"}
    opened(page, f"{sample_server}/methods?{urlencode(choice)}")
    sidebar = page.get_by_test_id("stSidebar")
    for title, wait in (("Findings", 150), ("Cohort", 0), ("Findings", 400), ("Hazard ratios", 0), ("Methods", 250)):
        page.get_by_role("link", name=title, exact=True).click()
        page.wait_for_timeout(wait)  # where in the drawing the next click comes differs on purpose
    page.wait_for_url(re.compile("/methods"))
    for name, value in choice.items():
        in_the_link(page, name, value)
    expect(sidebar.locator("h4").first).to_contain_text("23 of 51 patients, 9 deaths from calciphylaxis")
    # a control still writes to the address afterwards, its default too
    sidebar.get_by_role("button", name="Earlier", exact=True).click()
    page.wait_for_function("() => new URLSearchParams(location.search).getAll('sample.stage').length === 2")
    for name in ("Earlier", "Later"):
        sidebar.get_by_role("button", name=name, exact=True).click()
    page.wait_for_function("() => !new URLSearchParams(location.search).has('sample.stage')")
    expect(sidebar.locator("h4").first).to_contain_text("51 of 51 patients, 13 deaths from calciphylaxis")


def test_a_chosen_endpoint_changes_the_curve_and_the_permanent_link_reopens_it(sample_server, page, chromium):
    opened(page, f"{sample_server}/outcomes?endpoint=Resolution+of+lesions&naive=true&at=1&at=6")
    expect(page.get_by_text("The error of 1 − Kaplan-Meier")).to_be_visible()
    # the table obeys the times of the link from the first run on
    expect(page.get_by_role("cell", name="1", exact=True).first).to_be_visible()
    expect(page.get_by_role("cell", name="24", exact=True)).to_have_count(0)
    before = curve_paths(page, "outcomes_curve")
    page.locator(".st-key-_share button").first.click()
    link = page.get_by_role("dialog").get_by_test_id("stCode").inner_text().strip()
    query = parse_qs(urlsplit(link).query)
    assert query["endpoint"] == ["Resolution of lesions"]
    assert query["naive"] == ["true"]
    assert query["at"] == ["1", "6"]
    assert query["unknown_cause"] == ["another cause"]
    other = chromium.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    opened(other, link)
    assert curve_paths(other, "outcomes_curve") == before
    expect(other.get_by_text("Not everything in the link could be applied")).to_have_count(0)
    other.context.close()


def test_a_finding_opens_the_view_that_it_comes_from_and_the_filters_stay(sample_server, page):
    opened(page, f"{sample_server}/findings?sample.dialysis_status=Haemodialysis&window=3+months")
    page.locator(".st-key-_open_lesion_duration-early button").click()
    page.wait_for_url(re.compile(r"/hazard_ratios\?"))
    settled(page)
    expect(page.get_by_text("Early mortality from diagnosis").first).to_be_visible()
    in_the_link(page, "endpoint", "Early mortality")
    in_the_link(page, "sample.dialysis_status", "Haemodialysis")
    in_the_link(page, "window", "3 months")
    page.get_by_role("link", name="Findings", exact=True).click()
    page.wait_for_url(re.compile(r"/findings"))
    settled(page)
    page.locator(".st-key-_open_stage-overall button").click()
    page.wait_for_url(re.compile(r"/survival"))
    settled(page)
    expect(page.get_by_text("Survival by stage")).to_be_visible()
    page.get_by_role("link", name="Findings", exact=True).click()
    page.wait_for_url(re.compile(r"/findings"))
    settled(page)
    page.locator(".st-key-_open_infection-specific button").click()
    page.wait_for_url(re.compile(r"/treatment"))
    settled(page)
    in_the_link(page, "endpoint", "Calciphylaxis-specific mortality")
    in_the_link(page, "exposure.sample", "Infection")


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("path", ["outcomes?endpoint=Resolution+of+lesions&naive=true", "findings"])
def test_the_pages_do_not_scroll_sideways(sample_server, chromium, path, width):
    context = chromium.new_context(viewport={"width": width, "height": 900})
    page = opened(context.new_page(), f"{sample_server}/{path}")
    expect(page.locator("svg.marks").first).to_be_visible()
    wide = page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]'); return main.scrollWidth - main.clientWidth; }"
    )
    assert wide <= 0
    context.close()
