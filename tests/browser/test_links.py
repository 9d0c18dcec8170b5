"""Links in a real browser: the same numbers and curves wherever they are opened, and words for whatever is not the same."""

import html
import random
import re
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from core.analysis import Analysis
from core.cohort import Filter
from core.headline import headline, to_text
from core.link import permanent_link, permanent_query
from core.named_views import NamedView, set_link
from core.registry import read_registry
from core.settings import settings_of
from core.view import filter_from_levels, filter_from_range, level_options, make_view
from tests.browser.conftest import curve_paths, opened, running_server, settled

pytestmark = pytest.mark.browser

REGISTRY = read_registry(Path(__file__).parents[2] / "data" / "sample")
PAGES = ("overview", "cohort", "survival", "hazard_ratios", "outcomes", "treatment", "findings")
SLOW = {"runs", "patient", "columns"}  # many runs only cost time; which patient is nobody's business in a random test
N_VIEWS = 30
REPORT = ".st-key-link_report"
# every word of the page in its order, without icons, drawings and the tools above them
WORDS = """main => {
  const copy = main.cloneNode(true);
  const others = '[data-testid=stIconMaterial], [data-testid=stElementToolbar], svg, style, script';
  copy.querySelectorAll(others).forEach(element => element.remove());
  return copy.textContent;
}"""
SAME = "Same numbers as when this link was made"


def random_view(chance):
    page = chance.choice(PAGES)
    filters = []
    for variable in chance.sample(REGISTRY.dictionary.filters, 3):
        if variable.is_categorical:
            options = level_options(REGISTRY, variable)
            condition = filter_from_levels(variable, chance.sample(options, chance.randint(1, len(options))))
        else:
            low, high = REGISTRY.limits(variable)
            digits = variable.decimals
            ends = [
                round(low + share * (high - low), digits)
                for share in (0.3 * chance.random(), 1 - 0.3 * chance.random())
            ]
            condition = filter_from_range(REGISTRY, variable, ends)
        if condition.is_active:
            filters.append(condition)
    order = [v.name for v in REGISTRY.dictionary.filters]
    filters.sort(key=lambda condition: order.index(condition.variable))
    values = {
        s.name: random_value(s, chance)
        for s in settings_of(REGISTRY, page)
        if s.name not in SLOW and chance.random() < 0.5
    }
    return make_view(REGISTRY, page, filters, values)


def random_value(setting, chance):
    if setting.kind == "switch":
        return chance.random() < 0.5
    if setting.kind in ("number", "slider"):
        steps = int((setting.high - setting.low) / setting.step)
        return type(setting.default_of(REGISTRY))(
            round(setting.low + chance.randint(0, min(steps, 24)) * setting.step, 6)
        )
    options = setting.options_of(REGISTRY)
    if setting.kind == "choices":
        chosen = chance.sample(options, min(2, len(options)))
        return tuple(option for option in options if option in chosen)
    return chance.choice(options)


def address(server, view):
    path = "" if view.page == "overview" else view.page
    return permanent_link(Analysis(REGISTRY, view), f"{server}/{path}")


def shown(page):
    """What a page shows once nothing changes any more: every word, every line and text of every chart, the sidebar's counts."""
    expect(page.get_by_text(SAME)).to_be_visible()
    main = page.get_by_test_id("stMain")

    def now():
        return {
            "address": urlsplit(page.url).query,
            "counts": page.get_by_test_id("stSidebar").locator("h4").first.inner_text(),
            "words": main.evaluate(WORDS),
            "lines": main.locator("svg.marks path").evaluate_all("paths => paths.map(path => path.getAttribute('d'))"),
            "texts": main.locator("svg.marks text").evaluate_all("texts => texts.map(text => text.textContent)"),
        }

    seen, calm = now(), 0
    for _ in range(120):
        page.wait_for_timeout(250)
        before, seen = seen, now()
        n_drawn = main.locator("[data-testid=stVegaLiteChart] svg.marks").count()
        drawn = n_drawn == main.get_by_test_id("stVegaLiteChart").count()
        calm = calm + 1 if drawn and seen == before else 0
        if calm == 3:
            return seen
    pytest.fail(f"The page does not come to rest: {page.url}")


def in_two_fresh_browsers(chromium, link):
    """What the same link shows in two browsers that share nothing, opened at the same time."""
    contexts = [chromium.new_context(viewport={"width": 1400, "height": 1000}) for _ in range(2)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.set_default_timeout(60_000)
        page.goto(link, wait_until="commit")
    for page in pages:
        settled(page)
        expect(page.locator(REPORT)).to_have_count(0)
    seen = [shown(page) for page in pages]
    for context in contexts:
        context.close()
    return seen


def test_random_views_show_the_same_numbers_and_lines_in_every_fresh_browser_on_a_fresh_server(chromium, tmp_path):
    chance = random.Random(20_240_607)
    views = [random_view(chance) for _ in range(N_VIEWS)]
    with running_server(tmp_path / "first.log") as server:
        for view in views:
            link = address(server, view)
            assert len(link) < 2000
            first, again = in_two_fresh_browsers(chromium, link)
            differs = [what for what in first if first[what] != again[what]]
            assert not differs, f"{differs} differ: {link}"
            assert first["words"]
            n, events = (number.value for number in headline(Analysis(REGISTRY, view))[:2])
            assert first["counts"].startswith(f"{n:.0f} of {len(REGISTRY)} patients, {events:.0f} "), link


@pytest.mark.parametrize("page_name", ["", "survival", "outcomes", "treatment"])
def test_the_dialog_writes_the_link_that_the_view_has(sample_server, page, page_name):
    opened(page, f"{sample_server}/{page_name}?sample.stage=Later")
    page.get_by_role("button", name="Share", exact=True).click()
    link = page.get_by_role("dialog").get_by_test_id("stCode").inner_text().strip()
    view = make_view(REGISTRY, page_name or "overview", (Filter("stage", ("Later",)),), {})
    assert parse_qs(urlsplit(link).query, keep_blank_values=True) == permanent_query(Analysis(REGISTRY, view))
    page.get_by_role("dialog").get_by_text("Carry the headline numbers").click()
    expect(page.get_by_role("dialog").get_by_test_id("stCode")).not_to_contain_text("numbers=")


def broken(link):
    """The same link as it may arrive: cut off, changed, of another registry, of another time."""
    query = parse_qs(urlsplit(link).query, keep_blank_values=True)
    head = link.split("?")[0]

    def changed(**parts):
        return f"{head}?{urlencode(query | parts, doseq=True)}"

    yield "cut in the middle", link[: len(link) // 2], "cut off or changed"
    yield "cut at the end", link[:-5], "cut off or changed"
    yield "cut inside a character", link[: link.index("%2C") + 2], "cut off or changed"
    yield "changed choice", changed(landmark=["6"]), "cut off or changed"
    yield "changed number", changed(numbers=["n~99"]), "headline numbers differ"
    yield "other data", changed(data=["0" * 12]), "made with other data"
    yield "other release", changed(release=["0.1"]), "made with release 0.1"
    yield "unknown level", changed(**{"sample.stage": ["IV", "Later"]}), "no patient has this level"
    yield "no range", changed(**{"sample.age": ["old", "young"]}), "a range needs two numbers"
    yield "markup", changed(interval=["<img src=x onerror=alert(1)>"]), "not one of the choices"
    yield "another registry", f"{head}?data=123456789abc&by.pbc=Treatment&pbc.stage=3", "no such choice here"
    yield "rubbish", f"{head}?data=%00%FF&numbers=~~~&check=&landmark=-1e999", "other data"


def test_whatever_became_of_a_link_is_said_in_words(sample_server, chromium):
    view = make_view(REGISTRY, "survival", (Filter("stage", ("Later",)),), {"landmark": 3})
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    for what, link, said in broken(address(sample_server, view)):
        page = opened(context.new_page(), link)
        expect(page.get_by_role("heading", name="How long do they live?")).to_be_visible()
        expect(page.locator(REPORT), what).to_contain_text(said)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        page.close()
    context.close()


def test_a_link_whose_page_was_mistyped_says_so(sample_server, page):
    view = make_view(REGISTRY, "survival", (Filter("stage", ("Later",)),), {"landmark": 3})
    opened(page, address(sample_server, view).replace("/survival?", "/survvial?"))
    expect(page.get_by_role("heading", name="At a glance")).to_be_visible()
    expect(page.get_by_test_id("stSidebar").locator("h4").first).to_contain_text("23 of 51 patients")
    expect(page.locator(REPORT)).to_contain_text("made on another page (survival)")


def test_the_address_bar_stays_free_of_what_a_link_says_of_itself(sample_server, page):
    view = make_view(REGISTRY, "survival", (Filter("stage", ("Later",)),), {"landmark": 3})
    opened(page, address(sample_server, view))
    expect(page.get_by_text(SAME)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/survival\?(?!.*(data|numbers|check|release)=).*landmark=3"))
    page.get_by_role("button", name="Reset all").click()
    expect(page.get_by_text(SAME)).to_have_count(0)
    expect(page.locator(REPORT)).to_have_count(0)
    page.reload()
    settled(page)
    expect(page.locator(REPORT)).to_have_count(0)


def test_a_kept_view_is_compared_and_opened_again(sample_server, page):
    opened(page, f"{sample_server}/survival?sample.stage=Later&landmark=3&by.sample=Sex")
    before = curve_paths(page, "survival_curve")
    page.get_by_role("button", name="Share", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Later, from month 3")
    dialog.get_by_role("button", name="Keep this view").click()
    expect(dialog).to_have_count(0)
    settled(page)
    page.get_by_role("button", name="Reset all").click()
    expect(page.get_by_test_id("stSidebar").locator("h4").first).to_contain_text("51 of 51 patients")
    settled(page)
    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.get_by_role("heading", name="What changes between two views?")).to_be_visible()
    settled(page)
    assert len(curve_paths(page, "compare_curve")) >= 2
    expect(page.locator(".st-key-compare_overlap_panel")).to_contain_text("23 patients are in both views")
    page.get_by_role("button", name="Open the view").click()
    expect(page.get_by_role("heading", name="How long do they live?")).to_be_visible()
    expect(page.get_by_test_id("stSidebar").locator("h4").first).to_contain_text("23 of 51 patients")
    expect(page.get_by_text("Landmark at 3 months").first).to_be_visible()
    settled(page)
    page.wait_for_function(
        "old => [...document.querySelectorAll('.st-key-survival_curve_panel svg.marks g.mark-line path')]"
        ".map(path => path.getAttribute('d')).join() === old",
        arg=",".join(before),
    )


def test_a_set_of_views_opens_from_its_link_and_from_its_file(sample_server, chromium, tmp_path):
    views = [
        NamedView("Later", make_view(REGISTRY, "survival", (Filter("stage", ("Later",)),), {})),
        NamedView("From 60", make_view(REGISTRY, "overview", (Filter("age", low=60),), {})),
    ]
    context = chromium.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    page = opened(context.new_page(), set_link(REGISTRY, f"{sample_server}/compare", views))
    expect(page.get_by_text("2 loaded views show the same numbers")).to_be_visible()
    drawn = curve_paths(page, "compare_curve")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download these views").click()
    file = tmp_path / "views.json"
    download.value.save_as(file)
    other = opened(context.new_page(), f"{sample_server}/compare")
    other.locator("input[type=file]").set_input_files(file)
    expect(other.get_by_text("2 loaded views show the same numbers")).to_be_visible()
    settled(other)
    assert curve_paths(other, "compare_curve") == drawn
    other.get_by_role("button", name="Share", exact=True).click()
    link = other.get_by_role("dialog").get_by_test_id("stCode").inner_text().strip()
    assert link == set_link(REGISTRY, f"{sample_server}/compare", views)
    context.close()


def test_the_numbers_in_a_link_are_those_of_the_view():
    analysis = Analysis(REGISTRY, make_view(REGISTRY, "overview", (), {}))
    assert permanent_query(analysis)["numbers"] == [to_text(headline(analysis))]


def test_the_report_covers_the_kept_views_and_says_how_far_it_is(sample_server, page):
    views = [
        NamedView("Later", make_view(REGISTRY, "survival", (Filter("stage", ("Later",)),), {})),
        NamedView("From 60", make_view(REGISTRY, "overview", (Filter("age", low=60),), {})),
    ]
    opened(page, set_link(REGISTRY, f"{sample_server}/compare", views))
    expect(page.get_by_text("2 loaded views show the same numbers")).to_be_visible()
    page.get_by_role("link", name="Survival", exact=True).click()
    expect(page.get_by_role("heading", name="How long do they live?")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Report", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Web page", exact=True).click()
    expect(dialog.get_by_text("Also the 2 views that you kept")).to_be_visible()
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog.get_by_role("progressbar").or_(dialog.get_by_text("Done"))).to_be_visible()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Save").click()
    made = Path(download.value.path()).read_text(encoding="utf-8")
    assert re.findall("<h2>(Kept view: .*?)</h2>", made) == ["Kept view: Later", "Kept view: From 60"]
    links = [html.unescape(link) for link in re.findall('href="([^"]*)"', made)]
    assert [urlsplit(link).path for link in links] == ["/survival", "/survival", "/"]
    opened(page, links[2])
    expect(page.get_by_text(SAME)).to_be_visible()
    expect(page.get_by_test_id("stSidebar").locator("h4").first).to_contain_text("17 of 51 patients")
