"""Timelines: one bar a patient, everything inside it, no dates."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.exposures import course_months, exposures_of
from core.registry import read_registry
from core.timeline import timeline

REGISTRY = read_registry(Path(__file__).parents[2] / "data" / "sample")
EVERYBODY = np.ones(len(REGISTRY), dtype=bool)
THIRD = exposures_of(REGISTRY)[2]


@pytest.mark.parametrize("sort", ["follow-up", "exposure", "stage"])
def test_everybody_has_one_bar_and_one_end(sort):
    found = timeline(REGISTRY, EVERYBODY, exposure=THIRD, sort=sort)
    assert found.bars["row"].tolist() == list(range(51))
    assert sorted(found.bars["position"]) == list(range(51))
    ends = found.marks[found.marks["kind"].isin(["Death", "Last contact"])]
    assert ends["kind"].value_counts().to_dict() == {"Death": 20, "Last contact": 31}
    assert sorted(ends["row"]) == list(range(51))
    assert (found.marks["kind"] == "Infection").sum() == 14
    assert (found.marks["kind"] == "Resolved").sum() == 18
    assert len(found.courses) == len(REGISTRY.courses)
    assert len(found.immortal) == 29


def test_nothing_lies_outside_its_bar_and_nothing_is_a_date():
    found = timeline(REGISTRY, EVERYBODY, exposure=THIRD)
    end = found.bars.set_index("row")["end"]
    for frame, columns in ((found.courses, ["start", "stop"]), (found.marks, ["month"]), (found.immortal, ["end"])):
        for column in columns:
            assert frame[column].between(0, end.loc[frame["row"]].to_numpy()).all(), column
    for frame in (found.bars, found.courses, found.marks, found.immortal):
        assert not any(pd.api.types.is_datetime64_any_dtype(kind) for kind in frame.dtypes)


def test_the_same_patient_is_on_the_same_row_in_every_frame():
    found = timeline(REGISTRY, EVERYBODY, exposure=THIRD, sort="stage")
    patient = found.bars.set_index("row")["patient"]
    position = found.bars.set_index("row")["position"]
    for frame in (found.courses, found.marks, found.immortal):
        assert frame["patient"].tolist() == patient.loc[frame["row"]].tolist()
    months = course_months(REGISTRY)
    for course in found.courses.itertuples():
        assert course.start == months[position[course.row], course.course - 1]
    assert found.immortal["end"].tolist() == months[position.loc[found.immortal["row"]], 2].tolist()


def test_rows_are_sorted_as_asked():
    by_follow_up = timeline(REGISTRY, EVERYBODY).bars
    assert by_follow_up["end"].is_monotonic_decreasing
    by_exposure = timeline(REGISTRY, EVERYBODY, exposure=THIRD, sort="exposure")
    assert by_exposure.immortal["row"].tolist() == list(range(29))
    assert by_exposure.immortal["end"].is_monotonic_increasing
    assert by_exposure.bars["end"].iloc[29:].is_monotonic_decreasing
    by_stage = timeline(REGISTRY, EVERYBODY, sort="stage").bars
    assert by_stage["group"].tolist() == ["Earlier"] * 28 + ["Later"] * 23
    assert by_stage.groupby("group")["end"].apply(lambda end: end.is_monotonic_decreasing).all()
    with pytest.raises(ValueError, match="sorted"):
        timeline(REGISTRY, EVERYBODY, sort="exposure")
    with pytest.raises(ValueError, match="sorted"):
        timeline(REGISTRY, EVERYBODY, sort="age")


def test_only_the_masked_patients_appear():
    later = (REGISTRY.values("stage") == "Later").to_numpy()
    found = timeline(REGISTRY, later, exposure=THIRD)
    assert len(found.bars) == 23
    assert later[found.bars["position"]].all()
    chosen = set(REGISTRY.follow_up["patient"][later])
    assert set(found.courses["patient"]) <= chosen
    assert set(found.immortal["patient"]) <= chosen
    nobody = timeline(REGISTRY, np.zeros(len(REGISTRY), dtype=bool), exposure=THIRD)
    assert [len(f) for f in (nobody.bars, nobody.courses, nobody.marks, nobody.immortal)] == [0, 0, 0, 0]


def test_a_registry_without_dates_still_has_bars(pbc_folder):
    registry = read_registry(pbc_folder)
    found = timeline(registry, np.ones(len(registry), dtype=bool), sort="sex")
    assert len(found.bars) == len(found.marks) == 418
    assert len(found.courses) == len(found.immortal) == 0
    assert set(found.bars["end_kind"]) == {"Death", "Last contact", "Another end of follow-up"}
