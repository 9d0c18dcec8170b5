"""How often each of three analyses finds a benefit of STS where there is none.

    python benchmarks/no_sts_effect.py [--samples 200] [--courses 3] [--landmark 3] [--first-seed 50001]

The synthetic sample is generated again with other seeds (data/sample/generate.py). In all of them STS does nothing. Margins
that the committed sample holds by the choice of its seed are left to chance, so that nothing is selected. Each sample
is analysed in three ways: at least k courses as a label fixed at diagnosis, at a landmark, and time-dependent. Prints how
often each says p < 0.05 for benefit; 2.5 % is what a sound two-sided test should say.
"""

import argparse
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.conventions import DAYS_PER_MONTH  # noqa: E402
from core.survival import Outcome  # noqa: E402
from core.treatment import LANDMARK, NAIVE, TIME_DEPENDENT, three_estimates  # noqa: E402

FIRST_SEED = 50_001


def generator():
    spec = importlib.util.spec_from_file_location("sample_generate", ROOT / "data" / "sample" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def regenerated(generate, seed: int, courses: int) -> tuple[Outcome, np.ndarray]:
    """Time to death from any cause and to the start of the k-th course, in months, of one regenerated sample."""
    patients = generate.draw_patients(seed)
    given = generate.draw_courses(seed, patients)
    start = given[given["course"] == courses].set_index("patient_id")["start"]
    days = [
        (start[p["patient_id"]] - p["diagnosis_date"]).days if p["patient_id"] in start.index else np.nan
        for p in patients
    ]
    end = np.array([p["end"] for p in patients], dtype=float)
    died = [int(p["death"] is not None) for p in patients]
    return Outcome(end / DAYS_PER_MONTH, died), np.array(days) / DAYS_PER_MONTH


def estimates(samples: int, courses: int, landmark_months: float, first_seed: int = FIRST_SEED) -> pd.DataFrame:
    """The rows of ``three_estimates`` of every sample, with its seed."""
    generate = generator()
    if generate.HR_STS != 1.0:
        raise SystemExit("the generator gives STS an effect, so nothing here would be a false finding")
    found = []
    for seed in range(first_seed, first_seed + samples):
        outcome, exposure = regenerated(generate, seed, courses)
        found.append(three_estimates(outcome, exposure, landmark_months=landmark_months).assign(seed=seed))
    return pd.concat(found, ignore_index=True)


def table(found: pd.DataFrame) -> pd.DataFrame:
    """One row an analysis: quartiles of the hazard ratio, and the share of all samples with p < 0.05 either way."""
    rows = []
    for analysis in (NAIVE, LANDMARK, TIME_DEPENDENT):
        part = found[found["analysis"] == analysis]
        low, middle, high = part["estimate"].quantile([0.25, 0.5, 0.75])
        sure = part["p_value"] < 0.05
        rows.append(
            {
                "analysis": analysis,
                "samples": len(part),
                "not_estimable": int(part["estimate"].isna().sum()),
                "median_hr": middle,
                "lower_quartile": low,
                "upper_quartile": high,
                "benefit": float((sure & (part["estimate"] < 1)).mean()),
                "harm": float((sure & (part["estimate"] > 1)).mean()),
                "deaths": float(part["n_event"].mean()),
                "deaths_left_out": float(part["events_left_out"].mean()),
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="How often three analyses find a benefit of STS where there is none.")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--courses", type=int, default=3, help="exposed from the start of this course on")
    parser.add_argument("--landmark", type=float, default=3.0, help="months after diagnosis")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    asked = parser.parse_args()
    found = table(estimates(asked.samples, asked.courses, asked.landmark, asked.first_seed))
    print(
        f"{asked.samples} samples of 51 patients in which STS has no effect (seeds from {asked.first_seed}); "
        f"at least {asked.courses} courses; landmark at {asked.landmark:g} months\n"
    )
    print(f"{'analysis':<16}{'HR: median (quartiles)':<26}{'p<0.05 benefit':>15}{'p<0.05 harm':>13}", end="")
    print(f"{'deaths used':>13}{'left out':>10}{'not estimable':>15}")
    for row in found.itertuples():
        ratio = f"{row.median_hr:.2f} ({row.lower_quartile:.2f} to {row.upper_quartile:.2f})"
        print(f"{row.analysis:<16}{ratio:<26}{row.benefit:>15.1%}{row.harm:>13.1%}", end="")
        print(f"{row.deaths:>13.1f}{row.deaths_left_out:>10.1f}{row.not_estimable:>15}")


if __name__ == "__main__":
    main()
