"""A reader's own file in a real browser: for this reader alone, and never another in its place."""

import os
import signal
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, _wait_for, free_port, opened, settled
from tests.browser.own_file import choose_table, open_registry
from tests.core.intake.files import csv_file

pytestmark = pytest.mark.browser
VETERAN = (
    (ROOT / "tests" / "registries" / "veteran.csv")
    .read_bytes()
    .replace(b'"time"', b'"time_days"')
    .replace(b'"status"', b'"died"')
)


def test_a_link_to_an_upload_asks_for_the_file_and_the_same_file_answers_it(sample_server, page, chromium):
    opened(page, f"{sample_server}/data")
    choose_table(page, "veteran.csv", VETERAN)
    open_registry(page, 137)
    link = page.url
    assert "source=Upload" in link
    other = chromium.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    opened(other, link)
    expect(other.get_by_text("This view needs a file that is not here")).to_be_visible()
    assert "51 of 51" not in other.inner_text("body")
    other.get_by_role("link", name="Open the file again on the Data page").click()
    settled(other)
    choose_table(other, "veteran.csv", VETERAN)
    open_registry(other, 137)
    expect(other).to_have_url(link)
    other.context.close()


def test_two_readers_do_not_see_each_other(sample_server, chromium):
    pages = []
    for word in ("Quokka77", "Numbat88"):
        rows = [f"{word}{i},{word}-{'ab'[i % 2]},{10 * i + 5},{i % 2}" for i in range(24)]
        page = chromium.new_context(viewport={"width": 1400, "height": 1000}).new_page()
        received = []
        page.on("websocket", lambda socket, to=received: socket.on("framereceived", lambda data: to.append(data)))
        opened(page, f"{sample_server}/data")
        choose_table(page, f"{word}.csv", csv_file(f"id,{word} group,time_days,died", *rows))
        open_registry(page, 24)
        pages.append((page, word, received))
    for page, _, _ in pages:
        page.get_by_role("link", name="Survival", exact=True).click()
        settled(page)
    for page, word, received in pages:
        other = next(w for _, w, _ in pages if w != word)
        frames = b"".join(frame if isinstance(frame, bytes) else frame.encode() for frame in received)
        assert word.encode() in frames
        assert other.encode() not in frames
        page.context.close()


def test_a_server_that_is_killed_and_comes_back_never_shows_another_cohort(tmp_path, chromium):
    port, log = free_port(), tmp_path / "server.log"

    def start():
        command = [
            sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}",
            "--server.address=127.0.0.1",
        ]  # fmt: skip
        with log.open("ab") as output:
            process = subprocess.Popen(command, cwd=ROOT, env={**os.environ}, stdout=output, stderr=subprocess.STDOUT)
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", process, log)
        return process

    process = start()
    try:
        for click in (("link", "Survival"), ("radio", "Early mortality")):
            page = chromium.new_context(viewport={"width": 1400, "height": 1000}).new_page()
            opened(page, f"http://127.0.0.1:{port}/data")
            choose_table(page, "veteran.csv", VETERAN)
            open_registry(page, 137)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = start()
            # what was drawn stays until somebody touches something
            assert "51 of 51" not in page.inner_text("body")
            expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-connection-state", "CONNECTED")
            page.get_by_role(click[0], name=click[1], exact=True).first.click()
            expect(page.get_by_text("This view needs a file that is not here")).to_be_visible(timeout=60_000)
            assert "51 of 51" not in page.inner_text("body")
            page.context.close()
    finally:
        process.terminate()
        process.wait(timeout=30)
    assert "Traceback" not in log.read_text(errors="replace")
