"""A real server and a real browser.

The browser is the system's Chromium, or the one that Playwright installed. Without any the browser tests are skipped with
the reason; where CI is set that is a failure.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Error, expect, sync_playwright

ROOT = Path(__file__).parents[2]
PATIENCE = 30_000  # milliseconds; a busy machine paints the first page slowly
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        try:
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        except Error:
            message = "No Chromium found: install Debian's package chromium, or run 'playwright install chromium'."
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)
        yield browser
        browser.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_server(log: Path, folder: Path | None = None):
    """The dashboard on a free port; yields its address. Ends with a check that nothing went wrong on the server."""
    port = free_port()
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environment.pop("CALCISCOPE_REGISTRY", None)
    if folder is not None:
        environment["CALCISCOPE_REGISTRY"] = str(folder)
    command = [
        sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}",
        "--server.address=127.0.0.1",
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
    said = log.read_text(errors="replace")
    assert "Traceback" not in said, said[-3000:]


def _wait_for(address, process, log):
    for _ in range(300):
        if process.poll() is not None:
            pytest.fail(f"The server ended at once:\n{log.read_text(errors='replace')[-3000:]}")
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail("The server did not answer within a minute.")


@pytest.fixture(scope="session")
def sample_server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("logs") / "sample.log") as address:
        yield address


@pytest.fixture(scope="session")
def pbc_server(tmp_path_factory, pbc_folder):
    with running_server(tmp_path_factory.mktemp("logs") / "pbc.log", pbc_folder) as address:
        yield address


@pytest.fixture
def fresh_server(tmp_path):
    """A server that nobody has visited, for deep links."""
    with running_server(tmp_path / "fresh.log") as address:
        yield address


@pytest.fixture
def page(chromium):
    """A page in a browser of its own; a script error on it fails the test."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, errors


def settled(page):
    """Waits until the dashboard has drawn what was asked."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED")
    expect(app).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def opened(page, address):
    page.goto(address)
    settled(page)
    return page


def curve_paths(page, key="overview_curve"):
    """The drawn lines of a survival chart, as the browser has them."""
    marks = page.locator(f".st-key-{key}_panel svg.marks g.mark-line path")
    expect(marks.first).to_be_attached()
    return [path.get_attribute("d") for path in marks.all()]


def at_rest(page, read):
    """What ``read()`` gives once the page is whole and the same three times in a row: charts are drawn after the script."""
    settled(page)
    expect(page.get_by_role("button", name="Share").first).to_be_visible()
    seen = [read()]
    for _ in range(60):
        page.wait_for_timeout(300)
        seen.append(read())
        if len(seen) > 3 and seen[-1] == seen[-2] == seen[-3]:
            break
    return seen[-1]
