"""Every control of the Survival and Hazard ratios pages changes what it says, is in the link, and survives a page switch."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import at_rest, opened, settled

pytestmark = pytest.mark.browser

# page and query; the setting; a value other than the default
SURVIVAL = "survival?by.sample=Stage"
CASES = [
    (SURVIVAL, "show", "Cumulative incidence"),
    (SURVIVAL, "show", "Cumulative hazard"),
    (SURVIVAL, "interval", "plain"),
    (SURVIVAL, "interval", "log"),
    (SURVIVAL, "level", "99%"),
    (SURVIVAL, "clock", "onset"),
    (SURVIVAL, "risk_table", "At risk only"),
    (SURVIVAL, "landmark", "3"),
    (SURVIVAL, "at", "36"),
    (SURVIVAL, "tau", "12"),
    (SURVIVAL, "test", "Gehan-Breslow test"),
    (f"{SURVIVAL}&test=Fleming-Harrington+test", "rho", "1"),
    (f"{SURVIVAL}&test=Fleming-Harrington+test", "gamma", "0"),
    (SURVIVAL, "within.sample", "Sex"),
    ("survival", "by.sample", "Dialysis status"),
    ("survival?by.sample=Age", "cut.age.sample", "in thirds"),
    ("survival?by.sample=Age&cut.age.sample=at+a+value", "cut_at.age.sample", "60"),
    ("survival?by.sample=This+selection+against+the+rest", "sample.stage", "Later"),
    ("hazard_ratios", "sort", "Smallest p first"),
    ("hazard_ratios", "risk_by", "6"),
    ("hazard_ratios", "part", "Several together"),
    ("hazard_ratios?part=Several+together", "together.sample", "Stage"),
    ("hazard_ratios?part=Several+together&together.sample=Lesion+duration", "together_within.sample", "Sex"),
    ("hazard_ratios?part=Several+together&together.sample=Lesion+duration", "firth", "true"),
    ("hazard_ratios?part=Subgroups", "effect_of.sample", "Age"),
    ("hazard_ratios?part=Shape+of+an+effect", "shape_of.sample", "Age"),
]


def content(page):
    """Words, tables and drawn texts and lines of the page, without its link."""
    main = page.get_by_test_id("stMain")
    drawn = main.locator("svg.marks path").evaluate_all("paths => paths.map(path => path.getAttribute('d')).join()")
    return (
        main.inner_text() + main.locator("svg.marks text").evaluate_all("t => t.map(x => x.textContent).join()") + drawn
    )


def steady(page):
    return at_rest(page, lambda: content(page))


@pytest.fixture(scope="module")
def seen_before():
    """What a page shows before a choice; kept, because many choices start from the same page."""
    return {}


@pytest.mark.parametrize(("start", "name", "value"), CASES, ids=lambda part: str(part)[:40])
def test_a_choice_changes_the_page_and_stays_in_the_link(sample_server, page, seen_before, start, name, value):
    if start not in seen_before:
        seen_before[start] = steady(opened(page, f"{sample_server}/{start}"))
    glue = "&" if "?" in start else "?"
    opened(page, f"{sample_server}/{start}{glue}{name}={value.replace(' ', '+').replace('%', '%25')}")
    assert steady(page) != seen_before[start], f"{name} = {value} changed nothing"
    assert parse_qs(urlsplit(page.url).query)[name] == [value]


def test_the_method_for_ties_changes_the_ratios_where_there_are_ties(pbc_server, page):
    efron = steady(opened(page, f"{pbc_server}/hazard_ratios"))
    breslow = steady(opened(page, f"{pbc_server}/hazard_ratios?ties=breslow"))
    assert breslow != efron


def test_clicking_the_controls_does_what_the_link_says(sample_server, page):
    opened(page, f"{sample_server}/{SURVIVAL}")
    first = steady(page)
    page.get_by_text("plain", exact=True).first.click()
    expect(page).to_have_url(re.compile("interval=plain"))
    plain = steady(page)
    assert plain != first
    page.get_by_text("99%", exact=True).first.click()
    expect(page).to_have_url(re.compile("level=99"))
    assert "99% interval" in steady(page)


EVERY_SURVIVAL_CHOICE = (
    "survival?by.sample=Age&cut.age.sample=at+a+value&cut_at.age.sample=60&show=Cumulative+hazard&interval=plain&level=99%25"
    "&clock=onset&risk_table=At+risk+only&landmark=3&at=6&at=36&tau=12&test=Fleming-Harrington+test&rho=1&gamma=0.5"
    "&within.sample=Sex&sample.stage=Later"
)
EVERY_RATIO_CHOICE = (
    "hazard_ratios?part=Several+together&ties=breslow&together.sample=Stage"
    "&together.sample=Lesion+duration&together_within.sample=Sex&firth=true&effect_of.sample=Age&shape_of.sample=Age"
)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (EVERY_SURVIVAL_CHOICE, "Survival"),
        (EVERY_RATIO_CHOICE, "Hazard ratios"),
        ("hazard_ratios?sort=Smallest+p+first&risk_by=6", "Hazard ratios"),
    ],
    ids=["survival", "several together", "each on its own"],
)
def test_every_choice_comes_back_after_a_visit_elsewhere(sample_server, page, address, name):
    opened(page, f"{sample_server}/{address}")
    before = steady(page)
    asked = parse_qs(urlsplit(f"{sample_server}/{address}").query)
    page.get_by_role("link", name="Cohort", exact=True).click()
    expect(page.get_by_role("heading", name="Who is in this cohort?")).to_be_visible()
    settled(page)
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_test_id("stMain").get_by_role("heading").first).not_to_have_text("Who is in this cohort?")
    assert steady(page) == before
    shown = parse_qs(urlsplit(page.url).query)
    on_screen = {
        key for key in asked if key not in ("effect_of.sample", "shape_of.sample")
    }  # those stand on other tabs
    assert {key: _numbers(shown.get(key)) for key in on_screen} == {key: _numbers(asked[key]) for key in on_screen}


def _numbers(texts):
    """12 and 12.0 are the same choice."""
    return [float(text) if re.fullmatch(r"[\d.]+", text) else text for text in texts or ()]


def test_the_headline_numbers_are_confirmed_on_the_screen(sample_server, page):
    for path in ("", "survival", "hazard_ratios"):
        opened(page, f"{sample_server}/{path}")
        page.get_by_text("Check these numbers with a second engine, lifelines").click()
        expect(
            page.get_by_text(
                re.compile(r"Confirmed by lifelines 0\.30\.3: \d+ numbers, difference below one in a (b|m)illion\.")
            )
        ).to_be_visible()
