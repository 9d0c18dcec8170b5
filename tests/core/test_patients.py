"""The table of patients holds what was asked for and no more; a patient's history is in order."""

from pathlib import Path

import numpy as np
import pandas as pd

from core.patients import END, FOLLOW_UP, PATIENT, history, patients_table, position_of
from core.registry import read_registry
from core.timeline import arranged, timeline

FOLDER = Path(__file__).parents[2] / "data" / "sample"
REGISTRY = read_registry(FOLDER)
SOURCE = pd.read_csv(FOLDER / "patients.csv")
EVERYBODY = np.ones(len(REGISTRY), dtype=bool)


def variables(*names):
    return [REGISTRY.dictionary[name] for name in names]


def test_only_what_is_asked_for_is_in_the_frame_in_the_order_of_the_file():
    frame = patients_table(REGISTRY, EVERYBODY, variables("stage", "age"))
    assert list(frame.columns) == [PATIENT, FOLLOW_UP, END, "Stage", "Age (years)"]
    assert frame[PATIENT].tolist() == SOURCE["patient_id"].tolist()
    assert frame["Age (years)"].tolist() == SOURCE["age"].tolist()
    assert (frame[END] == "Death").sum() == 20


def test_dates_are_days_from_diagnosis_unless_they_are_wanted():
    onset = variables("onset_date")
    days = patients_table(REGISTRY, EVERYBODY, onset)["Onset of lesions (days from diagnosis)"]
    expected = (pd.to_datetime(SOURCE["onset_date"]) - pd.to_datetime(SOURCE["diagnosis_date"])).dt.days
    assert days.tolist() == expected.tolist()
    dates = patients_table(REGISTRY, EVERYBODY, onset, dates=True)["Onset of lesions"]
    assert dates.tolist() == pd.to_datetime(SOURCE["onset_date"]).tolist()


def test_the_history_of_a_patient_is_in_order_and_complete():
    for patient in ("S01", "S05", "S40"):
        position = position_of(REGISTRY, patient)
        frame = history(REGISTRY, position)
        assert frame["day"].is_monotonic_increasing
        row = SOURCE[SOURCE["patient_id"] == patient].iloc[0]
        ends = "Death" if isinstance(row["death_date"], str) else "Last contact"
        last = pd.Timestamp(row["death_date"] if ends == "Death" else row["last_contact_date"])
        day = frame.loc[frame["what"] == ends, "day"].item()
        assert day == (last - pd.Timestamp(row["diagnosis_date"])).days
        assert frame["what"].str.startswith("Course ").sum() == (REGISTRY.courses["row"] == position).sum()
    assert position_of(REGISTRY, "S99") is None


def test_timelines_in_another_order_keep_what_belongs_to_each_patient():
    found = timeline(REGISTRY, EVERYBODY)
    other = arranged(found, -found.bars["row"].to_numpy())
    assert other.bars["patient"].tolist() == found.bars["patient"].tolist()[::-1]
    patient_of = other.bars.set_index("row")["patient"]
    for frame, before in ((other.courses, found.courses), (other.marks, found.marks)):
        assert (frame["row"].map(patient_of) == frame["patient"]).all()
        assert sorted(map(str, frame.drop(columns="row").to_numpy().tolist())) == sorted(
            map(str, before.drop(columns="row").to_numpy().tolist())
        )
