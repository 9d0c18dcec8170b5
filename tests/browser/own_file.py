"""What a reader does with a file of their own on the Data page, and what the Survival page then shows."""

import re
from itertools import pairwise

from playwright.sync_api import TimeoutError as NotInTime
from playwright.sync_api import expect

from tests.browser.conftest import at_rest, settled


def choose_file(page, name, content, part="patients"):
    page.locator(f".st-key-_file_{part} input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    expect(page.get_by_role("button", name=f"Remove {name}")).to_be_visible()
    settled(page)


def choose_table(page, name, content):
    """A file that can be read: waits for the last step."""
    choose_file(page, name, content)
    expect(page.get_by_role("heading", name="5. Check and open")).to_be_visible()
    settled(page)


def answer(page, label, words):
    """Chooses in a list; opens it again if the page was drawn anew meanwhile."""
    option = page.get_by_role("option", name=words, exact=True)
    for _ in range(5):
        page.get_by_label(label, exact=True).click()
        try:
            option.click(timeout=4000)
            break
        except NotInTime:  # the list closed
            page.keyboard.press("Escape")
    settled(page)


def open_registry(page, patients):
    page.get_by_role("button", name="Open this registry").click()
    expect(page.get_by_test_id("stSidebar").locator("h4").first).to_contain_text(f"{patients} of {patients} patients")
    settled(page)


def go_to_survival(page, by=None):
    page.get_by_role("link", name="Survival", exact=True).click()
    expect(page.get_by_role("heading", name="How long do they live?")).to_be_visible()
    settled(page)
    if by is not None:
        answer(page, "Group by", by)
        expect(page.get_by_role("heading", name=f"Survival by {by}")).to_be_visible()


def rows_of(page, column):
    """The rows of the first table on the page that has this column, as lists of text."""
    table = page.get_by_test_id("stTable").filter(has=page.get_by_text(column, exact=True)).first
    expect(table).to_be_visible()
    return table.evaluate(
        "t => [...t.querySelectorAll('tbody tr')].map(r => [...r.cells].map(c => c.innerText.trim()))"
    )


_PANEL = ".st-key-survival_curve_panel svg.marks"
_TEXTS = """panel => [...panel.querySelectorAll('text')].map(t => {
    const box = t.getBoundingClientRect();
    return [t.textContent, box.x + box.width / 2, box.y + box.height / 2];
})"""


def drawn_curves(page):
    """level -> [(pixels to the right, survival after the step), ..] of every step down, as the browser draws them."""

    def read():
        return [
            (path.get_attribute("aria-label") or "", path.get_attribute("d"))
            for path in page.locator(f"{_PANEL} g.mark-line path").all()
        ]

    height = page.locator(f"{_PANEL} g.role-frame path.background").first.get_attribute("d")
    height = float(re.search(r"v([\d.]+)", height).group(1))
    points = {}
    for said, path in at_rest(page, read):
        if found := re.search(r"stratum: (.*?);", said):
            pairs = re.findall(r"([\d.]+),([\d.]+)", path)
            points.setdefault(found.group(1), []).extend((float(x), 1 - float(y) / height) for x, y in pairs)
    return {
        level: [after for before, after in pairwise(line) if before[1] - after[1] > 1e-6]
        for level, line in points.items()
    }


def drawn_risk_table(page):
    """The months below the axis, and for each group in order the counts at risk and of events so far."""
    texts = at_rest(page, lambda: page.locator(_PANEL).first.evaluate(_TEXTS))

    def row_at(height):
        """The whole numbers at a height of the figure, from left to right."""
        return [int(t) for _, t in sorted((x, t) for t, x, y in texts if abs(y - height) < 4 and t.isdigit())]

    def counts(label):
        return [row_at(height) for height in sorted(y for text, _, y in texts if text == label)]

    title = next(y for text, _, y in texts if text.startswith("Months from"))
    ticks = max(y for text, _, y in texts if text.isdigit() and y < title)
    return row_at(ticks), counts("At risk"), counts("Events")
