"""From a click to the new figure, in a real browser, page by page, beside a page with one empty chart.

    python benchmarks/redraw.py [--clicks 30] [--csv benchmarks/results/redraw.csv]

Starts the dashboard on the sample and the page of benchmarks/one_chart.py, and in Chromium clicks the levels of a filter, each
time after the page has come to rest. A script in the page notes when the click reached it and when the drawing of each
figure last changed; what is added afterwards, after half a second of rest, does not count. "Figure" is the first figure of the
page, "last" the last figure of the page, below the edge of the window too. Pages are visited in turn, the empty chart
before and after them. A page without a figure is timed to its first change of text.
"""

import argparse
import csv
import os
import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.rerun import places  # noqa: E402
from benchmarks.served import Server  # noqa: E402

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
WITHOUT_ANSWER = ("Compare", "Data", "Methods")  # nothing there follows a filter
CHARTS = "[data-testid=stMain] [data-testid=stVegaLiteChart]"
FLOOR = "one empty chart"
COLUMNS = ("page", "clicks", "figure_p50_ms", "figure_p95_ms", "last_p50_ms", "times_the_empty_chart")
# when each chart, found by its place on the page, last changed since the click
WATCH = """
() => {
  window.seen = {click: 0, changed: new Map(), text: 0, any: 0};
  document.addEventListener('click', () => {
    window.seen = {click: performance.now(), changed: new Map(), text: 0, any: performance.now()};
  }, true);
  new MutationObserver(records => {
    const now = performance.now();
    for (const record of records) {
      const node = record.target.nodeType === 1 ? record.target : record.target.parentElement;
      const chart = node && node.closest('[data-testid=stVegaLiteChart]');
      window.seen.any = now;
      if (chart) window.seen.changed.set(chart, now);
      else if (node && node.closest('[data-testid=stMain]') && record.type !== 'attributes' && !window.seen.text)
        window.seen.text = now;
    }
  }).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
}
"""
READ = """
() => {
  const charts = [...document.querySelectorAll('[data-testid=stMain] [data-testid=stVegaLiteChart]')];
  const times = charts.map(chart => window.seen.changed.get(chart)).filter(time => time);
  const since = time => time ? time - window.seen.click : null;
  return {figure: since(times[0]), last: times.length ? since(Math.max(...times)) : null, text: since(window.seen.text)};
}
"""
RESTED = """
() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
  && performance.now() - window.seen.any > 500
"""


def clicks(page, address, n):
    """Milliseconds from the click to the first figure and to the last one, for ``n`` clicks after two that do not count."""
    page.goto(address)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.evaluate(WATCH)
    page.wait_for_timeout(1500)
    side = page.get_by_test_id("stSidebar")
    found = []
    for i in range(n + 2):
        # Earlier, both, Later, nobody chosen: four cohorts in turn
        side.get_by_role("button", name=("Earlier", "Later")[i % 2], exact=True).click()
        page.wait_for_function(RESTED)
        found.append(page.evaluate(READ))
    first = [seen["figure"] or seen["text"] for seen in found[2:]]
    last = [seen["last"] or seen["text"] for seen in found[2:]]
    if None in first:
        raise SystemExit(f"{address}: a click changed nothing.")
    return first, last


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clicks", type=int, default=30)
    parser.add_argument("--csv", type=Path, default=ROOT / "benchmarks" / "results" / "redraw.csv")
    given = parser.parse_args()
    found = []
    with Server() as dashboard, Server(script="benchmarks/one_chart.py") as empty, sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        print(f"Python {platform.python_version()}, streamlit {version('streamlit')}, Chromium {browser.version}, "
              f"{os.cpu_count()} cores for server and browser; {given.clicks} clicks a page")  # fmt: skip
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        before, _ = clicks(page, empty.address, given.clicks)
        for name, url, query in places(()):
            if name not in WITHOUT_ANSWER:
                url = "" if url == "overview" else url
                found.append((name, *clicks(page, f"{dashboard.address}/{url}?{query}", given.clicks)))
        after, _ = clicks(page, empty.address, given.clicks)
        browser.close()
    floor = before + after
    rows = []
    print(f"{'':<38}{'figure: p50':>12}{'p95':>8}{'last: p50':>11}   ms{'x the empty chart':>20}")
    for name, first, last in [(FLOOR, floor, floor), *found]:
        p95 = quantiles(first, n=20, method="inclusive")[-1]
        times = median(first) / median(floor)
        print(f"{name:<38}{median(first):>12.0f}{p95:>8.0f}{median(last):>11.0f}{times:>20.2f}")
        rows.append([name, len(first), *(round(x, 1) for x in (median(first), p95, median(last))), round(times, 3)])
    given.csv.parent.mkdir(parents=True, exist_ok=True)
    with given.csv.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
