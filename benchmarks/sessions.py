"""Many readers at once: how long each waits, what an answer costs, what the server holds.

    python benchmarks/sessions.py [--sessions 10,50] [--think 5] [--seconds 60] [--csv benchmarks/results/sessions.csv]

Each number of sessions gets a server of its own on the sample. A session does what a browser does, without drawing: it opens
the dashboard over a WebSocket, then again and again thinks (exponential, mean ``--think`` seconds), and moves the filter of
age (three times in four) or goes to another page (once in four). The waiting time runs from sending to the message that the
script has finished. The first page of each session is not counted. Readers look at the same cohort in the same few ways, so
most answers are "cached": what is kept was already made for somebody; the second table gives the CPU time of such an answer
for each page: one session moves between two views that it has seen.
"""

import argparse
import asyncio
import csv
import os
import platform
import random
import sys
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import websockets

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.rerun import SLIDER, Reader, places  # noqa: E402
from benchmarks.served import Server  # noqa: E402

PAGES = ("overview", "survival", "hazard_ratios", "outcomes", "treatment", "cohort", "findings")
ADDRESS = f"more.sample={SLIDER.split()[0]}"
LOWS = range(28, 48, 2)
COLUMNS = ("sessions", "think_s", "answers", "p50_s", "p95_s", "slowest_s", "cpu_s_per_answer", "peak_MB")


class Visitor(Reader):
    """A reader that walks from page to page."""

    async def go(self, path):
        self.path, self.page_hash = path, ""
        return await self._rerun()


def connected(server):
    return websockets.connect(f"ws://localhost:{server.port}/_stcore/stream", subprotocols=["streamlit"], max_size=None)


async def visit(server, seed, think, begin, end, waits):
    """One session; appends the waiting time of every answer asked for between ``begin`` and ``end``."""
    chance = random.Random(seed)
    async with connected(server) as connection:
        await asyncio.sleep(chance.uniform(0, think))
        visitor = Visitor(connection, "overview", ADDRESS)
        await visitor.open()
        while True:
            await asyncio.sleep(chance.expovariate(1 / think))
            asked = perf_counter()
            if asked > end:
                break
            if chance.random() < 0.25:
                wait = await visitor.go(chance.choice(PAGES))
            else:
                wait = await visitor.filter_from(chance.choice(LOWS))
            if asked > begin:
                waits.append(wait)
        if visitor.faults:
            raise SystemExit(f"A page went wrong: {sorted(set(visitor.faults))}")


async def crowd(server, n, think, seconds):
    """Waiting times and CPU seconds of ``n`` sessions during ``seconds``, after everybody has arrived."""
    settling = 3 * think
    begin = perf_counter() + settling
    waits: list[float] = []
    sessions = [asyncio.create_task(visit(server, i, think, begin, begin + seconds, waits)) for i in range(n)]
    await asyncio.sleep(settling)
    before = server.cpu
    await asyncio.sleep(seconds)
    cpu = server.cpu - before
    await asyncio.gather(*sessions)
    return waits, cpu


async def again(server, path, query, repeat=20):
    """CPU seconds and waiting time of an answer to a view that was there before."""
    async with connected(server) as connection:
        visitor = Visitor(connection, path, ADDRESS + (f"&{query}" if query else ""))
        await visitor.open()
        for low in (30, 34, 30, 34):
            await visitor.filter_from(low)
        before, waits = server.cpu, []
        for i in range(repeat):
            waits.append(await visitor.filter_from((30, 34)[i % 2]))
        return (server.cpu - before) / repeat, median(waits)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sessions", default="10,50")
    parser.add_argument("--think", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--csv", type=Path, default=ROOT / "benchmarks" / "results" / "sessions.csv")
    given = parser.parse_args()
    print(f"Python {platform.python_version()}, streamlit {version('streamlit')}, {os.cpu_count()} cores; the sample")
    print(f"{'sessions':>9}{'answers':>9}{'p50 s':>8}{'p95 s':>8}{'slowest':>9}{'CPU s each':>12}{'peak MB':>9}")
    rows = []
    for n in (int(number) for number in given.sessions.split(",")):
        with Server() as server:
            waits, cpu = asyncio.run(crowd(server, n, given.think, given.seconds))
            p95 = quantiles(waits, n=20, method="inclusive")[-1]
            row = (n, given.think, len(waits), median(waits), p95, max(waits), cpu / len(waits), server.peak)
            rows.append([round(number, 4) for number in row])
            print(
                f"{n:>9}{len(waits):>9}{row[3]:>8.3f}{p95:>8.3f}{row[5]:>9.3f}{row[6]:>12.3f}{row[7]:>9.0f}", flush=True
            )
    print(f"\n{'a view seen before':<40}{'CPU s':>8}{'wait s':>8}")
    with Server() as server:
        for name, path, query in places(()):
            cpu, wait = asyncio.run(again(server, path, query))
            print(f"{name:<40}{cpu:>8.3f}{wait:>8.3f}", flush=True)
            rows.append([name, "", 20, round(wait, 4), "", "", round(cpu, 4), ""])
    given.csv.parent.mkdir(parents=True, exist_ok=True)
    with given.csv.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
