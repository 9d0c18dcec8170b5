"""A reader's own file in a real browser: from the file to R's numbers, for this reader alone, and never another in its place."""

import os
import signal
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, _wait_for, curve_paths, free_port, opened, settled
from tests.core.intake.files import csv_file
from tests.core.intake.test_equal_to_r import R, chinese_pbc, excel_veteran

pytestmark = pytest.mark.browser
VETERAN = (ROOT / "tests" / "registries" / "veteran.csv").read_bytes().replace(b'"time"', b'"time_days"')


def choose_file(page, name, content):
    page.locator(".st-key-_file_patients input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
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
        except Exception:  # the list closed
            page.keyboard.press("Escape")
    settled(page)


def open_registry(page, patients):
    page.get_by_role("button", name="Open this registry").click()
    expect(page.get_by_test_id("stSidebar").locator("h4").first).to_contain_text(f"{patients} of {patients} patients")
    settled(page)


def medians(page):
    panel = page.get_by_test_id("stTable").filter(has_text="Median follow-up").first
    expect(panel).to_be_visible()
    return [row.locator("td").nth(3).inner_text() for row in panel.locator("tbody tr").all()]


def test_a_workbook_with_titles_reaches_the_medians_of_r(sample_server, page):
    opened(page, f"{sample_server}/data")
    choose_file(page, "veteran.xlsx", excel_veteran())
    answer(page, "Sheet with the patients", "Trial")
    answer(page, "Unit of time", "days")
    open_registry(page, 137)
    page.get_by_role("link", name="Survival", exact=True).click()
    settled(page)
    answer(page, "Group by", "celltype")
    expect(page.get_by_role("heading", name="Survival by celltype")).to_be_visible()
    by_level = dict(zip(R["veteran"]["level"], R["veteran"]["median"], strict=True))
    expected = [f"{by_level[level]:.1f} months" for level in sorted(by_level)]
    assert medians(page) == expected
    assert curve_paths(page, "survival_curve")


def test_chinese_words_in_gb18030_reach_the_medians_of_r(sample_server, page):
    opened(page, f"{sample_server}/data")
    choose_file(page, "登记.csv", chinese_pbc())
    answer(page, "移植", "Something that competes")
    open_registry(page, 418)
    page.get_by_role("link", name="Survival", exact=True).click()
    settled(page)
    expect(page.get_by_role("heading", name="Survival by 分期")).to_be_visible()
    expected = ["not reached" if m == "NA" else f"{m:.1f} months" for m in R["pbc"]["median"]]
    assert medians(page) == expected


def test_a_link_to_an_upload_asks_for_the_file_and_the_same_file_answers_it(sample_server, page, chromium):
    opened(page, f"{sample_server}/data")
    choose_file(page, "veteran.csv", VETERAN)
    open_registry(page, 137)
    link = page.url
    assert "source=Upload" in link
    other = chromium.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    opened(other, link)
    expect(other.get_by_text("This view needs a file that is not here")).to_be_visible()
    assert "51 of 51" not in other.inner_text("body")
    other.get_by_role("link", name="Open the file again on the Data page").click()
    settled(other)
    choose_file(other, "veteran.csv", VETERAN)
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
        choose_file(page, f"{word}.csv", csv_file(f"id,{word} group,time_days,status", *rows))
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
            choose_file(page, "veteran.csv", VETERAN)
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
