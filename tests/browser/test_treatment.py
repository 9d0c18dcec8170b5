"""STS courses in a real browser: the notice travels with the figure, and the Treatment page is in its link."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import at_rest, opened, settled
from tests.browser.test_first_light import chart_texts

pytestmark = pytest.mark.browser
NOTICE = "known only after diagnosis"


def choose_option(page, label, option):
    """Picks an option of a select box, as a reader does."""
    box = page.get_by_role("combobox", name=label).first
    box.click()
    box.fill(option)  # a long list shows only a part of itself
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def test_grouping_by_courses_on_the_survival_page_shows_the_notice_on_the_figure(sample_server, page):
    opened(page, f"{sample_server}/survival")
    assert not any(NOTICE in text for text in chart_texts(page, "survival_curve"))
    choose_option(page, "Group by", "STS courses")
    panel = page.locator(".st-key-survival_curve_panel")
    expect(panel.locator("svg.marks text", has_text=NOTICE)).to_be_visible()
    assert not any("Log-rank" in text for text in chart_texts(page, "survival_curve"))
    panel.get_by_role("link", name=re.compile("without immortal time")).click()
    expect(page.get_by_role("heading", name=re.compile("Do the treated do better"))).to_be_visible()
    settled(page)
    assert parse_qs(urlsplit(page.url).query)["by.sample"] == ["STS courses"], "the view goes along"


def test_a_saved_figure_and_its_words_keep_the_notice(sample_server, page):
    opened(page, f"{sample_server}/survival?by.sample=STS+courses")
    panel = page.locator(".st-key-survival_curve_panel")
    svg = panel.locator("svg.marks").first
    expect(svg).to_be_visible()
    assert NOTICE in svg.evaluate("svg => new XMLSerializer().serializeToString(svg)")
    expect(panel.locator(f"[aria-label*='{NOTICE}']").first).to_be_attached()


def test_the_choices_of_the_treatment_page_are_in_the_link_and_survive_a_reload(sample_server, page):
    opened(page, f"{sample_server}/treatment")
    choose_option(page, "Exposure", "At least 5 STS courses")
    page.get_by_role("radio", name="From the landmark", exact=True).click()
    settled(page)
    choose_option(page, "Sort by", "Stage")
    page.get_by_role("spinbutton", name="Seed").fill("7")
    page.get_by_role("spinbutton", name="Seed").press("Enter")
    settled(page)
    expect(page).to_have_url(re.compile("seed=7"))
    query = parse_qs(urlsplit(page.url).query)
    assert query["exposure.sample"] == ["At least 5 STS courses"]
    assert query["curves"] == ["From the landmark"]
    assert query["timeline_sort.sample"] == ["Stage"]

    def seen():
        keys = ("estimates", "no_effect", "exposure_curves", "timelines")
        return {key: chart_texts(page, key) for key in keys}

    before = at_rest(page, seen)
    assert any("At least 5 STS courses" in text for text in before["exposure_curves"])
    page.reload()
    assert at_rest(page, seen) == before
    page.get_by_role("button", name="Share").click()
    link = page.get_by_role("dialog").locator("code").inner_text()
    shared = parse_qs(urlsplit(link).query)
    assert shared["seed"] == ["7"]
    assert shared["landmark_at"] == ["3"], "defaults too"


def test_the_difference_is_seen_within_one_screen(sample_server, page):
    opened(page, f"{sample_server}/treatment")
    svg = page.locator(".st-key-estimates_panel svg.marks").first
    expect(svg).to_be_visible()
    box = svg.bounding_box()
    assert box["y"] + box["height"] < 1000
    texts = chart_texts(page, "estimates")
    for words in ("0.74 (0.24 to 2.31)", "0.29 (0.11 to 0.73)", "Naive: ever exposed, as a fixed label"):
        assert words in texts
    naive = svg.locator("text", has_text="Naive").first.evaluate("text => text.getAttribute('opacity')")
    assert float(naive) < 0.7


@pytest.mark.parametrize("width", [400, 1400])
def test_the_treatment_page_does_not_scroll_sideways_and_draws_every_figure(sample_server, chromium, width):
    context = chromium.new_context(viewport={"width": width, "height": 900})
    page = opened(context.new_page(), f"{sample_server}/treatment")
    for key in ("estimates", "no_effect", "timelines", "exposure_curves", "thresholds", "model"):
        expect(page.locator(f".st-key-{key}_panel svg.marks").first).to_be_visible()
    wide = page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]'); return main.scrollWidth - main.clientWidth; }"
    )
    assert wide <= 0
    context.close()


def test_the_pointer_reads_a_patient_off_the_timelines(sample_server, page):
    opened(page, f"{sample_server}/treatment")
    name = page.locator(".st-key-timelines_panel svg.marks text").get_by_text("S30", exact=True)
    name.evaluate("text => text.scrollIntoView({block: 'center'})")
    box = name.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"])
    page.mouse.move(box["x"] + 210, box["y"] + box["height"] / 2)
    tooltip = page.locator("#vg-tooltip-element")
    expect(tooltip).to_contain_text("S30")
    expect(tooltip).to_contain_text("Followed")
