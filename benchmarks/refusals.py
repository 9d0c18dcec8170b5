"""What a bad file costs the others: one reader uploads files made to break the server, another clicks all the while.

    python benchmarks/refusals.py [--rounds 1]

Starts the dashboard on a free port and drives two browsers (Chromium) against it. Prints for every file how long it took from
choosing it to the refusal on the screen, how far the memory of the server rose meanwhile, and the slowest answer that the
other reader got; and for comparison the other reader's answers while nothing is uploaded. A file above the upload limit is
also sent past the browser, straight to the server. Promised: refused in under 2 s and 100 MB, the other reader unharmed.
"""

import argparse
import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median

from playwright.async_api import async_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.core.intake.files import (  # noqa: E402
    SHEET,
    bomb,
    csv_file,
    good_rows,
    replaced_part,
    sheet_xml,
    with_noise,
    workbook,
)

MEGABYTE = 1_000_000


def bad_files():
    """what -> (name, content)"""
    book = workbook(good_rows())
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    header = ",".join(f"column {i}" for i in range(4000))
    return {
        "zip bomb, 2 GB of spaces": ("a.xlsx", bomb(200)),
        "cell at XFD1048576": ("a.xlsx", replaced_part(book, SHEET, sheet_xml(far))),
        "XML for slow patterns": ("a.xlsx", replaced_part(book, SHEET, sheet_xml(("<f/>" + " " * 2000) * 450))),
        "12 million tags in a row": ("a.xlsx", replaced_part(book, SHEET, with_noise(sheet_xml("<c/>" * 12_000_000)))),
        "header of 4,000 columns": ("a.csv", csv_file(header, *[",".join("1" * 4000)] * 2000)),
        "19 MB in one line": ("a.csv", b"x" * (19 * MEGABYTE)),
        "19 MB in one cell": ("a.csv", b"a,b\n1," + b"x" * (19 * MEGABYTE)),
        "19 MB of commas": ("a.csv", b"a,b\n" + b"," * (19 * MEGABYTE)),
        "19 MB of line ends": ("a.csv", b"a,b\n" + b"1,2\n" * 4_700_000),
        "19 MB of Chinese": ("a.csv", b"a,b\n1," + "一二三四五六七八九十".encode("gb18030") * 940_000),
        "19 MB of noise": ("a.csv", bytes(range(256)) * (19 * MEGABYTE // 256)),
        "100 MB in one line": ("a.csv", b"x" * (100 * MEGABYTE)),
    }


class Server:
    """The dashboard in a process of its own, and what its memory does."""

    def __init__(self, folder: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        command = [
            sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={self.port}",
            "--server.address=127.0.0.1",
        ]  # fmt: skip
        self.log = folder / "server.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=5).close()
                return
            except OSError:
                time.sleep(0.2)
        raise SystemExit("The server did not start.")

    def memory(self) -> float:
        """Resident memory in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1000


async def settled(page):
    await page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'", timeout=60_000
    )


async def click_on(page, waits, stop):
    """Narrows the cohort to one stage and widens it again, and notes how long each answer took."""
    side = page.get_by_test_id("stSidebar")
    while not stop.is_set():
        expected = "28 of 51 patients" if len(waits) % 2 == 0 else "51 of 51 patients"
        before = time.perf_counter()
        await side.get_by_text("Earlier", exact=True).first.click()
        await side.locator("h4").filter(has_text=expected).wait_for(timeout=60_000)
        waits.append((before, time.perf_counter() - before))
        await asyncio.sleep(0.25)


async def watch(server, seen, stop):
    while not stop.is_set():
        seen.append(server.memory())
        await asyncio.sleep(0.02)


async def send_past_the_browser(server, page, content):
    """What the server answers to a file that the browser itself would not have sent, in the name of the same session."""
    async with page.expect_request(lambda request: request.method == "PUT") as asked:
        await page.locator(".st-key-_file_courses input[type=file]").set_input_files(
            {"name": "b.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n"}
        )
    asked = await asked.value
    headers = {key: value for key, value in (await asked.all_headers()).items() if key in ("cookie", "x-xsrftoken")}
    request = urllib.request.Request(
        asked.url + "0",
        method="PUT",
        data=b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\n' + content + b"\r\n--x--\r\n",
        headers=headers | {"Content-Type": "multipart/form-data; boundary=x"},
    )

    def send():
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return f"answered {answer.status}"
        except urllib.error.HTTPError as error:
            return f"answered {error.code} {error.reason}"
        except OSError as error:
            return f"connection ended ({error})"

    return await asyncio.to_thread(send)


async def upload(page, server, path):
    """Seconds until the refusal stands on the screen, and its words."""
    await page.goto(f"{server.address}/data")
    await page.get_by_role("heading", name="1. Choose the file").wait_for()
    await settled(page)
    place = page.locator(".st-key-_file_patients")
    before = time.perf_counter()
    await place.locator("input[type=file]").set_input_files(path)
    said = page.get_by_test_id("stAlertContentError").or_(place.get_by_text("must be")).first
    await said.wait_for(timeout=60_000)
    return time.perf_counter() - before, " ".join((await said.inner_text()).split())


async def measure(rounds):
    files = bad_files()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
                )
                other, bad = [
                    await (await browser.new_context(viewport={"width": 1400, "height": 1000})).new_page()
                    for _ in range(2)
                ]
                await other.goto(server.address)
                await other.get_by_text("Overall mortality from diagnosis").first.wait_for(timeout=60_000)
                await bad.goto(f"{server.address}/data")
                await settled(bad)
                stop, waits = asyncio.Event(), []
                clicking = asyncio.create_task(click_on(other, waits, stop))
                await asyncio.sleep(20)
                alone = [wait for _, wait in waits]
                print(
                    f"Nothing uploaded: {len(alone)} answers, median {median(alone):.2f} s, slowest {max(alone):.2f} s\n"
                )
                print(
                    f"{'file':34}{'MB':>6}{'refused':>9}{'memory':>9}{'after':>8}{'other: median':>15}{'slowest':>9}  words"
                )
                first = server.memory()
                for what, (name, content) in files.items():
                    path = Path(folder) / name
                    path.write_bytes(content)
                    for _ in range(rounds):
                        await report(server, bad, waits, what, upload(bad, server, path), len(content))
                    if len(content) > 20 * MEGABYTE:
                        sent = send_past_the_browser(server, bad, content)
                        await report(server, bad, waits, f"{what}, sent directly", sent, len(content))
                stop.set()
                await clicking
                await asyncio.sleep(1)
                last = server.memory()
                print(
                    f"\nMemory of the server: {first:.0f} MB before, {last:.0f} MB after. Alive: {server.process.poll() is None}"
                )
                print(f"Tracebacks in its log: {server.log.read_text(errors='replace').count('Traceback')}")
        finally:
            server.process.terminate()
            server.process.wait(timeout=30)


async def report(server, page, waits, what, doing, size):
    """Measures one attempt and prints its line."""
    stop, seen = asyncio.Event(), [server.memory()]
    watching = asyncio.create_task(watch(server, seen, stop))
    start = time.perf_counter()
    result = await doing
    refused, words = result if isinstance(result, tuple) else (time.perf_counter() - start, result)
    end = time.perf_counter()
    await asyncio.sleep(1)  # answers that began before the end
    stop.set()
    await watching
    during = [wait for begun, wait in waits if begun + wait >= start and begun <= end] or [float("nan")]
    print(
        f"{what:34}{size / MEGABYTE:6.1f}{refused:7.2f} s{max(seen) - seen[0]:6.0f} MB{seen[-1] - seen[0]:5.0f} MB"
        f"{median(during):13.2f} s{max(during):7.2f} s  {json.dumps(words[:60], ensure_ascii=False)}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What bad files cost another reader.")
    parser.add_argument("--rounds", type=int, default=1, help="uploads of each file")
    asyncio.run(measure(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
