"""Write a registry folder of any size, to see how the dashboard carries it.

    python benchmarks/large_registry.py FOLDER [--rows 1000000] [--seed 1] [--format csv|parquet] [--courses]

Rows come from a fixed seed and mean nothing. The variables are those of the sample, described by the sample's own dictionary:
20 covariates (19 known at diagnosis, infection with its date after it), dates of diagnosis, onset, resolution, death and last
contact, and the cause of death. ``--courses`` adds sts_courses.csv and the number of courses as one more covariate. A few
values in a hundred are missing.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
NUMBERS = {  # name: mean, standard deviation, limits, decimals
    "age": (56, 13, 18, 100, 0),
    "bmi": (23, 4, 10, 70, 1),
    "vintage": (80, 40, 0, 480, 0),
    "calcium": (2.3, 0.2, 1, 4.5, 2),
    "phosphate": (1.9, 0.5, 0.2, 5, 2),
    "ipth": (600, 400, 0, 5000, 0),
    "alp": (180, 90, 10, 5000, 0),
    "albumin": (34, 5, 10, 60, 1),
    "haemoglobin": (102, 17, 30, 220, 0),
}
LEVELS = {  # name: share of each level, in the order of the dictionary
    "sex": (0.4, 0.6),
    "dialysis_status": (0.8, 0.1, 0.06, 0.04),
    "diabetes": (0.6, 0.4),
    "warfarin": (0.7, 0.3),
    "atrial_fibrillation": (0.85, 0.15),
    "hyperparathyroidism": (0.4, 0.6),
    "lesion_type": (0.15, 0.1, 0.15, 0.15, 0.2, 0.15, 0.1),
    "lesion_site": (0.55, 0.2, 0.2, 0.05),
}
DERIVED = ("lesion_duration", "stage")
DATES = ("onset_date", "diagnosis_date", "infection_date", "resolution_date", "death_date", "last_contact_date")
OTHERS = ("patient_id", "data_source", "infection", "cause_of_death")
SHARE_MISSING = 0.03
COUNTED_MISSING = ("bmi", "ipth", "alp", "albumin", "diabetes", "lesion_site")
CAUSES = (0.6, 0.2, 0.1, 0.07, 0.03)
START, CUT_OFF = np.datetime64("2010-01-01"), np.datetime64("2021-12-31")


def write_registry(folder: Path, rows: int, *, seed: int = 1, kind: str = "csv", courses: bool = False) -> Path:
    """Writes dictionary.csv and patients.csv or patients.parquet, and sts_courses.csv where asked for; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    levels = _write_dictionary(folder, courses)
    draws = np.random.default_rng(seed)
    table, followed = _patients(draws, rows, levels)
    if kind == "parquet":
        pa.parquet.write_table(table, folder / "patients.parquet")
    else:
        pa.csv.write_csv(table, folder / "patients.csv", pa.csv.WriteOptions(quoting_style="none"))
    if courses:
        pa.csv.write_csv(
            _courses(draws, followed), folder / "sts_courses.csv", pa.csv.WriteOptions(quoting_style="none")
        )
    return folder


def _write_dictionary(folder, courses):
    """The sample's rows of the variables that are here; returns the codes of every variable with levels."""
    with (SAMPLE / "dictionary.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        wanted = {*NUMBERS, *LEVELS, *DERIVED, *DATES, *OTHERS, *(("sts_courses",) if courses else ())}
        kept = [row for row in reader if row["name"] in wanted]
    with (folder / "dictionary.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, reader.fieldnames, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    return {row["name"]: [part.partition("=")[0] for part in row["levels"].split("|")] for row in kept if row["levels"]}


def _patients(draws, n, levels):
    columns = {
        "patient_id": pa.array(np.char.add("P", np.arange(1, n + 1).astype(f"U{len(str(n))}"))),
        "data_source": _words(np.zeros(n, dtype=np.int32), ["Synthetic benchmark"]),
    }
    codes, drawn = {}, {}
    for name, shares in LEVELS.items():
        codes[name] = draws.choice(len(shares), n, p=shares).astype(np.int32)
    for name, (mean, sd, low, high, decimals) in NUMBERS.items():
        drawn[name] = np.clip(draws.normal(mean, sd, n), low, high).round(decimals)
    missing = {name: draws.random(n) < SHARE_MISSING for name in COUNTED_MISSING}

    later = codes["lesion_type"] >= 4
    duration = draws.gamma(1.5, 60, n).astype(np.int64)
    infected = draws.random(n) < 0.3
    infection_day = draws.exponential(120, n).astype(np.int64)
    risk = 0.0004 * np.exp(0.6 * later + 0.02 * (drawn["age"] - 56) + 0.001 * duration + 0.5 * infected)
    death_day = draws.exponential(1 / risk).astype(np.int64)
    resolution_day = 45 + draws.exponential(700, n).astype(np.int64)
    diagnosis = START + draws.integers(0, 11 * 365, n).astype("timedelta64[D]")
    possible = np.minimum((CUT_OFF - diagnosis).astype(np.int64), draws.exponential(5000, n).astype(np.int64) + 1)
    dead = death_day <= possible
    end = np.minimum(death_day, possible)
    infected &= infection_day <= end
    resolved = resolution_day < end

    for name in LEVELS:
        columns[name] = _words(codes[name], levels[name], missing.get(name))
    for name, (*_, decimals) in NUMBERS.items():
        columns[name] = _number(drawn[name], decimals, missing.get(name))
    columns["infection"] = _words(infected.astype(np.int32), levels["infection"])
    columns["cause_of_death"] = _words(
        draws.choice(len(CAUSES), n, p=CAUSES).astype(np.int32), levels["cause_of_death"], ~dead
    )
    for name, day, there in (
        ("onset_date", -duration, np.ones(n, dtype=bool)),
        ("diagnosis_date", np.zeros(n, dtype=np.int64), np.ones(n, dtype=bool)),
        ("infection_date", infection_day, infected),
        ("resolution_date", resolution_day, resolved),
        ("death_date", death_day, dead),
        ("last_contact_date", end, np.ones(n, dtype=bool)),
    ):
        columns[name] = pa.array(diagnosis + day.astype("timedelta64[D]"), pa.date32(), mask=~there)
    return pa.table(columns), (columns["patient_id"], diagnosis, end)


def _words(codes, words, missing=None):
    indices = pa.array(codes, pa.int32(), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words)).cast(pa.string())


def _number(values, decimals, missing=None):
    numbers = pa.array(values, mask=missing)
    return numbers if decimals else numbers.cast(pa.int64())


def _courses(draws, followed):
    """About a month apart from diagnosis on, as long as the patient is followed and goes on with treatment."""
    patient, diagnosis, end = followed
    n = len(diagnosis)
    wanted = np.minimum(draws.geometric(0.35, n) - 1, 8)
    row = np.repeat(np.arange(n), wanted)
    number = np.arange(len(row)) - np.repeat(np.cumsum(wanted) - wanted, wanted) + 1
    start = 30 * (number - 1) + draws.integers(3, 30, len(row))
    given = start < end[row]
    row, number, start = row[given], number[given], start[given]
    stop = np.minimum(start + 20, end[row])
    first = diagnosis[row]
    return pa.table(
        {
            "patient_id": patient.take(pa.array(row)),
            "course": pa.array(number),
            "start": pa.array(first + start.astype("timedelta64[D]"), pa.date32()),
            "stop": pa.array(first + stop.astype("timedelta64[D]"), pa.date32()),
            "grams_per_infusion": pa.array(np.full(len(row), 25)),
            "infusions": pa.array(draws.integers(6, 13, len(row))),
        }
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--courses", action="store_true")
    given = parser.parse_args()
    write_registry(given.folder, given.rows, seed=given.seed, kind=given.format, courses=given.courses)


if __name__ == "__main__":
    main()
