"""Follow-up: how long, how complete, and when."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.conventions import DAYS_PER_MONTH
from core.errors import NotEstimable
from core.follow_up import accrual, completeness, follow_up_summary
from core.registry import read_registry
from core.registry.reading import build_registry
from core.survival import Outcome, kaplan_meier
from tests.registries.write_pbc import write

SAMPLE = read_registry(Path(__file__).parents[2] / "data" / "sample")
EVERYBODY = np.ones(len(SAMPLE), dtype=bool)
DICTIONARY = pd.DataFrame(
    {
        "name": ["id", "from", "seen", "died"],
        "label": ["Patient", "Diagnosis", "Last contact", "Death"],
        "kind": ["text", "date", "date", "date"],
        "means": ["patient_id", "diagnosis_date", "last_contact_date", "death_date"],
    }
)


def registry(*rows):
    """A registry of (diagnosis, last contact, death)."""
    table = pd.DataFrame(
        [(f"P{i}", *row) for i, row in enumerate(rows)], columns=["id", "from", "seen", "died"], dtype=str
    )
    return build_registry("small", DICTIONARY, table, None)


THREE = registry(
    ("2020-01-01", "2020-12-31", ""),  # to the cut-off: 365 days
    ("2020-01-01", "2020-07-01", ""),  # lost: 182 of 365 days
    ("2020-03-01", "2020-04-10", "2020-04-10"),  # died: 40 days, complete
)


def test_completeness_is_observed_over_possible_person_time_with_deaths_complete():
    row = completeness(THREE, np.ones(3, dtype=bool)).iloc[0]
    assert row["completeness"] == pytest.approx((365 + 182 + 40) / (365 + 365 + 40))
    assert row["person_months"] == pytest.approx(587 / DAYS_PER_MONTH)
    assert row["potential_months"] == pytest.approx(770 / DAYS_PER_MONTH)
    assert (row["n"], row["n_event"], row["n_behind"]) == (3, 1, 1)
    assert row["longest_gap"] == pytest.approx(183 / DAYS_PER_MONTH)


def test_completeness_of_a_cohort_keeps_the_cut_off_of_the_registry():
    lost = (THREE.follow_up["days"] == 182).to_numpy()
    assert completeness(THREE, lost)["completeness"].item() == pytest.approx(182 / 365)


def test_completeness_where_no_time_was_possible_is_not_estimable():
    assert np.isnan(completeness(registry(("2020-01-01", "2020-01-01", "")), [True])["completeness"].item())


def test_completeness_of_the_sample_agrees_with_a_sum_over_its_dates():
    patients = SAMPLE.patients
    end = patients["death_date"].fillna(patients["last_contact_date"])
    possible = patients["death_date"].fillna(pd.Timestamp("2021-09-30"))
    observed, potential = ((dates - patients["diagnosis_date"]).dt.days.sum() for dates in (end, possible))
    row = completeness(SAMPLE, EVERYBODY).iloc[0]
    assert SAMPLE.cut_off == pd.Timestamp("2021-09-30")
    assert row["completeness"] == pytest.approx(observed / potential)
    assert row["n_event"] == 20


def test_groups_are_in_order_and_patients_without_one_are_left_out():
    stage = SAMPLE.patients["stage"].copy()
    stage.iloc[:4] = None
    for frame in (completeness(SAMPLE, EVERYBODY, stage), follow_up_summary(SAMPLE, EVERYBODY, stage)):
        assert frame["stratum"].tolist() == ["Earlier", "Later"]
        assert frame["n"].sum() == 47
        died = (SAMPLE.follow_up["state"] == "death").to_numpy()
        assert frame["n_event"].tolist() == [int(died[stage == level].sum()) for level in ("Earlier", "Later")]


def test_the_median_is_that_of_the_reverse_curve():
    row = follow_up_summary(SAMPLE, EVERYBODY).iloc[0]
    months = SAMPLE.follow_up["days"] / DAYS_PER_MONTH
    died = SAMPLE.follow_up["state"] == "death"
    curve = kaplan_meier(Outcome(months, died))
    assert row["median"] == curve.summary["follow_up"].item()
    assert kaplan_meier(Outcome(months, ~died)).summary["median"].item() == row["median"]
    assert row["lower_quartile"] <= row["median"] <= row["upper_quartile"] <= row["longest"]
    assert row["longest"] == months.max()
    assert (row["n"], row["n_event"]) == (51, 20)


def test_accrual_counts_every_patient_once_up_to_the_cut_off():
    frame = accrual(SAMPLE, EVERYBODY)
    assert frame["period"].iloc[[0, -1]].tolist() == ["2015 Q4", "2021 Q3"]
    assert len(frame) == 24
    assert frame["n_cumulative"].iloc[-1] == frame["n_new"].sum() == 51
    assert frame["n_event_cumulative"].iloc[-1] == frame["n_event"].sum() == 20
    assert frame["n_followed"].iloc[-1] == 0
    at_end_of_2018 = pd.Timestamp("2018-12-31")
    row = frame[frame["end"] == at_end_of_2018].iloc[0]
    patients = SAMPLE.patients
    assert row["n_cumulative"] == (patients["diagnosis_date"] <= at_end_of_2018).sum()
    assert row["n_event_cumulative"] == (patients["death_date"] <= at_end_of_2018).sum()
    last = patients["death_date"].fillna(patients["last_contact_date"])
    assert row["n_followed"] == ((patients["diagnosis_date"] <= at_end_of_2018) & (last > at_end_of_2018)).sum()


@pytest.mark.parametrize(("period", "labels"), [("month", ["2020-01", "2020-12"]), ("year", ["2020", "2020"])])
def test_periods(period, labels):
    frame = accrual(THREE, np.ones(3, dtype=bool), period)
    assert frame["period"].iloc[[0, -1]].tolist() == labels
    assert frame["n_new"].sum() == 3
    if period == "month":
        assert frame["n_new"].tolist() == [2, 0, 1] + [0] * 9
        assert frame["n_event"].tolist() == [0] * 3 + [1] + [0] * 8
    with pytest.raises(ValueError, match="period"):
        accrual(THREE, np.ones(3, dtype=bool), "decade")


@given(st.lists(st.booleans(), min_size=51, max_size=51).filter(any), st.sampled_from(["month", "quarter", "year"]))
@settings(deadline=None, max_examples=40)
def test_any_cohort_adds_up(mask, period):
    mask = np.array(mask)
    frame, whole = accrual(SAMPLE, mask, period), completeness(SAMPLE, mask).iloc[0]
    died = int((SAMPLE.follow_up["state"][mask] == "death").sum())
    assert frame["n_new"].sum() == mask.sum() == whole["n"]
    assert frame["n_event"].sum() == died == whole["n_event"]
    assert (frame["n_followed"] >= 0).all()
    assert 0 < whole["completeness"] <= 1


def test_a_registry_of_durations_has_a_median_but_no_calendar(tmp_path):
    write(tmp_path / "pbc")
    pbc = read_registry(tmp_path / "pbc")
    everybody = np.ones(len(pbc), dtype=bool)
    row = follow_up_summary(pbc, everybody).iloc[0]
    months, died = pbc.follow_up["days"] / DAYS_PER_MONTH, pbc.follow_up["state"] == "death"
    censored = (pbc.follow_up["state"] == "alive").to_numpy()
    assert row["median"] == kaplan_meier(Outcome(months, censored)).summary["median"].item()
    assert row["n_event"] == died.sum() == 161
    for question in (completeness, accrual):
        with pytest.raises(NotEstimable, match=r"not from when to when.*patients\.csv"):
            question(pbc, everybody)
        # the owner of an upload has no patients.csv
        with pytest.raises(NotEstimable, match=r"only the length .* not from when to when.* not shown\.$"):
            question(replace(pbc, is_upload=True), everybody)


def test_without_patients_it_says_so():
    for question in (follow_up_summary, completeness, accrual):
        with pytest.raises(NotEstimable, match="No patient is left"):
            question(SAMPLE, ~EVERYBODY)
