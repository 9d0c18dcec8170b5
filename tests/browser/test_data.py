"""A reader's own file in a real browser: for this reader alone, and never another in its place."""

import io
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, _wait_for, free_port, opened, running_server, settled
from tests.browser.own_file import choose_table, go_to_survival, open_registry
from tests.core.intake.files import csv_file

pytestmark = pytest.mark.browser
VETERAN = (
    (ROOT / "tests" / "registries" / "veteran.csv")
    .read_bytes()
    .replace(b'"time"', b'"time_days"')
    .replace(b'"status"', b'"died"')
)


def test_a_link_to_an_upload_asks_for_the_file_and_the_same_file_opens_its_page(sample_server, page, chromium):
    opened(page, f"{sample_server}/data")
    choose_table(page, "veteran.csv", VETERAN)
    open_registry(page, 137)
    go_to_survival(page, "celltype")
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
    expect(other.get_by_role("heading", name="Survival by celltype")).to_be_visible()
    expect(other).to_have_url(link)
    other.context.close()


class Reader:
    """A reader with a file full of words of their own, and everything that their browser receives."""

    def __init__(self, chromium, address, word):
        self.word, self.received = word, []
        context = chromium.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
        self.page = context.new_page()
        self.page.on("websocket", lambda socket: socket.on("framereceived", self.keep))
        self.page.on("response", lambda answer: self.keep(answer.body()) if "/media/" in answer.url else None)
        opened(self.page, f"{address}/data")

    def keep(self, data):
        self.received.append(data if isinstance(data, bytes) else data.encode())

    def download(self, name):
        with self.page.expect_download() as started:
            self.page.get_by_role("button", name=name, exact=True).first.click()
        content = Path(started.value.path()).read_bytes()
        self.keep(started.value.suggested_filename.encode())
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content += b"".join(map(archive.read, archive.namelist()))
        self.keep(content)
        assert len(content) > 100

    @property
    def everything(self):
        return b"".join(self.received)


def test_two_readers_do_not_see_each_other_and_the_server_notes_nothing(tmp_path, chromium):
    """Both work at the same time; words of their files stand in names, levels, identifiers, dictionaries and file names."""
    log = tmp_path / "server.log"
    with running_server(log) as address:
        readers = [Reader(chromium, address, word) for word in ("Quokka", "Numbat")]
        for reader in readers:
            word = reader.word
            rows = [
                f"{word}Id{i},{word}Person,{word}-{'ab'[i % 2]},{10 * i + 5},{i % 2},{i or 'NA'}" for i in range(24)
            ]
            content = csv_file(f"id,surname,{word} group,time_days,died,{word} score", *rows)
            choose_table(reader.page, f"{word}.csv", content)
        for reader in readers:
            for name in ("Report of the checks", "Dictionary"):
                reader.download(name)
        for reader in readers:
            open_registry(reader.page, 24)
        for link in ("Survival", "Hazard ratios", "Methods"):
            for reader in readers:
                reader.page.get_by_role("link", name=link, exact=True).click()
                settled(reader.page)
        for reader in readers:
            reader.page.get_by_role("link", name="Cohort", exact=True).click()
            expect(reader.page.get_by_role("button", name="CSV", exact=True).first).to_be_visible()
            settled(reader.page)
            for name in ("CSV", "Excel"):
                reader.download(name)
        for reader in readers:
            reader.page.context.close()
    for reader, other in (readers, reversed(readers)):
        assert reader.word.encode() in reader.everything  # what is searched can be read
        assert other.word.encode() not in reader.everything
        # who the patients are does not even reach the browser of their own reader
        assert f"{reader.word}Id".encode() not in reader.everything
        assert f"{reader.word}Person".encode() not in reader.everything
    noted = log.read_bytes()
    assert not [reader.word for reader in readers if reader.word.encode() in noted]


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
