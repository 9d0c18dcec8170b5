"""How fast the engine is beside lifelines and R's survival, on the same simulated patients in one run.

    python benchmarks/engine.py [--sizes 51,1000,10000,100000,1000000] [--repeat 5] [--continuous] [--cpu]
                                [--csv FILE]

Three tasks: the Cox models of 20 covariates, each alone (10 numbers, five of them with missing values; 6 yes/no; 4 nominal
of 3 to 7 levels); Kaplan-Meier curves of two groups with their intervals; the log-rank test. Times are medians of repeated
runs after a warm-up, R's measured within R around the calls. Everybody gets the same rows, sorted by time as the dashboard
keeps them. Follow-up is in whole days, as dates give it, unless --continuous is chosen: then no two times are equal.

On a machine that is busy with other things a short task waits longer, in proportion, than a long one: --cpu counts the time
of the processor instead. Where all models would take minutes, one of each kind is timed and scaled to the number of that
kind; such times have a ~. Prints a table and what differs between the results; writes the rows to the CSV.
"""

import argparse
import csv
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.conventions import DAYS_PER_MONTH  # noqa: E402
from core.survival import Outcome, cox_each, kaplan_meier, logrank_test  # noqa: E402

SEED = 20261123
SIZES = (51, 1_000, 10_000, 100_000, 1_000_000)
SAMPLED = ("age", "vintage", "treated", "lesion")  # one of each kind
TASKS = {"cox": "20 Cox models, each alone", "km": "Kaplan-Meier, 2 groups", "logrank": "log-rank test"}
ENOUGH = 0.2  # seconds
CLOCK = time.perf_counter
EVERY_MODEL = {"lifelines": 10_000, "R": 100_000}  # the largest sizes at which they are asked for every model
PACKAGES = ("numpy", "scipy", "pandas", "lifelines")
HEAD = f"{'n':>9}  {'task':<26}{'calciscope':>12}{'lifelines':>14}{'R':>13}{'lifelines /':>12}{'R /':>9}{'differs from':>15}{'from R':>11}"
FOOT = (
    "/ : how many times as long. ~ : four models timed, one of each kind, and scaled to the number of that kind.\n"
    "differs: the largest difference; coefficients in standard errors, standard errors and the statistic relative,\n"
    "survival absolute. R's coefficients are converged to 1e-11 for it; lifelines stops early by its own settings."
)
COLUMNS = (
    "n events task calciscope_ms lifelines_ms r_ms lifelines_ratio r_ratio lifelines_scaled r_scaled "
    "differs_from_lifelines differs_from_r"
).split()


def simulated(n: int, continuous: bool) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """(covariates, time in months, event) of n patients, sorted by time."""
    rng = np.random.default_rng([SEED, n])
    albumin = rng.normal(size=n)

    def skewed(log_mean, log_sd, digits):
        return np.round(np.exp(log_mean + log_sd * rng.normal(size=n)), digits)

    numbers = {
        "age": np.clip(np.round(58 + 13 * rng.normal(size=n)), 18, 100) / 10,
        "calcium": np.round(2.3 + 0.2 * rng.normal(size=n), 2) / 0.1,
        "phosphate": np.round(2 + 0.5 * rng.normal(size=n), 2) / 0.5,
        "alp": skewed(4.7, 0.5, 0) / 50,
        "pain": rng.integers(0, 11, n).astype(float),
        "bmi": np.round(24 + 4 * rng.normal(size=n), 1) / 5,
        "vintage": np.round(rng.gamma(2, 40, n)) / 12,
        "ipth": skewed(6, 1, 0) / 100,
        "albumin": np.round(34 + 5 * albumin, 1) / 5,
        "crp": skewed(2.5, 1, 1) / 10,
    }
    for name in ("bmi", "vintage", "ipth", "albumin", "crp"):
        numbers[name][rng.random(n) < 0.08] = np.nan
    yes = ("treated", "sex", "diabetes", "warfarin", "fibrillation", "surgery")
    codes = {
        name: (rng.random(n) < share).astype(np.int8)
        for name, share in zip(yes, np.linspace(0.5, 0.15, 6), strict=True)
    }
    for name, k in (("biopsy", 3), ("stage", 3), ("site", 4), ("lesion", 7)):
        codes[name] = rng.choice(k, n, p=np.linspace(2, 1, k) / np.linspace(2, 1, k).sum()).astype(np.int8)
    log_hazard = 0.3 * (numbers["age"] - 5.8) - 0.4 * albumin + 0.3 * codes["treated"] + 0.1 * codes["lesion"]
    death, end = rng.exponential(1200 / np.exp(log_hazard)), rng.uniform(30, 3650, n)
    days = np.minimum(death, end) if continuous else np.ceil(np.minimum(death, end))
    order = np.argsort(days, kind="stable")
    levels = {name: [f"level {k}" for k in range(code.max() + 1)] for name, code in codes.items()}
    columns = {name: values[order] for name, values in numbers.items()}
    columns |= {name: pd.Categorical.from_codes(code[order], levels[name]) for name, code in codes.items()}
    return pd.DataFrame(columns, copy=False), days[order] / DAYS_PER_MONTH, (death <= end)[order]


def kind_of(column: pd.Series) -> str:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "yes/no" if len(column.cat.categories) == 2 else "nominal"
    return "number with missing values" if column.isna().any() else "number"


def kinds_of(frame: pd.DataFrame) -> dict:
    return {name: kind_of(frame[name]) for name in frame}


def median_seconds(call, repeats: int) -> float:
    """Of single calls: so many, and more as long as they take less than ENOUGH together."""
    found = []
    while len(found) < repeats or sum(found) < ENOUGH:
        begin = CLOCK()
        call()
        found.append(CLOCK() - begin)
    return float(np.median(found))


def sum_of_models(seconds: dict, kinds: dict) -> float:
    """The time of all models from those timed: the mean of each kind, for every covariate of that kind."""
    by_kind: dict = {}
    for name, value in seconds.items():
        by_kind.setdefault(kinds[name], []).append(value)
    return float(sum(np.mean(by_kind[kind]) for kind in kinds.values()))


def calciscope(frame, months, event, repeats) -> tuple[dict, dict]:
    """(seconds by task, results). Reading and checking times and events is part of every task, as it is in R."""
    group = frame["treated"]
    tasks = {
        "cox": lambda: cox_each(Outcome(months, event), frame),
        "km": lambda: kaplan_meier(Outcome(months, event), group),
        "logrank": lambda: logrank_test(Outcome(months, event), group),
    }
    found = {task: call() for task, call in tasks.items()}
    terms = found["cox"].terms
    results = {"km": found["km"].curve["estimate"].to_numpy(), "logrank": found["logrank"].statistic}
    for name, rows in terms[~terms["is_reference"]].groupby("covariate"):
        results["coef", name] = rows["coef"].to_numpy(), rows["std_error"].to_numpy()
    return {task: median_seconds(call, repeats) for task, call in tasks.items()}, results


def lifelines(frame, months, event, repeats) -> tuple[dict, dict]:
    """(seconds by task, results), with the library's own settings."""
    from lifelines import CoxPHFitter, KaplanMeierFitter
    from lifelines.exceptions import ConvergenceError
    from lifelines.statistics import logrank_test as lifelines_test

    n = len(frame)
    seconds, results = {}, {}

    def fit(table):
        try:
            return CoxPHFitter().fit(table, "months", "event")
        except ConvergenceError:
            return None

    for name in frame if n <= EVERY_MODEL["lifelines"] else SAMPLED:
        column = frame[[name]]
        if not kind_of(frame[name]).startswith("number"):
            column = pd.get_dummies(column, drop_first=True, dtype=float)
        table = column.assign(months=months, event=event)[frame[name].notna().to_numpy()]
        begin = CLOCK()
        model = fit(table)
        seconds[name] = CLOCK() - begin
        if n <= 1_000:
            seconds[name] = median_seconds(lambda table=table: fit(table), repeats)
        if model is not None:
            results["coef", name] = model.params_.to_numpy(), model.standard_errors_.to_numpy()
    treated = (frame["treated"].cat.codes == 1).to_numpy()
    groups = [(months[~treated], event[~treated]), (months[treated], event[treated])]

    def curves():
        return [KaplanMeierFitter().fit(*group) for group in groups]

    def test():
        return lifelines_test(groups[0][0], groups[1][0], groups[0][1], groups[1][1])

    results["km"] = np.concatenate([curve.survival_function_.to_numpy()[1:, 0] for curve in curves()])
    results["logrank"] = test().test_statistic
    cox = sum_of_models(seconds, kinds_of(frame))
    return {"cox": cox, "km": median_seconds(curves, repeats), "logrank": median_seconds(test, repeats)}, results


def in_r(frame, months, event, repeats) -> tuple[dict, dict]:
    """(seconds by task, results), from a process of R; the results hold its versions, too."""
    n, kinds = len(frame), kinds_of(frame)
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        months.astype(float).tofile(folder / "time.bin")
        event.astype(np.int32).tofile(folder / "event.bin")
        for name in frame:
            is_number = kinds[name].startswith("number")
            (frame[name].to_numpy() if is_number else frame[name].cat.codes.to_numpy().astype(np.int32)).tofile(
                folder / f"{name}.bin"
            )
        columns = pd.DataFrame({"name": list(frame)})
        columns["is_number"] = [int(kinds[name].startswith("number")) for name in frame]
        columns["timed"] = [int(n <= EVERY_MODEL["R"] or name in SAMPLED) for name in frame]
        columns.to_csv(folder / "columns.csv", index=False)
        plan = (folder, n, repeats if n < 100_000 else 1, ENOUGH, int(CLOCK is not time.perf_counter))
        command = ["Rscript", "--vanilla", str(Path(__file__).with_suffix(".R")), *map(str, plan)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"R stopped: {done.stderr.strip()}")
    seconds, models, results = {}, {}, {}
    for line in done.stdout.splitlines():
        what, name, *values = line.split("\t")
        if what == "version":
            results["version"] = name
        elif what == "seconds":
            (models if name in kinds else seconds)[name] = float(values[0])
        elif what == "coef":
            results["coef", name] = tuple(np.array(values, dtype=float).reshape(2, -1))
        else:
            results[what] = np.array([name, *values], dtype=float)
    return seconds | {"cox": sum_of_models(models, kinds)}, results


def differences(mine: dict, other: dict) -> dict:
    """The largest by task: coefficients in standard errors, standard errors and the statistic relative, survival absolute."""
    worst = 0.0
    for key in [key for key in other if key[0] == "coef"]:
        coef, std_error = other[key]
        mine_coef, mine_error = mine[key]
        known = ~np.isnan(mine_coef)
        if len(coef) == len(mine_coef) and known.any():
            apart = np.abs(coef - mine_coef) / mine_error, np.abs(std_error / mine_error - 1)
            worst = max(worst, float(np.max([part[known] for part in apart])))
    curve = mine["km"]
    if len(other["km"]) != len(curve):  # R sends some points of its curve
        curve = curve[points(len(curve))]
    statistic = abs(float(np.ravel(other["logrank"])[0]) / mine["logrank"] - 1)
    return {"cox": worst, "km": float(np.abs(other["km"] - curve).max()), "logrank": statistic}


def points(n: int) -> np.ndarray:
    """Positions of the points of a curve that are compared."""
    return np.arange(0, n, max(1, n // 200))


def measured(n: int, repeats: int, continuous: bool, with_r: bool):
    """(rows of the table, R's versions)."""
    frame, months, event = simulated(n, continuous)
    few = repeats if n < 1_000_000 else min(repeats, 3)
    mine, found = calciscope(frame, months, event, few)
    second, found_second = lifelines(frame, months, event, few)
    third, found_third = in_r(frame, months, event, few) if with_r else ({}, {})
    apart = differences(found, found_second), differences(found, found_third) if with_r else {}
    rows = []
    for task in TASKS:
        rows.append(
            {
                "n": n,
                "events": int(event.sum()),
                "task": task,
                "calciscope_ms": 1000 * mine[task],
                "lifelines_ms": 1000 * second[task],
                "r_ms": 1000 * third[task] if with_r else float("nan"),
                "lifelines_ratio": second[task] / mine[task],
                "r_ratio": third[task] / mine[task] if with_r else float("nan"),
                "lifelines_scaled": task == "cox" and n > EVERY_MODEL["lifelines"],
                "r_scaled": with_r and task == "cox" and n > EVERY_MODEL["R"],
                "differs_from_lifelines": apart[0][task],
                "differs_from_r": apart[1].get(task, float("nan")),
            }
        )
    return rows, found_third.get("version", "")


def line_of(row: dict) -> str:
    def number(value, scaled=False, digits=1):
        return "-" if np.isnan(value) else f"{'~' if scaled else ''}{value:,.{digits}f}"

    digits = 2 if row["calciscope_ms"] < 10 else 1
    return (
        f"{row['n']:>9,}  {TASKS[row['task']]:<26}{number(row['calciscope_ms'], digits=digits):>12}"
        f"{number(row['lifelines_ms'], row['lifelines_scaled']):>14}{number(row['r_ms'], row['r_scaled']):>13}"
        f"{number(row['lifelines_ratio']):>12}{number(row['r_ratio']):>9}"
        f"{row['differs_from_lifelines']:>15.0e}{row['differs_from_r']:>11.0e}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--continuous", action="store_true", help="times without ties")
    parser.add_argument("--cpu", action="store_true", help="processor time, for a machine that others use, too")
    parser.add_argument("--csv", type=Path, default=ROOT / "benchmarks" / "results" / "engine.csv")
    chosen = parser.parse_args()
    if chosen.cpu:
        global CLOCK
        CLOCK = time.process_time
    warnings.simplefilter("ignore")  # of lifelines, about models with few events
    with_r = shutil.which("Rscript") is not None
    print(f"Python {platform.python_version()}, " + ", ".join(f"{p} {version(p)}" for p in PACKAGES))
    print(
        f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    )
    if not with_r:
        print("There is no Rscript here: R is left out.")
    begin = time.perf_counter()
    print(
        f"Times {'without ties' if chosen.continuous else 'in whole days'}; milliseconds{' of processor time' if chosen.cpu else ''}, medians of at least {chosen.repeat} runs"
    )
    print(HEAD)
    rows = []
    for n in map(int, chosen.sizes.split(",")):
        found, r_version = measured(n, chosen.repeat, chosen.continuous, with_r)
        rows += found
        for row in found:
            print(line_of(row), flush=True)
    if with_r:
        print(r_version)
    print(FOOT)
    print(f"The whole took {time.perf_counter() - begin:.0f} s.")
    chosen.csv.parent.mkdir(parents=True, exist_ok=True)
    with chosen.csv.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
