"""The committed sample: published margins, possible histories, a complete dictionary, and the generator that wrote it."""

import copy
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
GENERATED = ("patients.csv", "sts_courses.csv")
POST_BASELINE = ("infection", "bacteraemia", "debridement", "cinacalcet", "bisphosphonate", "hyperbaric_oxygen")
LATER = ("ulcer", "necrosis", "eschar")


@pytest.fixture(scope="module")
def patients():
    table = pd.read_csv(SAMPLE / "patients.csv")
    for column in [c for c in table.columns if c.endswith("_date")]:
        table[column] = pd.to_datetime(table[column], format="%Y-%m-%d")
    return table


@pytest.fixture(scope="module")
def courses():
    return pd.read_csv(SAMPLE / "sts_courses.csv", parse_dates=["start", "stop"], date_format="%Y-%m-%d")


@pytest.fixture(scope="module")
def dictionary():
    return pd.read_csv(SAMPLE / "dictionary.csv", dtype=str, keep_default_na=False).set_index("name", drop=False)


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("sample_generate", SAMPLE / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Margins


def test_number_and_period_of_patients(patients):
    assert len(patients) == 51
    assert patients["diagnosis_date"].min().strftime("%Y-%m") == "2015-12"
    assert patients["diagnosis_date"].max().strftime("%Y-%m") == "2020-09"


def test_age_and_sex(patients):
    assert (patients["age"] % 1 == 0).all()
    assert f"{patients['age'].mean():.2f}" == "52.02"
    assert f"{patients['age'].std(ddof=1):.2f}" == "14.09"
    assert patients["sex"].value_counts().to_dict() == {"male": 32, "female": 19}


def test_dialysis_and_vintage(patients):
    assert patients["dialysis_status"].value_counts().to_dict() == {
        "haemodialysis": 43,
        "peritoneal_dialysis": 4,
        "not_on_dialysis": 2,
        "transplant": 2,
    }
    on_dialysis = patients["dialysis_status"].isin(["haemodialysis", "peritoneal_dialysis"])
    assert patients["vintage"].notna().equals(on_dialysis)
    assert patients["vintage"].median() == 88


def test_outcomes(patients):
    dead, resolved = patients["death_date"].notna(), patients["resolution_date"].notna()
    assert dead.sum() == 20
    assert resolved.sum() == 18
    assert (dead & resolved).sum() == 2
    assert (patients.loc[resolved & dead, "cause_of_death"] != "calciphylaxis").all()


def test_a_few_are_lost_to_follow_up(patients):
    visits = patients.loc[patients["death_date"].isna(), "last_contact_date"]
    assert (visits < "2021-08-16").sum() == 4
    assert visits.max() <= pd.Timestamp("2021-09-30")


def test_every_row_says_that_it_is_synthetic(patients):
    assert set(patients["data_source"]) == {"Synthetic sample"}


# Histories that can have happened


def test_pseudonyms_are_sorted_and_unique(patients):
    assert patients["patient_id"].tolist() == [f"S{i:02d}" for i in range(1, 52)]


def test_no_column_identifies_a_person(patients, courses):
    words = {"name", "initials", "birth", "birthday", "dob", "address", "phone", "email", "mrn", "passport", "ssn"}
    for column in [*patients.columns, *courses.columns]:
        assert not words & set(column.split("_")), column


def test_dates_are_in_order(patients):
    first, last = patients["diagnosis_date"], patients["last_contact_date"]
    assert (patients["onset_date"] <= first).all()
    assert last.notna().all()
    assert (last >= first).all()
    assert (last <= "2021-09-30").all()
    for column in [*(f"{event}_date" for event in POST_BASELINE), "resolution_date", "death_date"]:
        dates = patients[column]
        assert (dates.isna() | dates.between(first, last)).all(), column


def test_death_ends_follow_up_and_has_a_cause(patients):
    dead = patients["death_date"].notna()
    assert patients.loc[dead, "death_date"].equals(patients.loc[dead, "last_contact_date"].rename("death_date"))
    assert patients["cause_of_death"].notna().equals(dead)


@pytest.mark.parametrize("event", POST_BASELINE)
def test_an_event_has_a_date_and_a_date_an_event(patients, event):
    assert set(patients[event]) == {"no", "yes"}
    assert (patients[event] == "yes").equals(patients[f"{event}_date"].notna())


def test_some_infections_are_there_at_diagnosis_and_most_come_later(patients):
    at_diagnosis = (patients["infection_date"] == patients["diagnosis_date"]).sum()
    later = (patients["infection_date"] > patients["diagnosis_date"]).sum()
    assert 0 < at_diagnosis < later


def test_courses_lie_within_follow_up(patients, courses):
    rows = courses.merge(patients, on="patient_id", how="left", validate="many_to_one")
    assert rows["diagnosis_date"].notna().all()
    assert (rows["start"] >= rows["diagnosis_date"]).all()
    assert (rows["stop"] >= rows["start"]).all()
    assert (rows["stop"] <= rows["last_contact_date"]).all()
    assert (rows["resolution_date"].isna() | (rows["start"] < rows["resolution_date"])).all()
    assert (rows["death_date"].isna() | (rows["stop"] < rows["death_date"])).all()
    assert rows["infusions"].between(1, 12).all()
    assert rows["grams_per_infusion"].isin([12.5, 20, 25]).all()


def test_courses_are_numbered_in_order(courses):
    for _, rows in courses.groupby("patient_id"):
        assert rows["course"].tolist() == list(range(1, len(rows) + 1))
        assert (rows["start"].to_numpy()[1:] > rows["stop"].to_numpy()[:-1]).all()


# Dictionary


def test_names_and_labels_are_unique(dictionary):
    for column in ("name", "label", "label_zh"):
        assert (dictionary[column] != "").all()
        assert dictionary[column].is_unique, column


def test_every_column_is_described_and_every_variable_is_there(dictionary, patients):
    recorded = dictionary.loc[dictionary["derived"] == "", "name"]
    assert set(recorded) == set(patients.columns)


def test_words_of_the_dictionary_are_known(dictionary):
    known = {
        "kind": {"binary", "nominal", "ordinal", "continuous", "count", "date", "text"},
        "role": {"identifier", "demographic", "clinical", "laboratory", "treatment", "outcome"},
        "timing": {"baseline", "post-baseline"},
        "summary": {"", "mean", "median"},
    }
    for column, words in known.items():
        assert set(dictionary[column]) <= words, column
    assert all(text.endswith(".") for text in dictionary["description"])


def test_levels_have_a_reference_and_a_translation(dictionary):
    for row in dictionary.itertuples():
        codes = [part.partition("=")[0] for part in row.levels.split("|")] if row.levels else []
        assert bool(codes) == (row.kind in ("binary", "nominal", "ordinal")), row.name
        assert not codes or row.reference in codes, row.name
        assert len(set(codes)) == len(codes)
        assert codes == ([part.partition("=")[0] for part in row.levels_zh.split("|")] if row.levels_zh else []), (
            row.name
        )


def test_values_are_levels_and_within_hard_limits(dictionary, patients):
    for row in dictionary[dictionary["derived"] == ""].itertuples():
        values = patients[row.name].dropna()
        if row.levels:
            assert set(values) <= {part.partition("=")[0] for part in row.levels.split("|")}, row.name
        if row.kind in ("continuous", "count"):
            assert pd.api.types.is_numeric_dtype(values), row.name
            limits = (row.hard_min, row.soft_min, row.soft_max, row.hard_max)
            given = [float(limit) for limit in limits if limit]
            assert given == sorted(given), row.name
            assert values.between(float(row.hard_min), float(row.hard_max)).all(), row.name


def test_dated_by_names_a_date(dictionary):
    for row in dictionary[dictionary["dated_by"] != ""].itertuples():
        assert row.timing == "post-baseline"
        assert row.dated_by == "courses" or dictionary.loc[row.dated_by, "kind"] == "date", row.name


def test_some_laboratory_values_are_missing_and_few(dictionary, patients):
    laboratory = dictionary.loc[dictionary["role"] == "laboratory", "name"]
    missing = patients[laboratory].isna().mean()
    assert (missing > 0).all()
    assert (missing <= 0.10).all()
    assert patients["bmi"].isna().sum() == 2
    assert patients["pain"].isna().sum() == 1


# Generator


def test_the_command_writes_the_committed_files_byte_for_byte(tmp_path):
    subprocess.run([sys.executable, str(SAMPLE / "generate.py"), str(tmp_path)], check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(GENERATED)
    for name in GENERATED:
        committed = (SAMPLE / name).read_bytes()
        assert b"\r" not in committed
        assert (tmp_path / name).read_bytes() == committed, name


def test_the_seed_is_the_first_that_passes(generate):
    assert generate.search_seed() == generate.SEED


def test_courses_change_nothing_else(generate):
    patients = generate.draw_patients(generate.SEED)
    generate.draw_treatment(generate.SEED, patients)
    before = copy.deepcopy(patients)
    generate.draw_courses(generate.SEED + 1, patients)
    assert patients == before


def test_over_many_draws_sts_has_no_effect_once_its_time_is_counted_right(generate):
    """Cox scores at no effect, summed over draws with courses and all: near 0 by time, far below 0 by the final count."""
    at_risk_time, final_count = np.zeros(2), np.zeros(2)
    for seed in range(20_001, 20_121):
        patients = generate.draw_patients(seed)
        courses = generate.draw_courses(seed, patients)
        third = courses[courses["course"] == 3].set_index("patient_id")["start"].to_dict()
        day_of_third = np.array(
            [
                (third[p["patient_id"]] - p["diagnosis_date"]).days if p["patient_id"] in third else np.inf
                for p in patients
            ]
        )
        end = np.array([p["end"] for p in patients])
        died = np.array([p["death"] is not None for p in patients])
        for i in np.flatnonzero(died):
            at_risk = end >= end[i]
            for sums, exposed in ((at_risk_time, day_of_third < end[i]), (final_count, day_of_third < np.inf)):
                share = exposed[at_risk].mean()
                sums += exposed[i] - share, share * (1 - share)
    one_step_log_hr = at_risk_time[0] / at_risk_time[1]
    assert abs(one_step_log_hr) < 0.15
    assert final_count[0] / final_count[1] < -0.5


def test_the_readme_states_the_truth_of_the_generator(generate):
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert "Synthetic sample" in readme
    for value in (
        generate.HR_LATER_STAGE,
        generate.HR_LESION_DURATION,
        generate.HR_INFECTION,
        generate.HR_VINTAGE,
        generate.HR_STS,
    ):
        assert re.search(rf"\| {value} \|", readme), value
    assert f"seed is {generate.SEED}" in readme
