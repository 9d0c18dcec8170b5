"""Labels of any kind reach the screen as they are: Chinese, long, with marks that a chart or Markdown would act on."""

import shutil

import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, opened, running_server, settled

pytestmark = pytest.mark.browser

LEVELS = {
    "livedo": "Livedo <b>racemosa</b> ≤ 2 cm",
    "purpura": "紫癜（出血性皮损）",
    "plaque": '"Plaque" [hard] $x$ & `code`',
    "nodule": "A level so long that no legend was ever made for it, with a comma",
    "ulcer": "a.b['x']",
    "necrosis": "constructor",
    "eschar": "**bold** ![image](http://x.y/z.png)",
}


@pytest.fixture(scope="module")
def awkward_server(tmp_path_factory):
    """The sample with awkward labels."""
    folder = tmp_path_factory.mktemp("awkward") / "labels"
    shutil.copytree(ROOT / "data" / "sample", folder)
    dictionary = pd.read_csv(folder / "dictionary.csv", dtype=str, keep_default_na=False)
    lesion = dictionary["name"] == "lesion_type"
    dictionary.loc[lesion, "levels"] = "|".join(f"{code}={label}" for code, label in LEVELS.items())
    dictionary.loc[lesion, ["label", "levels_zh"]] = ['皮损 <i>type</i> [x] "≥1"', ""]
    dictionary.to_csv(folder / "dictionary.csv", index=False)
    with running_server(tmp_path_factory.mktemp("logs") / "labels.log", folder) as address:
        yield address


@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize("path", ["survival", "hazard_ratios", "cohort", ""])
def test_awkward_labels_are_shown_as_they_are(awkward_server, chromium, path, width):
    context = chromium.new_context(viewport={"width": width, "height": 1000})
    page = context.new_page()
    foreign = []
    page.on("request", lambda request: foreign.append(request.url) if "x.y" in request.url else None)
    label = '皮损 <i>type</i> [x] "≥1"'
    opened(
        page, f"{awkward_server}/{path}?by.labels={label.replace(' ', '%20').replace('[', '%5B').replace(']', '%5D')}"
    )
    settled(page)
    drawn = page.locator("svg.marks text")
    if path in ("survival", ""):
        for level in LEVELS.values():  # a name too long for a phone may end in an ellipsis
            expect(drawn.filter(has_text=level[:16]).first).to_be_attached()
        expect(page.get_by_role("heading").filter(has_text="<i>type</i> [x]")).to_be_visible()
    assert page.locator("i").filter(has_text="type").count() == 0
    assert page.locator("b", has_text="racemosa").count() == 0
    assert foreign == []
    assert (
        page.evaluate(
            "() => { const main = document.querySelector('[data-testid=stMain]'); return main.scrollWidth - main.clientWidth; }"
        )
        <= 0
    )
    context.close()
