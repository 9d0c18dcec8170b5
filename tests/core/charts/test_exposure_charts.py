"""The figures about exposures: three estimates, timelines, chance alone, and the notice drawn on a figure."""

import math

import numpy as np
import pandas as pd
import pytest

from core.charts.estimates_chart import estimates_chart
from core.charts.exposure_rows import exposure_rows
from core.charts.forest_chart import forest_chart
from core.charts.no_effect_chart import no_effect_chart
from core.charts.notice import with_notice
from core.charts.swimmer_chart import MOST_ROWS, followed_chart, swimmer_chart
from core.endpoints import EARLY, OVERALL, endpoint_times
from core.exposures import exposure_months, exposures_of
from core.no_effect import no_effect
from core.registry import read_registry
from core.timeline import timeline
from core.treatment import every_threshold, three_estimates

LABELS = {"naive": "Naive", "landmark": "Landmark", "time-dependent": "Time-dependent"}


@pytest.fixture(scope="module")
def registry(sample_folder):
    return read_registry(sample_folder)


@pytest.fixture(scope="module")
def third(registry):
    return next(e for e in exposures_of(registry) if e.courses == 3)


def followed(registry, exposure, endpoint=OVERALL):
    outcome, rows = endpoint_times(registry, endpoint).outcome(np.ones(len(registry), dtype=bool))
    return outcome, exposure_months(registry, exposure)[rows]


def estimates(registry, exposure, endpoint=OVERALL):
    return three_estimates(*followed(registry, exposure, endpoint), landmark_months=3, events="deaths")


def drawn(registry, exposure, endpoint=OVERALL):
    *_, (_, result) = no_effect(*followed(registry, exposure, endpoint), runs=200)
    return result


def lines(registry, exposure, sort="follow-up"):
    return timeline(registry, np.ones(len(registry), dtype=bool), exposure=exposure, sort=sort)


@pytest.mark.parametrize("endpoint", [OVERALL, EARLY], ids=["overall", "early"])
def test_the_three_estimates_are_a_valid_chart_with_every_number_in_words(registry, third, endpoint, validated):
    frame = estimates(registry, third, endpoint)
    chart = estimates_chart(frame, labels=LABELS, headline="time-dependent", muted="naive", events="deaths")
    validated(chart)
    rows, marks = chart.spec["datasets"]["rows"], chart.spec["datasets"]["intervals"]
    assert rows["label"].tolist() == ["Naive", "Landmark", "Time-dependent"]
    assert rows["headline"].tolist() == [0, 0, 1]
    assert rows["muted"].tolist() == [1, 0, 0]
    assert len(marks) == frame["estimate"].notna().sum()
    assert np.isfinite(marks[["x", "low", "high"]].to_numpy()).all()
    assert not rows.isna().any(axis=None)
    if endpoint is OVERALL:
        assert (
            "Time-dependent: 0.74 (0.24 to 2.31), p = 0.61; 51 patients, 29 exposed · 20 deaths, 7 exposed" in chart.alt
        )
        assert "837 person-months exposed, 522 not" in chart.alt
    else:
        assert rows["ratio"].tolist()[1] == "not estimable"
        assert rows["note"].tolist()[1] == "No deaths among those not exposed"


def test_an_interval_beyond_the_axis_is_cut_and_marked(validated):
    row = dict.fromkeys("n n_exposed n_event n_event_exposed person_months_exposed".split(), 1)
    row |= {"person_months_unexposed": 1, "p_value": 0.5, "note": ""}
    frame = pd.DataFrame(
        [
            row | {"analysis": "naive", "estimate": 0.001, "conf_low": 1e-9, "conf_high": 1e9},
            row | {"analysis": "time-dependent", "estimate": 1.2, "conf_low": 0.5, "conf_high": 3.0},
        ]
    )
    chart = estimates_chart(frame, labels=LABELS, headline="time-dependent", muted="naive")
    validated(chart)
    marks, span = chart.spec["datasets"]["intervals"], chart.spec["datasets"]["span"].iloc[0]
    assert marks["cut_low"].tolist() == [1, 0]
    assert marks["cut_high"].tolist() == [1, 0]
    assert marks[["x", "low", "high"]].to_numpy().min() >= span["x"]
    assert marks[["x", "low", "high"]].to_numpy().max() <= span["x2"]


def test_every_threshold_is_a_row_of_the_forest_plot(registry, third, validated):
    outcome, _ = followed(registry, third)
    courses = np.column_stack([exposure_months(registry, e) for e in exposures_of(registry) if e.courses])
    frame = every_threshold(outcome, courses)
    rows = exposure_rows(frame)
    assert rows["label"].tolist() == frame["label"].tolist()
    assert rows["events_text"].iloc[2] == "7/29"
    assert rows["text"].iloc[2] == "0.74 (0.24 to 2.31)"
    # the standard error behind a Wald interval
    assert rows["std_error"].iloc[2] == pytest.approx(math.log(2.312875 / 0.237221) / (2 * 1.959964), rel=1e-5)
    validated(forest_chart(rows))


@pytest.mark.parametrize("sort", ["follow-up", "exposure", "stage"])
def test_every_patient_has_a_row_and_everything_lies_on_it(registry, third, sort, validated):
    found = lines(registry, third, sort)
    levels = ("Earlier", "Later") if sort == "stage" else ()
    chart = swimmer_chart(found, kinds=("Infection", "Resolved"), levels=levels)
    validated(chart)
    data = chart.spec["datasets"]
    assert len(data["rows"]) == 51
    assert (data["rows"]["y"].diff().dropna() >= 14).all(), "rows do not overlap"
    assert set(data["courses"]["y"]) <= set(data["rows"]["y"])
    assert len(data["courses"]) == 194
    assert (data["courses"]["stop"] > data["courses"]["start"]).all()
    assert len(data["immortal"]) == 29
    # 14 infections, 18 resolutions, 51 ends
    assert len(data["marks"]) == 14 + 18 + 51
    assert data["headings"]["label"].tolist() == (["Earlier (28)", "Later (23)"] if sort == "stage" else [])
    assert (data["rows"]["level"] != "").all() == (sort == "stage")
    assert "Death: 20." in chart.alt
    assert "29 lived 72 months before their exposure." in chart.alt


def test_the_timelines_hold_no_date(registry, third):
    for frame in swimmer_chart(lines(registry, third)).spec["datasets"].values():
        assert not frame.astype(str).apply(lambda column: column.str.contains(r"\d{4}-\d\d")).any(axis=None)


def test_a_horizon_cuts_what_lies_beyond_it(registry, third, validated):
    chart = swimmer_chart(lines(registry, third), kinds=("Infection",), horizon=12.0)
    validated(chart)
    data = chart.spec["datasets"]
    assert len(data["rows"]) == 51
    assert data["rows"]["end"].max() == 12
    assert data["marks"]["month"].max() <= 12
    assert data["courses"]["stop"].max() <= 12
    assert data["span"]["x2"].item() == 12


def test_without_an_exposure_nothing_is_shaded(registry, validated):
    chart = swimmer_chart(timeline(registry, np.ones(51, dtype=bool)))
    validated(chart)
    assert not len(chart.spec["datasets"]["immortal"])
    assert "Time before the exposure" not in chart.spec["datasets"]["legend"]["label"].tolist()


def test_nobody_is_still_a_chart(registry, validated):
    validated(swimmer_chart(timeline(registry, np.zeros(51, dtype=bool))))


def test_too_many_rows_become_areas_that_add_up(registry, third, validated, monkeypatch):
    found = lines(registry, third)
    chart = followed_chart(found)
    validated(chart)
    areas = chart.spec["datasets"]["areas"]
    top = areas.groupby("x")["high"].max()
    ends = found.bars["end"].to_numpy()
    assert top.tolist() == [(ends > x).sum() for x in top.index]
    exposed, waiting = (areas[areas["what"] == what].set_index("x") for what in (0, 1))
    assert exposed["high"].iloc[0] == 0
    assert (waiting["high"] - waiting["low"]).iloc[0] == 29
    assert (waiting["high"] - waiting["low"]).iloc[-1] == 0
    monkeypatch.setattr("core.charts.swimmer_chart.MOST_ROWS", 50)
    assert "areas" in swimmer_chart(found).spec["datasets"]
    assert MOST_ROWS >= 51


@pytest.mark.parametrize("endpoint", [OVERALL, EARLY], ids=["overall", "early"])
def test_the_strips_hold_every_run_that_has_a_value(registry, third, endpoint, validated):
    result = drawn(registry, third, endpoint)
    chart = no_effect_chart(result, labels=LABELS, muted="naive")
    validated(chart)
    bars = chart.spec["datasets"]["bars"]
    for muted, name in ((1, "naive"), (0, "time_dependent")):
        counted = sum(int(text.split()[0]) for text in bars.loc[bars["muted"] == muted, "count"])
        assert counted == result.runs[name].notna().sum()
    marks = chart.spec["datasets"]["marks"]
    assert marks["label"].str.startswith("observed ").all()
    assert marks["x"].tolist() == pytest.approx(result.summary["observed"].tolist())
    assert "By chance alone: median" in chart.alt


def test_an_observed_ratio_without_a_value_has_no_mark(registry, third, validated):
    result = drawn(registry, third)
    result.summary.loc[1, "observed"] = math.nan
    chart = no_effect_chart(result, labels=LABELS, muted="naive")
    validated(chart)
    assert len(chart.spec["datasets"]["marks"]) == 1


def test_a_notice_is_drawn_and_said_and_the_shared_template_stays_as_it_was(registry, third, validated):
    frame = estimates(registry, third)
    plain = estimates_chart(frame, labels=LABELS, headline="time-dependent", muted="naive")
    n_layers = len(plain.spec["layer"])
    noticed = with_notice(plain, "Known only after diagnosis.")
    validated(noticed)
    assert noticed.alt == f"{plain.alt} Known only after diagnosis."
    assert noticed.spec["datasets"]["notice"]["label"].tolist() == ["Known only after diagnosis."] * 4
    assert len(plain.spec["layer"]) == n_layers
    assert "notice" not in plain.spec["datasets"]
    assert with_notice(plain, None) is plain
