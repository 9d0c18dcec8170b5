"""The published statements: every count of the abstract is met by the sample, and no more is claimed than can be compared."""

import math

import numpy as np
import pandas as pd
import pytest

from core import findings
from core.analysis import Analysis
from core.registry import read_registry
from core.registry.reading import build_registry
from core.survival import cox, split_at_exposure
from core.view import filter_from_levels, make_view
from tests.conftest import ROOT

SAMPLE = read_registry(ROOT / "data" / "sample")


def seen(registry=SAMPLE, filters=(), **settings):
    return Analysis(registry, make_view(registry, "findings", filters, settings))


def by_name(analysis):
    return {row.name: row for row in findings.associations(analysis)}


def test_every_published_count_is_reproduced_exactly_on_the_sample():
    rows = {row.statement: row for row in findings.counts(seen())}
    assert {name: row.here for name, row in rows.items()} == {
        "Diagnosed": "December 2015 to September 2020",
        "Patients": "51",
        "Age": "52.02 ± 14.09 years",
        "Women": "37.3%",
        "On haemodialysis": "43 (84.3%)",
        "Dialysis vintage": "median 88 months",
        "Resolution of calciphylaxis": "18 (35.3%)",
        "Died": "20 (39.2%)",
    }
    assert all(row.here == row.published and row.verdict == findings.SAME_COUNT for row in rows.values())
    assert rows["Women"].detail == "19 of 51"


def test_every_published_association_has_its_row():
    assert list(by_name(seen())) == [
        "stage.overall",
        "lesion_duration.early",
        "infection.early",
        "lesion_duration.overall",
        "infection.overall",
        "vintage.specific",
        "infection.specific",
        "sts.overall",
        "other.overall",
    ]


def test_infection_and_courses_are_shown_fixed_and_from_their_dates():
    rows = by_name(seen())
    for name in ("infection.early", "infection.overall", "infection.specific", "sts.overall"):
        assert [result.analysis for result in rows[name].results] == [findings.FIXED, findings.FROM_DATE]


@pytest.mark.parametrize(
    ("name", "position", "expected"),
    [
        # as data/sample/README.md prints them
        ("stage.overall", 0, (2.38, 0.95, 5.99)),
        ("lesion_duration.overall", 0, (1.15, 1.00, 1.33)),
        ("infection.overall", 1, (2.52, 0.99, 6.42)),
        ("infection.specific", 1, (4.09, 1.34, 12.46)),
        ("vintage.specific", 0, (1.04, 0.97, 1.10)),
        ("sts.overall", 0, (0.29, 0.11, 0.73)),
        ("sts.overall", 1, (0.74, 0.24, 2.31)),
    ],
)
def test_the_ratios_are_those_of_the_sample(name, position, expected):
    result = by_name(seen())[name].results[position]
    assert tuple(round(x, 2) for x in (result.estimate, result.conf_low, result.conf_high)) == expected
    assert result.verdict == findings.SAME_DIRECTION
    assert ("includes 1" in result.note) == (result.conf_low <= 1 <= result.conf_high)


def test_from_its_date_on_is_the_time_dependent_model():
    table, days = SAMPLE.follow_up, SAMPLE.days_to["infection_date"].to_numpy(dtype=float)
    analysis = seen()
    outcome = analysis.outcome
    assert len(outcome) == len(table)
    rows, exposed, _ = split_at_exposure(outcome, days / 30.4375)
    expected = cox(rows, pd.Series(exposed.astype(float), name="infected")).terms.iloc[0]["estimate"]
    assert by_name(analysis)["infection.overall"].results[1].estimate == pytest.approx(expected, rel=1e-9)


def test_the_early_window_and_the_unknown_cause_are_obeyed():
    events = [by_name(seen(window=window))["lesion_duration.early"].results[0].n_event
              for window in ("3 months", "6 months", "12 months")]  # fmt: skip
    died = SAMPLE.follow_up.query("state == 'death'")["days"].to_numpy()
    assert events == [int((died <= months * 30.4375).sum()) for months in (3, 6, 12)]
    assert by_name(seen(unknown_cause="calciphylaxis"))["infection.specific"].results[0].n_event == 14


def test_a_filter_changes_counts_and_is_not_called_the_same():
    later = filter_from_levels(SAMPLE.dictionary["stage"], ["Later"])
    rows = {row.statement: row for row in findings.counts(seen(filters=(later,)))}
    assert rows["Patients"].here == "23"
    assert rows["Patients"].verdict == findings.OTHER_COUNT
    stage = by_name(seen(filters=(later,)))["stage.overall"].results[0]
    assert stage.verdict == findings.NOT_ESTIMABLE
    assert math.isnan(stage.estimate)
    assert stage.note


def test_nobody_left_gives_words_and_no_number():
    filters = (
        filter_from_levels(SAMPLE.dictionary["stage"], ["Later"]),
        filter_from_levels(SAMPLE.dictionary["lesion_type"], ["Livedo"]),
    )
    for row in findings.associations(seen(filters=filters)):
        for result in row.results:
            assert math.isnan(result.estimate)
            assert result.note
            assert result.verdict in (findings.NOT_ESTIMABLE, findings.NOT_COMPARABLE)
    verdicts = {row.statement: row.verdict for row in findings.counts(seen(filters=filters))}
    assert verdicts["Patients"] == findings.OTHER_COUNT
    assert verdicts["Age"] == findings.NOT_COMPARABLE


def test_what_another_registry_does_not_record_cannot_be_compared(pbc_folder):
    pbc = read_registry(pbc_folder)
    rows = by_name(seen(pbc))
    for name, row in rows.items():
        (result,) = row.results
        if name != "stage.overall":
            assert result.verdict == findings.NOT_COMPARABLE
            assert result.note.startswith("Not recorded in this registry: ")
    assert rows["stage.overall"].ratio_of == "Histologic stage, per step"
    counts = {row.statement: row for row in findings.counts(seen(pbc))}
    assert counts["Patients"].here == "418"
    assert counts["Resolution of calciphylaxis"].verdict == findings.NOT_COMPARABLE


def test_an_opposite_direction_is_called_so():
    """The sample with the names of the stages exchanged."""
    dictionary, patients = (
        pd.read_csv(ROOT / "data" / "sample" / file, dtype=str, keep_default_na=False)
        for file in ("dictionary.csv", "patients.csv")
    )
    stage = dictionary["name"] == "stage"
    dictionary.loc[stage, "derived"] = (
        "group(lesion_type: earlier=ulcer|necrosis|eschar; later=livedo|purpura|plaque|nodule)"
    )
    result = by_name(seen(build_registry("swapped", dictionary, patients, None)))["stage.overall"].results[0]
    assert result.verdict == findings.OPPOSITE
    assert result.estimate == pytest.approx(1 / by_name(seen())["stage.overall"].results[0].estimate)


def test_courses_without_dates_are_compared_as_a_fixed_covariate_only():
    dictionary, patients = (
        pd.read_csv(ROOT / "data" / "sample" / file, dtype=str, keep_default_na=False)
        for file in ("dictionary.csv", "patients.csv")
    )
    counted = SAMPLE.patients.set_index("patient_id")["sts_courses"]
    patients["sts_courses"] = patients["patient_id"].map(counted).astype(int).astype(str)
    dictionary.loc[dictionary["name"] == "sts_courses", ["derived", "dated_by"]] = ""
    fixed, dated = by_name(seen(build_registry("undated", dictionary, patients, None)))["sts.overall"].results
    assert fixed.estimate == pytest.approx(by_name(seen())["sts.overall"].results[0].estimate)
    assert dated.verdict == findings.NOT_COMPARABLE
    assert np.isnan(dated.estimate)
