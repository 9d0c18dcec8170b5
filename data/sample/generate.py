"""Write the synthetic sample registry: patients.csv and sts_courses.csv.

    python data/sample/generate.py [FOLDER]     writes the two files, byte for byte the same every time
    python data/sample/generate.py --search     repeats the choice of the seed, from 1 upwards

No patient stands behind any row. The margins below are those published for the registry; everything else is assumed.
The effects that are really in the data are the first constants. Courses of sodium thiosulfate (STS) are drawn last,
from a stream of their own, out of follow-up that is already fixed: they can change nothing else.
"""

import argparse
import datetime as dt
import math
from pathlib import Path

import numpy as np
import pandas as pd

# True effects, as hazard ratios. Death before resolution has two hazards, of calciphylaxis and of other causes.
HR_LATER_STAGE = 2.5  # later v earlier, on both hazards of death
HR_LESION_DURATION = 1.15  # per month from onset to diagnosis, on both hazards of death
HR_INFECTION = 3.0  # from the date of infection on, on both hazards of death
HR_VINTAGE = 1.08  # per 12 months on dialysis, on the hazard of death of calciphylaxis only
HR_STS = 1.0  # none: no line below lets a course act on death, resolution or infection
DEATH_SHAPE = 0.5  # Weibull shape of both hazards: cumulative hazard = rate * (days / 365.25) ** 0.5, front-loaded

# Rates for an earlier stage, 2 months of lesions, no infection, 88 months on dialysis (assumed)
CALCIPHYLAXIS_DEATH_RATE = 0.072
OTHER_DEATH_RATE = 0.032
DEATH_RATE_AFTER_RESOLUTION = 0.03  # of other causes, none of the effects above applies any more
RESOLUTION_RATE = {"earlier": 0.48, "later": 0.28}  # per year, beginning RESOLUTION_DELAY days after diagnosis
RESOLUTION_DELAY = 45
RESOLUTION_INFECTED = 0.5  # hazard ratio of resolution from the date of infection on
INFECTED_AT_DIAGNOSIS = {"earlier": 0.05, "later": 0.22}
INFECTION_RATE = {"earlier": 0.20, "later": 0.40}  # same shape as death
LOSS_RATE = 0.05  # per year

# Published margins, held exactly
N_PATIENTS = 51
N_FEMALE = 19
N_DIALYSIS_STATUS = {"haemodialysis": 43, "peritoneal_dialysis": 4, "not_on_dialysis": 2, "transplant": 2}
AGE_SUM = 2653  # mean 52.02
AGE_MEAN, AGE_SD = 52.02, 14.09
MEDIAN_VINTAGE = 88
N_DEAD, N_RESOLVED = 20, 18

# Assumed
MAX_DEAD_AFTER_RESOLUTION = 2
N_LOST = range(3, 7)
FIRST_MONTH = dt.date(2015, 12, 1)
LAST_MONTH = dt.date(2020, 9, 1)
CUT_OFF = dt.date(2021, 9, 30)

VISIBLE = 1.0  # an effect is visible when its Cox score statistic z, at no effect, is above this

SEED = 179


class Draws:
    """Random numbers of one topic. Only uniform draws are used: their stream is the same everywhere."""

    def __init__(self, seed: int, topic: int):
        self._generator = np.random.Generator(np.random.PCG64([seed, topic]))

    def uniform(self) -> float:
        return float(self._generator.random())

    def normal(self) -> float:
        return math.fsum(self.uniform() for _ in range(12)) - 6.0

    def exponential(self) -> float:
        return -math.log(1.0 - self.uniform())

    def chance(self, probability: float) -> bool:
        return self.uniform() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.uniform() * (high - low + 1))

    def one_of(self, weights: dict[str, float]) -> str:
        left = self.uniform() * sum(weights.values())
        for level, weight in weights.items():
            left -= weight
            if left < 0:
                return level
        return level

    def shuffled(self, values: list) -> list:
        return [value for _, value in sorted(((self.uniform(), value) for value in values), key=lambda pair: pair[0])]


def draw_ages(draws: Draws) -> list[int]:
    """Whole years with the published mean and standard deviation: drawn, rescaled, then moved by single years."""
    z = [draws.normal() for _ in range(N_PATIENTS)]
    mean = sum(z) / N_PATIENTS
    sd = math.sqrt(sum((x - mean) ** 2 for x in z) / (N_PATIENTS - 1))
    ages = [round(AGE_MEAN + AGE_SD * (x - mean) / sd) for x in z]
    middle = sorted(range(N_PATIENTS), key=lambda i: abs(ages[i] - AGE_MEAN))
    surplus = sum(ages) - AGE_SUM
    for i in middle[: abs(surplus)]:
        ages[i] -= 1 if surplus > 0 else -1
    target = AGE_SD**2 * (N_PATIENTS - 1) + AGE_SUM**2 / N_PATIENTS
    by_age = sorted(range(N_PATIENTS), key=lambda i: ages[i])
    for young, old in zip(by_age[5:25], reversed(by_age[26:46]), strict=True):
        # Moving a pair apart by one year each raises the sum of squares by 2 * (old - young + 1); together lowers it
        excess = sum(age * age for age in ages) - target
        gap = ages[old] - ages[young]
        if excess > gap - 1 > 0:
            ages[young], ages[old] = ages[young] + 1, ages[old] - 1
        elif -excess > gap + 1:
            ages[young], ages[old] = ages[young] - 1, ages[old] + 1
    return ages


def draw_vintages(draws: Draws, ages: list[int], statuses: list[str]) -> list[int | None]:
    """Months on dialysis, log-normal, scaled so that the median is the published one; none before the age of 15."""
    on_dialysis = [status in ("haemodialysis", "peritoneal_dialysis") for status in statuses]
    z = [0.79 * draws.normal() - (0.6 if s == "peritoneal_dialysis" else 0.0) for s in statuses]
    middle = float(np.median([x for x, on in zip(z, on_dialysis, strict=True) if on]))
    vintages = []
    for x, age, on in zip(z, ages, on_dialysis, strict=True):
        vintage = round(MEDIAN_VINTAGE * math.exp(x - middle))
        vintages.append(min(vintage, (age - 15) * 12, 360) if on else None)
    return vintages


def draw_diagnosis_dates(draws: Draws) -> list[dt.date]:
    first = FIRST_MONTH + dt.timedelta(draws.whole(6, 30))
    last = LAST_MONTH + dt.timedelta(draws.whole(0, 26))
    between = [first + dt.timedelta(draws.whole(1, (last - first).days - 1)) for _ in range(N_PATIENTS - 2)]
    return sorted([first, *between, last])


def draw_baseline(seed: int) -> list[dict]:
    """Everything known on the day of diagnosis."""
    draws = Draws(seed, 1)
    ages = draw_ages(draws)
    sexes = draws.shuffled(["female"] * N_FEMALE + ["male"] * (N_PATIENTS - N_FEMALE))
    statuses = draws.shuffled([status for status, n in N_DIALYSIS_STATUS.items() for _ in range(n)])
    vintages = draw_vintages(draws, ages, statuses)
    patients = []
    for i, diagnosis in enumerate(draw_diagnosis_dates(draws)):
        p = {"patient_id": f"S{i + 1:02d}", "data_source": "Synthetic sample"}
        p |= {"age": ages[i], "sex": sexes[i], "dialysis_status": statuses[i], "vintage": vintages[i]}
        p["bmi"] = round(min(max(22.6 + 3.4 * draws.normal(), 15.5), 38.0), 1)
        p["diabetes"] = draws.chance(0.15 + 0.006 * max(ages[i] - 40, 0) + 0.02 * max(p["bmi"] - 24, 0))
        p["atrial_fibrillation"] = draws.chance(0.04 + 0.008 * max(ages[i] - 50, 0))
        p["warfarin"] = draws.chance(0.55 if p["atrial_fibrillation"] else 0.08)
        p["hyperparathyroidism"] = draws.chance(0.77 if (vintages[i] or 0) > 48 else 0.6)
        p["parathyroidectomy"] = p["hyperparathyroidism"] and draws.chance(0.43)
        days = min(max(round(60 * math.exp(0.85 * draws.normal())), 5), 365)
        p["lesion_days"] = days
        p["onset_date"], p["diagnosis_date"] = diagnosis - dt.timedelta(days), diagnosis
        later = draws.chance(1 / (1 + math.exp(-0.3 - 0.4 * math.log(days / 60))))
        p["stage"] = "later" if later else "earlier"
        p["lesion_type"] = draws.one_of(
            {"ulcer": 0.55, "necrosis": 0.25, "eschar": 0.2}
            if later
            else {"livedo": 0.2, "purpura": 0.25, "plaque": 0.35, "nodule": 0.2}
        )
        site = {"distal": 0.5, "central": 0.27, "both": 0.18, "penile": 0.05 if sexes[i] == "male" else 0.0}
        p["lesion_site"] = draws.one_of(site)
        p["pain"] = round(min(max(6.0 + 1.2 * later + 1.8 * draws.normal(), 0), 10))
        p["biopsy"] = draws.one_of({"not_done": 0.29, "negative": 0.25, "positive": 0.46})
        p["infected_at_diagnosis"] = draws.chance(INFECTED_AT_DIAGNOSIS[p["stage"]])
        patients.append(p)
    return patients


def draw_laboratory(seed: int, patients: list[dict]) -> None:
    draws = Draws(seed, 2)
    for p in patients:
        middle = 850 if p["hyperparathyroidism"] and not p["parathyroidectomy"] else 190 - 60 * p["parathyroidectomy"]
        ipth = middle * math.exp(0.7 * draws.normal())
        p["ipth"] = round(min(max(ipth, 6), 3200))
        turnover = math.log(p["ipth"] / 350)
        p["alp"] = round(min(115 * math.exp(0.25 * turnover + 0.4 * draws.normal()), 1400))
        p["calcium"] = round(2.33 - 0.09 * p["parathyroidectomy"] + 0.2 * draws.normal(), 2)
        p["phosphate"] = round(max(1.9 + 0.1 * turnover - 0.008 * (p["age"] - 52) + 0.5 * draws.normal(), 0.7), 2)
        later, infected = p["stage"] == "later", p["infected_at_diagnosis"]
        p["albumin"] = round(35.5 - 1.5 * later - 2.0 * infected + 4.2 * draws.normal(), 1)
        p["haemoglobin"] = round(101 - 3 * later - 5 * infected + 16 * draws.normal())
        p["crp"] = round(min(max(9 * math.exp(0.6 * later + 1.3 * infected + 0.9 * draws.normal()), 0.5), 280), 1)


def draw_follow_up(seed: int, patients: list[dict]) -> None:
    """Infection, resolution, death and the end of follow-up, in whole days after diagnosis; None: it did not happen.

    Every event time is the moment at which its cumulative hazard passes an exponential draw.
    """
    draws = Draws(seed, 3)
    for p in patients:
        risk = HR_LESION_DURATION ** (p["lesion_days"] / 30.4375 - 2)
        if p["stage"] == "later":
            risk *= HR_LATER_STAGE
        of_vintage = 1.0 if p["vintage"] is None else HR_VINTAGE ** ((p["vintage"] - MEDIAN_VINTAGE) / 12)

        infection = math.ceil(365.25 * (draws.exponential() / INFECTION_RATE[p["stage"]]) ** (1 / DEATH_SHAPE))
        if p["infected_at_diagnosis"]:
            infection = 0
        resolution = time_of_resolution(draws.exponential(), p["stage"], infection)
        of_calciphylaxis = time_of_death(draws.exponential(), CALCIPHYLAXIS_DEATH_RATE * risk * of_vintage, infection)
        of_other = time_of_death(draws.exponential(), OTHER_DEATH_RATE * risk, infection)
        after_resolution = resolution + math.ceil(365.25 * draws.exponential() / DEATH_RATE_AFTER_RESOLUTION)

        death = min(of_calciphylaxis, of_other)
        if resolution < death:
            death, cause = after_resolution, "other"
        else:
            cause = "calciphylaxis" if of_calciphylaxis <= of_other else "other"
        if cause == "other":
            cause = draws.one_of({"cardiovascular": 0.55, "other_infection": 0.25, "other": 0.2})
        if draws.chance(0.06):
            cause = "unknown"

        at_cut_off = (CUT_OFF - p["diagnosis_date"]).days - draws.whole(0, 45)  # the last visit before the cut-off
        lost = math.ceil(365.25 * draws.exponential() / LOSS_RATE)
        end = min(at_cut_off, lost, death)
        p["death"] = death if death == end else None
        p["lost"] = p["death"] is None and lost < at_cut_off
        p["cause_of_death"] = cause if p["death"] is not None else None
        p["resolution"] = resolution if resolution <= end and resolution != death else None
        p["infection"] = infection if infection <= min(end, resolution) else None
        p["end"] = end


def time_of_death(exponential: float, rate: float, infection: int) -> int:
    clock = (infection / 365.25) ** DEATH_SHAPE
    before = rate * clock
    if exponential > before:
        clock += (exponential - before) / (rate * HR_INFECTION)
    else:
        clock = exponential / rate
    years = clock ** (1 / DEATH_SHAPE)
    return max(math.ceil(365.25 * years), 1)


def time_of_resolution(exponential: float, stage: str, infection: int) -> int:
    rate = RESOLUTION_RATE[stage] / 365.25
    before = rate * max(infection - RESOLUTION_DELAY, 0)
    if exponential > before:
        days = max(infection, RESOLUTION_DELAY) + (exponential - before) / (rate * RESOLUTION_INFECTED)
    else:
        days = RESOLUTION_DELAY + exponential / rate
    return math.ceil(days)


def draw_treatment(seed: int, patients: list[dict]) -> None:
    """Bacteraemia and the treatments other than STS: without effect, and only while unresolved and alive."""
    draws = Draws(seed, 4)
    for p in patients:
        open_until = min(p["end"], p["resolution"] if p["resolution"] is not None else p["end"])
        later = p["stage"] == "later"
        planned = {
            "debridement": (0.45 if later else 0.1, draws.whole(2, 90)),
            "cinacalcet": (
                0.4 if p["hyperparathyroidism"] and not p["parathyroidectomy"] else 0.04,
                draws.whole(0, 60),
            ),
            "bisphosphonate": (0.14, draws.whole(1, 60)),
            "hyperbaric_oxygen": (0.12 + 0.08 * later, draws.whole(7, 120)),
        }
        if p["infection"] is None:
            planned["bacteraemia"] = (0.06, draws.whole(0, 365))
        else:
            planned["bacteraemia"] = (0.45, p["infection"] + draws.whole(0, 14))
        for event, (probability, day) in planned.items():
            p[event] = day if draws.chance(probability) and day <= open_until else None


def draw_courses(seed: int, patients: list[dict]) -> pd.DataFrame:
    """About one course a month, begun while unresolved and alive; after each course some patients stop."""
    draws = Draws(seed, 5)
    rows = []
    for p in patients:
        grams = {"low": 12.5, "middle": 20.0, "high": 25.0}[draws.one_of({"low": 0.55, "middle": 0.15, "high": 0.3})]
        begin = draws.whole(0, 21)
        goes_on = draws.chance(0.9)
        course = 0
        while goes_on and course < 8:
            if begin >= p["end"] or (p["resolution"] is not None and begin >= p["resolution"]):
                break
            planned = 3 * draws.whole(2, 4)  # three infusions a week for two to four weeks
            days = [begin + 7 * (k // 3) + 2 * (k % 3) for k in range(planned)]
            given = [day for day in days if day < p["end"]]
            course += 1
            start, stop = (p["diagnosis_date"] + dt.timedelta(day) for day in (given[0], given[-1]))
            rows.append((p["patient_id"], course, start, stop, grams, len(given)))
            goes_on = draws.chance(0.88)
            begin += draws.whole(28, 38)
    return pd.DataFrame(rows, columns=["patient_id", "course", "start", "stop", "grams_per_infusion", "infusions"])


# Values left out completely at random
MISSING = {
    "bmi": 2,
    "pain": 1,
    "calcium": 2,
    "phosphate": 2,
    "ipth": 4,
    "alp": 3,
    "albumin": 2,
    "haemoglobin": 2,
    "crp": 5,
}
COLUMNS = (
    "patient_id data_source age sex bmi dialysis_status vintage diabetes warfarin atrial_fibrillation "
    "hyperparathyroidism parathyroidectomy onset_date diagnosis_date lesion_type lesion_site pain biopsy "
    "infection infection_date bacteraemia bacteraemia_date "
    "calcium phosphate ipth alp albumin haemoglobin crp "
    "debridement debridement_date cinacalcet cinacalcet_date bisphosphonate bisphosphonate_date "
    "hyperbaric_oxygen hyperbaric_oxygen_date resolution_date death_date cause_of_death last_contact_date"
).split()
DATED = ("infection", "bacteraemia", "debridement", "cinacalcet", "bisphosphonate", "hyperbaric_oxygen")
HISTORY = ("diabetes", "warfarin", "atrial_fibrillation", "hyperparathyroidism", "parathyroidectomy")


def patients_table(seed: int, patients: list[dict]) -> pd.DataFrame:
    """The rows as text, with dates for days and some values left out completely at random."""
    draws = Draws(seed, 6)
    without = {column: draws.shuffled(list(range(N_PATIENTS)))[:n] for column, n in MISSING.items()}
    decimals = {"bmi": 1, "calcium": 2, "phosphate": 2, "albumin": 1, "crp": 1}
    rows = []
    for i, p in enumerate(patients):
        row = dict(p) | {event: p[event] is not None for event in DATED}
        row |= {f"{event}_date": p[event] for event in DATED}
        row |= {"resolution_date": p["resolution"], "death_date": p["death"], "last_contact_date": p["end"]}
        for column, value in row.items():
            if column in HISTORY + DATED:
                row[column] = "yes" if value else "no"
            elif column.endswith("_date") and isinstance(value, int):
                row[column] = (p["diagnosis_date"] + dt.timedelta(value)).isoformat()
            elif column in decimals:
                row[column] = f"{value:.{decimals[column]}f}"
        row |= {column: None for column, rows_without in without.items() if i in rows_without}
        rows.append({column: "" if row[column] is None else str(row[column]) for column in COLUMNS})
    return pd.DataFrame(rows, columns=COLUMNS)


def score_statistic(patients: list[dict], covariate, died) -> float:
    """Standardised Cox score at no effect: above 0 exactly when the estimated hazard ratio is above 1.

    `covariate(patient, day)` may depend on time; None leaves the patient out. Ties as Breslow.
    """
    score = information = 0.0
    for p in filter(died, patients):
        at_risk = [covariate(q, p["death"]) for q in patients if q["end"] >= p["death"]]
        at_risk = [x for x in at_risk if x is not None]
        if covariate(p, p["death"]) is None:
            continue
        mean = sum(at_risk) / len(at_risk)
        score += covariate(p, p["death"]) - mean
        information += sum((x - mean) ** 2 for x in at_risk) / len(at_risk)
    return score / math.sqrt(information) if information > 0 else 0.0


def visible_effects(patients: list[dict]) -> dict[str, float]:
    """The z statistic of each declared effect. STS is not among them, and is not looked at."""

    def dead(p):
        return p["death"] is not None

    def dead_of_calciphylaxis(p):
        return p["cause_of_death"] == "calciphylaxis"

    def infected(p, day):
        return float(p["infection"] is not None and p["infection"] < day)

    return {
        "later stage, death": score_statistic(patients, lambda p, _: float(p["stage"] == "later"), dead),
        "lesion duration, death": score_statistic(patients, lambda p, _: p["lesion_days"], dead),
        "infection, death": score_statistic(patients, infected, dead),
        "vintage, death of calciphylaxis": score_statistic(patients, lambda p, _: p["vintage"], dead_of_calciphylaxis),
        "infection, death of calciphylaxis": score_statistic(patients, infected, dead_of_calciphylaxis),
    }


def has_margins(patients: list[dict]) -> bool:
    """Whether the counts that are left to chance are the published ones."""
    vintages = [p["vintage"] for p in patients if p["vintage"] is not None]
    ages = [p["age"] for p in patients]
    return (
        sum(p["death"] is not None for p in patients) == N_DEAD
        and sum(p["resolution"] is not None for p in patients) == N_RESOLVED
        and sum(p["death"] is not None and p["resolution"] is not None for p in patients) <= MAX_DEAD_AFTER_RESOLUTION
        and sum(p["lost"] for p in patients) in N_LOST
        and float(np.median(vintages)) == MEDIAN_VINTAGE
        and sum(ages) == AGE_SUM
        and f"{np.std(ages, ddof=1):.2f}" == f"{AGE_SD:.2f}"
        and min(ages) >= 18
    )


def draw_patients(seed: int) -> list[dict]:
    patients = draw_baseline(seed)
    draw_laboratory(seed, patients)
    draw_follow_up(seed, patients)
    return patients


def search_seed() -> int:
    """The first seed from 1 upwards with all margins and with every declared effect visible."""
    seed = 0
    while True:
        seed += 1
        patients = draw_patients(seed)
        if has_margins(patients):
            z = visible_effects(patients)
            print(f"seed {seed}: margins hold;", "; ".join(f"{name} z = {value:.2f}" for name, value in z.items()))
            if min(z.values()) > VISIBLE:
                return seed


def write(folder: Path, seed: int = SEED) -> None:
    patients = draw_patients(seed)
    draw_treatment(seed, patients)
    tables = {"patients.csv": patients_table(seed, patients), "sts_courses.csv": draw_courses(seed, patients)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        (folder / name).write_bytes(table.to_csv(index=False, lineterminator="\n").encode("utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the synthetic sample registry.")
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(__file__).parent, help="where to write; default: here"
    )
    parser.add_argument("--search", action="store_true", help="only repeat the choice of the seed, from 1 upwards")
    arguments = parser.parse_args()
    if arguments.search:
        print(f"first seed that passes: {search_seed()}")
    else:
        write(arguments.folder)


if __name__ == "__main__":
    main()
