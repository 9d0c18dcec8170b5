"""How long a page takes to answer a filter, on registries of several sizes.

    python benchmarks/rerun.py [--sizes 51,10000,1000000] [--repeat 5] [--pages cohort,survival] [--courses]
                               [--csv benchmarks/results/rerun.csv]

For each size a server of its own is started, on the sample (n = 51) or on a registry from benchmarks/large_registry.py.
A client does what a browser does: it opens the page over the WebSocket, then moves one end of the age slider, each time to a
value that it has not had yet, and waits for the message that says the script has finished. "New" is the time from
sending to that message: script, tables and figures as sent, without the browser's drawing. "Again" goes back to a
value that was there before: what is kept is used. The first answer of a page, which fills what is kept for the registry, is
not counted, and stands in a column of its own.

Then, in the same run: reading the largest registry beside what pandas needs to parse the same file, each in a process
of its own, in turn, with the peak of its memory.

"Processor" is the time that the server computed for one answer; on a machine that does other things as well it says more than
the clock does. (From /proc, in steps of 10 ms over all answers; empty where there is none.)
"""

import argparse
import asyncio
import csv
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.large_registry import write_registry  # noqa: E402
from core.cohort_choices import COHORT_PARTS  # noqa: E402
from core.settings import RATIO_PARTS  # noqa: E402
from pages.components.entry import PAGES  # noqa: E402

SAMPLE = ROOT / "data" / "sample"
TABS = {"cohort": ("tab", COHORT_PARTS), "hazard_ratios": ("part", RATIO_PARTS)}
SLIDER = "Age (years)"
LONGEST = 180  # seconds for one answer
PACKAGES = ("streamlit", "pandas", "numpy", "pyarrow", "altair")
COLUMNS = (
    "page",
    "n",
    "new_median_ms",
    "new_p95_ms",
    "new_cpu_ms",
    "again_median_ms",
    "first_ms",
    "sent_kB",
    "repeats",
)


def places(wanted):
    """Every page, and every tab of those that draw one tab at a time: (name, url path, query)."""
    for _, title, _, path in PAGES:
        if wanted and path not in wanted:
            continue
        if path not in TABS:
            yield title, path, ""
            continue
        key, parts = TABS[path]
        for part in parts:
            yield f"{title}: {part}", path, f"{key}={part.replace(' ', '+')}"


class Reader:
    """One reader of a running server."""

    def __init__(self, socket_, path, query):
        self.socket, self.path, self.query = socket_, path, query
        self.page_hash = ""
        self.sliders = {}
        self.sent = 0
        self.faults = []

    async def _rerun(self, states=()):
        message = BackMsg()
        request = message.rerun_script
        request.query_string = self.query
        if self.page_hash:
            request.page_script_hash = self.page_hash
        else:
            request.page_name = "" if self.path == "overview" else self.path
        for widget, values in states:
            state = request.widget_states.widgets.add()
            state.id = widget
            state.double_array_value.data.extend(values)
        began = time.perf_counter()
        self._acknowledge_at_once()
        await self.socket.send(message.SerializeToString())
        self.sent = 0
        while True:
            data = await asyncio.wait_for(self.socket.recv(), LONGEST)
            self._acknowledge_at_once()
            self.sent += len(data)
            answer = ForwardMsg.FromString(data)
            kind = answer.WhichOneof("type")
            if kind == "script_finished":
                if answer.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue
                return time.perf_counter() - began
            if kind == "new_session":
                self.page_hash = answer.new_session.page_script_hash
            elif kind == "delta":
                self._look_at(answer.delta)
            elif kind == "page_not_found":
                raise SystemExit(f"There is no page {self.path!r}.")

    def _acknowledge_at_once(self):
        """Without it the system waits up to 40 ms before it tells the server that a message came, and the next one waits."""
        if hasattr(socket, "TCP_QUICKACK"):
            here = self.socket.transport.get_extra_info("socket")
            here.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _look_at(self, delta):
        if delta.WhichOneof("type") != "new_element":
            return
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "slider":
            self.sliders[element.slider.label] = (element.slider.id, element.slider.min, element.slider.max)
        elif kind == "exception":
            self.faults.append(element.exception.type)

    async def open(self):
        return await self._rerun()

    async def filter_from(self, low):
        widget, _, most = self.sliders[SLIDER]
        return await self._rerun([(widget, (low, most))])


async def measure(server, slug, path, query, repeat):
    """Seconds: of the first answer, of answers to new values, their mean on the processor, of answers to values that were
    there; kB of an answer."""
    # the control of age is there because the link asks for it
    address = f"more.{slug}=Age" + (f"&{query}" if query else "")
    async with websockets.connect(
        f"ws://localhost:{server.port}/_stcore/stream", subprotocols=["streamlit"], max_size=None
    ) as connection:
        reader = Reader(connection, path, address)
        first = await reader.open()
        if SLIDER not in reader.sliders:
            raise SystemExit(f"{path} has no {SLIDER!r} to filter by.")
        least = reader.sliders[SLIDER][1]
        values = [least + 2 + i for i in range(repeat + 1)]
        await reader.filter_from(values[0])
        before = server.computed
        new = [await reader.filter_from(value) for value in values[1:]]
        computed = (server.computed - before) / len(new)
        again = [await reader.filter_from(value) for value in values[:3]]
        if reader.faults:
            print(f"    {path} {query}: {', '.join(sorted(set(reader.faults)))} on the page", file=sys.stderr)
        return first, new, computed, again, reader.sent / 1000


class Server:
    """A server of its own on a registry; ``memory`` is the peak of what it held, in MB."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("localhost", 0))
            self.port = free.getsockname()[1]

    def __enter__(self):
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "streamlit",
                "run",
                "app.py",
                "--server.address=localhost",
                f"--server.port={self.port}",
            ],
            cwd=ROOT,
            env={**os.environ, "CALCISCOPE_REGISTRY": str(self.folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://localhost:{self.port}/_stcore/health", timeout=2)
                return self
            except OSError:
                time.sleep(0.1)
        raise SystemExit("The server did not start.")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    @property
    def computed(self):
        """Seconds on the processor so far, NaN where the system does not say."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return float("nan")
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self):
        """NaN where the system does not say."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return float("nan")
        return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def measure_pages(folder, n, repeat, pages):
    """One row a page."""
    rows = []
    with Server(folder) as server:
        print(f"\n{n:,} patients, {repeat} new values a page")
        print(
            f"  {'page':<38}{'new: median':>12}{'p95':>9}{'processor':>11}{'again':>9}{'first':>9}   ms{'sent':>10} kB"
        )
        for name, path, query in places(pages):
            first, new, computed, again, sent = asyncio.run(measure(server, folder.name, path, query, repeat))
            p95 = quantiles(new, n=20, method="inclusive")[-1] if len(new) > 1 else new[0]
            numbers = [1000 * seconds for seconds in (median(new), p95, computed, median(again), first)]
            rows.append((name, n, *(round(number, 1) for number in numbers), round(sent, 1), repeat))
            new_ms, p95_ms, cpu_ms, again_ms, first_ms = numbers
            print(
                f"  {name:<38}{new_ms:>12,.0f}{p95_ms:>9,.0f}{cpu_ms:>11,.0f}{again_ms:>9,.0f}{first_ms:>9,.0f}{sent:>15,.0f}",
                flush=True,
            )
        print(f"  memory of the server, peak: {server.memory:,.0f} MB")
    return rows


LOADERS = {
    "pandas.read_csv": "import pandas; read = lambda: pandas.read_csv(folder + '/patients.csv')",
    "pandas.read_parquet": "import pandas; read = lambda: pandas.read_parquet(folder + '/patients.parquet')",
    "registry from CSV": "from core.registry import read_registry; read = lambda: read_registry(folder)",
    "registry from Parquet": "from core.registry import read_registry; read = lambda: read_registry(folder)",
}
TIMED = """
import sys, time
folder = sys.argv[1]
{load}
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
before = peak()
began = time.perf_counter()
read()
print(time.perf_counter() - began, before, peak())
"""


def measure_loading(csv_folder, parquet_folder, n, repeat=3):
    """One row a way of reading: each time a fresh process, the ways in turn."""
    found = {name: [] for name in LOADERS}
    for _ in range(repeat):
        for name, load in LOADERS.items():
            folder = parquet_folder if "arquet" in name else csv_folder
            done = subprocess.run(
                [sys.executable, "-c", TIMED.format(load=load), str(folder)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            )
            found[name].append([float(part) for part in done.stdout.split()])
    print(f"\nReading {n:,} patients, median of {repeat} fresh processes")
    print(f"  {'':<24}{'seconds':>9}{'peak MB':>9}{'of which before':>17}")
    rows = []
    for name, runs in found.items():
        seconds, before, peak = (median(column) for column in zip(*runs, strict=True))
        print(f"  {name:<24}{seconds:>9.2f}{peak / 1024:>9,.0f}{before / 1024:>17,.0f}")
        rows.append((name, n, round(1000 * seconds, 1), "", "", "", "", "", repeat))
    for kind, other in (("CSV", "csv"), ("Parquet", "parquet")):
        ours, theirs = (
            median(run[0] for run in found[name]) for name in (f"registry from {kind}", f"pandas.read_{other}")
        )
        print(f"  registry from {kind}: {ours / theirs:.2f} x pandas.read_{other}")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", default="51,10000,1000000")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--pages", default="", help="url paths, such as cohort,survival; all without it")
    parser.add_argument("--courses", action="store_true", help="with a table of courses")
    parser.add_argument("--no-loading", action="store_true", help="measure the pages only")
    parser.add_argument("--csv", type=Path, default=ROOT / "benchmarks" / "results" / "rerun.csv")
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    pages = [page for page in given.pages.split(",") if page]

    print(f"Python {platform.python_version()}, " + ", ".join(f"{p} {version(p)}" for p in PACKAGES))
    print(f"{platform.machine()}, {os.cpu_count()} cores; the client on the same machine")
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for n in sizes:
            folder = SAMPLE if n == 51 else Path(temporary) / f"rows-{n}"
            if n != 51:
                write_registry(folder, n, courses=given.courses)
            rows += measure_pages(folder, n, given.repeat, pages)
        if not given.no_loading and max(sizes) != 51:
            parquet = write_registry(Path(temporary) / "parquet", max(sizes), kind="parquet")
            if given.courses:
                write_registry(Path(temporary) / f"rows-{max(sizes)}", max(sizes))
            rows += measure_loading(Path(temporary) / f"rows-{max(sizes)}", parquet, max(sizes))
    given.csv.parent.mkdir(parents=True, exist_ok=True)
    with given.csv.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
