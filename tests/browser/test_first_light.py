"""The main job in a real browser: filter, see everything change together, share the link."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import curve_paths, opened, settled

pytestmark = pytest.mark.browser


def metrics(page):
    """{label: value} of the numbers at the top of the Overview."""
    labels = page.get_by_test_id("stMetricLabel").all_text_contents()
    values = page.get_by_test_id("stMetricValue").all_text_contents()
    return dict(zip([label.strip() for label in labels], [value.strip() for value in values], strict=True))


def chart_texts(page, key):
    """Every text drawn inside a chart."""
    svg = page.locator(f".st-key-{key}_panel svg.marks").first
    expect(svg).to_be_visible()
    return svg.locator("text").all_text_contents()


def seen(page):
    """What a reader of the Overview sees: counts, curves, numbers under them, hazard ratios."""
    return {
        "metrics": metrics(page),
        "sidebar": page.get_by_test_id("stSidebar").locator("h4").first.inner_text(),
        "curve": curve_paths(page, "overview_curve"),
        "at risk": chart_texts(page, "overview_curve"),
        "ratios": chart_texts(page, "overview_forest"),
    }


def choose_later_stage(page):
    page.get_by_test_id("stSidebar").get_by_role("button", name="Later", exact=True).click()
    expect(page.get_by_test_id("stSidebar").locator("h4").first).to_contain_text("23 of 51 patients")
    settled(page)


def test_a_filter_changes_curve_table_ratios_and_counts_together_and_the_link_reopens_them(
    sample_server, fresh_server, page, chromium
):
    opened(page, f"{sample_server}/?by.sample=Sex")
    expect(page.locator(".st-key-overview_forest_panel svg.marks").first).to_be_visible()
    before = seen(page)
    choose_later_stage(page)
    page.wait_for_function(
        "old => [...document.querySelectorAll('.st-key-overview_curve_panel svg.marks g.mark-line path')]"
        ".map(path => path.getAttribute('d')).join() !== old",
        arg=",".join(before["curve"]),
    )
    page.wait_for_function(
        "old => document.querySelector('.st-key-overview_forest_panel svg.marks').textContent !== old",
        arg="".join(before["ratios"]),
    )
    after = seen(page)
    for what in before:
        assert after[what] != before[what], f"{what} did not follow the filter"
    query = parse_qs(urlsplit(page.url).query)
    assert query == {"sample.stage": ["Later"], "by.sample": ["Sex"]}

    other = chromium.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    opened(other, page.url.replace(sample_server, fresh_server))
    expect(other.locator(".st-key-overview_forest_panel svg.marks").first).to_be_visible()
    assert seen(other) == after
    other.context.close()


def test_a_deep_link_to_a_page_on_a_fresh_server_opens_that_page_with_its_filters(fresh_server, page):
    opened(page, f"{fresh_server}/survival?sample.stage=Later&sample.age=40&sample.age=60&interval=plain&by.sample=Sex")
    expect(page.get_by_role("heading", name="How long do they live?")).to_be_visible()
    expect(page.get_by_test_id("stSidebar").get_by_text("Filters")).to_be_visible()
    expect(page.get_by_test_id("stSidebar").locator("h4").first).to_contain_text("of 51 patients")
    assert parse_qs(urlsplit(page.url).query)["interval"] == ["plain"]
    first = curve_paths(page, "survival_curve")
    page.reload()
    settled(page)
    assert curve_paths(page, "survival_curve") == first


def test_the_first_click_on_a_fresh_server_is_not_lost(fresh_server, page):
    opened(page, fresh_server)
    choose_later_stage(page)
    expect(page).to_have_url(re.compile(r"/\?sample\.stage=Later$"))


def test_the_menu_keeps_filters_and_link(sample_server, page):
    opened(page, f"{sample_server}/?sample.stage=Later")
    for name in ("Survival", "Hazard ratios", "Cohort", "Overview"):
        page.get_by_role("link", name=name, exact=True).click()
        settled(page)
        expect(page.get_by_test_id("stSidebar").locator("h4").first).to_contain_text("23 of 51 patients")
        expect(page).to_have_url(re.compile(r"sample\.stage=Later"))


def test_reset_brings_everybody_back_and_cleans_the_link(sample_server, page):
    opened(page, f"{sample_server}/?sample.stage=Later&sample.sts_courses=2&sample.sts_courses=6")
    page.get_by_role("button", name="Reset all").click()
    expect(page.get_by_test_id("stSidebar").locator("h4").first).to_contain_text("51 of 51 patients")
    expect(page).to_have_url(f"{sample_server}/")


def test_the_permanent_link_carries_every_choice_and_reopens_the_view(sample_server, page, chromium):
    opened(page, f"{sample_server}/survival?sample.stage=Later&landmark=1")
    before = curve_paths(page, "survival_curve")
    page.get_by_role("button", name="Share").click()
    link = page.get_by_role("dialog").get_by_test_id("stCode").inner_text().strip()
    query = parse_qs(urlsplit(link).query)
    assert query["interval"] == ["log-log"]
    assert query["landmark"] == ["1"]
    assert re.fullmatch(r"[0-9a-f]{12}", query["data"][0])
    assert len(link) < 2000
    other = chromium.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    opened(other, link)
    assert curve_paths(other, "survival_curve") == before
    expect(other.get_by_text("Not everything in the link could be applied")).to_have_count(0)
    other.context.close()


def test_what_a_link_cannot_bring_is_named(sample_server, page):
    opened(page, f"{sample_server}/survival?sample.stage=IV&interval=wide&data=000000000000")
    report = page.get_by_text("Not everything in the link could be applied")
    expect(report).to_be_visible()
    expect(page.get_by_text("made with other data")).to_be_visible()
    expect(page.get_by_text("no patient has this level")).to_be_visible()
    expect(page.get_by_text("not one of the choices")).to_be_visible()
    page.get_by_role("button", name="Understood").click()
    expect(report).to_have_count(0)


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("path", ["", "cohort", "survival", "hazard_ratios", "methods"])
def test_no_page_scrolls_sideways(sample_server, chromium, path, width):
    context = chromium.new_context(viewport={"width": width, "height": 900})
    page = opened(context.new_page(), f"{sample_server}/{path}")
    expect(page.get_by_role("heading").first).to_be_visible()
    wide = page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]'); return main.scrollWidth - main.clientWidth; }"
    )
    assert wide <= 0
    context.close()


def test_on_a_phone_the_forest_plot_is_a_table(sample_server, chromium):
    context = chromium.new_context(viewport={"width": 400, "height": 900})
    page = opened(context.new_page(), sample_server)
    texts = chart_texts(page, "overview_forest")
    assert any("(0." in text for text in texts), "the ratios stay as text"
    assert not any("log scale" in text for text in texts if text) or page.locator(
        ".st-key-overview_forest_panel svg.marks text", has_text="log scale"
    ).first.evaluate("text => getComputedStyle(text).opacity === '0' || text.getAttribute('opacity') === '0'")
    context.close()


def test_nothing_is_asked_of_another_host(sample_server, page):
    foreign = []
    page.on("request", lambda request: foreign.append(request.url) if sample_server not in request.url else None)
    opened(page, sample_server)
    expect(page.locator(".st-key-overview_curve_panel svg.marks").first).to_be_visible()
    assert [url for url in foreign if not url.startswith(("data:", "blob:"))] == []
