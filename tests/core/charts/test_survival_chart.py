import dataclasses

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung

from core.charts.chart import tooltip_title
from core.charts.survival_chart import survival_chart
from core.charts.time_axis import time_ticks
from core.survival.kaplan_meier import kaplan_meier
from core.survival.outcome import Outcome

LEVELS = ("Female", "Male", "Not told")
AWKWARD = ('a.b [0] "x"', "it's <5 ≤ 6", "腹膜透析", "datum.y", "constructor", "image")


@pytest.fixture(scope="module")
def lung():
    frame = load_lung()
    outcome = Outcome(frame["time"].to_numpy() / 30.4375, frame["status"].to_numpy().astype(int))
    return outcome, pd.Categorical(np.where(frame["sex"] == 1, "Male", "Female"), LEVELS)


@pytest.fixture(scope="module")
def by_sex(lung):
    return kaplan_meier(*lung)


def drawn(result, **options):
    return survival_chart(result, **({"levels": LEVELS, "y_title": "Overall survival"} | options))


def layers_of(chart, name):
    return [layer for layer in chart.spec["layer"] if layer["data"]["name"] == name]


@pytest.mark.parametrize("view", ["survival", "incidence", "hazard"])
@pytest.mark.parametrize("at_risk", ["simple", "extended", None])
def test_every_layout_is_valid(by_sex, validated, view, at_risk):
    chart = drawn(
        by_sex, view=view, at_risk=at_risk, notes=("Log-rank p = 0.003",), notice="Few.", source_mark="Sample"
    )
    validated(chart)


def test_the_marks_are_there(by_sex, marks):
    kinds = marks(drawn(by_sex))
    for expected in (
        ("line", "lines"),
        ("area", "bands"),
        ("tick", "censored"),
        ("text", "numbers"),
        ("text", "medians"),
    ):
        assert expected in kinds
    assert ("area", "bands") not in marks(drawn(by_sex, conf_band=False))
    assert ("text", "medians") not in marks(drawn(by_sex, show_median=False))


def test_lines_and_bands_step_after(by_sex):
    chart = drawn(by_sex)
    assert layers_of(chart, "lines")[0]["mark"]["interpolate"] == "step-after"
    assert layers_of(chart, "bands")[0]["mark"]["interpolate"] == "step-after"


def test_a_level_keeps_its_colour_and_dash_when_others_are_filtered_out(lung):
    outcome, sex = lung
    men = np.asarray(sex == "Male")
    both, one = drawn(kaplan_meier(outcome, sex)), drawn(kaplan_meier(outcome.take(men), sex[men]))
    for chart in (both, one):
        encoding = layers_of(chart, "lines")[0]["encoding"]
        assert encoding["color"]["scale"]["domain"] == list(LEVELS)
        assert encoding["strokeDash"]["scale"]["domain"] == list(LEVELS)
    dashes = layers_of(both, "lines")[0]["encoding"]["strokeDash"]["scale"]["range"]
    assert len({tuple(dash) for dash in dashes}) == len(LEVELS)


def test_no_colour_is_fixed(by_sex):
    for layer in drawn(by_sex).spec["layer"]:
        color = layer["encoding"]["color"]
        assert color.get("value") == "gray" or "range" not in color["scale"]
        assert not {"color", "fill", "stroke"} & layer["mark"].keys()


def test_the_line_starts_at_one_and_is_carried_to_the_end_of_follow_up(lung, by_sex):
    outcome, sex = lung
    lines = drawn(by_sex).spec["datasets"]["lines"]
    for level in ("Female", "Male"):
        line = lines[lines["stratum"] == level]
        assert tuple(line[["x", "y"]].iloc[0]) == (0, 1)
        assert line["x"].iloc[-1] == outcome.time[np.asarray(sex == level)].max()
        assert line["y"].iloc[-1] == line["y"].iloc[-2]
        assert (np.diff(line["x"]) >= 0).all()


def test_the_line_is_lighter_beyond_the_last_time_with_five_at_risk(lung):
    # ten patients, one event a month: at month 6 five are at risk, beyond it four
    time = np.arange(1.0, 11)
    lines = drawn(kaplan_meier(Outcome(time, np.ones(10))), levels=("All",)).spec["datasets"]["lines"]
    assert lines.loc[lines["tail"] == 0, "x"].max() == 6
    assert tuple(lines.loc[lines["tail"] == 1, ["x", "y"]].iloc[0]) == pytest.approx((6, 0.4))


def test_limits_that_are_not_known_are_not_drawn():
    # S is 1 before month 2 and 0 from month 3 on: limits exist in between only
    result = kaplan_meier(Outcome([1, 2, 3], [0, 1, 1]))
    bands = drawn(result, levels=("All",)).spec["datasets"]["bands"]
    assert not bands[["low", "high"]].isna().any(axis=None)
    assert (bands["x"].min(), bands["x"].max()) == (2, 3)


def test_incidence_turns_the_curve_and_swaps_its_limits(by_sex):
    up, down = (drawn(by_sex, view=view).spec["datasets"] for view in ("incidence", "survival"))
    assert up["lines"]["y"].to_numpy() == pytest.approx(1 - down["lines"]["y"].to_numpy())
    assert up["bands"]["low"].to_numpy() == pytest.approx(1 - down["bands"]["high"].to_numpy())
    assert (up["bands"]["low"] <= up["bands"]["high"]).all()


def test_the_hazard_ends_where_survival_reaches_zero():
    # S = 2/3, 1/3, 0: the cumulative hazard is log 1.5, log 3, and unbounded from month 3 on
    lines = drawn(kaplan_meier(Outcome([1, 2, 3], [1, 1, 1])), levels=("All",), view="hazard").spec["datasets"]["lines"]
    assert lines["y"].max() == pytest.approx(np.log(3))
    assert lines["x"].max() == 3


def test_the_numbers_under_the_axis_are_those_of_the_result(by_sex):
    numbers = drawn(by_sex).spec["datasets"]["numbers"]
    ticks = numbers.loc[numbers["y"] == numbers["y"].min(), "x"].to_numpy()
    expected = by_sex.at_risk(ticks)
    rows = numbers[numbers["y"] > numbers["y"].min()]
    assert rows["label"].tolist() == [
        f"{n} ({d})" for n, d in zip(expected["n_risk"], expected["n_event"], strict=True)
    ]
    assert rows["x"].tolist() == expected["time"].tolist()


def test_the_extended_table_has_three_rows_a_group(by_sex):
    numbers = drawn(by_sex, at_risk="extended").spec["datasets"]["numbers"]
    rows = numbers[numbers["y"] > numbers["y"].min()]
    ticks = rows["x"].unique()
    expected = by_sex.at_risk(ticks)
    for i, level in enumerate(("Female", "Male")):
        part = expected[expected["stratum"] == level]
        for j, name in enumerate(("n_risk", "n_censor", "n_event")):
            row = rows[rows["y"] == rows["y"].unique()[3 * i + j]]
            assert row["label"].tolist() == part[name].astype(str).tolist()


def test_counts_and_the_time_axis_share_one_scale(by_sex):
    shared = [
        layer["encoding"]["x"] for name in ("lines", "numbers", "censored") for layer in layers_of(drawn(by_sex), name)
    ]
    assert all(x["scale"] == {"nice": False, "zero": True} for x in shared)


def test_the_read_out_says_what_the_result_says(by_sex):
    read_out = drawn(by_sex).spec["datasets"]["readout"]
    row = read_out.iloc[40]
    expected = by_sex.survival_at([row["t"]])
    for column, fact in zip(("c0", "c1"), expected.itertuples(), strict=True):
        assert row[column] == (
            f"{fact.estimate:.0%} ({fact.conf_low:.0%} to {fact.conf_high:.0%}), {fact.n_risk} at risk"
        )
    assert read_out["c0"].iloc[-1] == "no longer followed"  # men are followed for longer


def test_a_horizon_cuts_the_curve_and_the_table(by_sex):
    data = drawn(by_sex, horizon=12).spec["datasets"]
    for name in ("lines", "bands", "censored", "numbers", "readout"):
        assert data[name]["t" if name == "readout" else "x"].max() <= 12
    assert data["span"]["x2"].item() == 12
    assert data["medians"]["stratum"].tolist() == ["Male"]


def test_medians_are_drawn_where_reached(by_sex):
    medians = drawn(by_sex).spec["datasets"]["medians"].set_index("stratum")["x"]
    assert medians.to_dict() == by_sex.summary.set_index("stratum")["median"].to_dict()
    nobody_died = kaplan_meier(Outcome([5, 6], [0, 0]))
    assert not len(drawn(nobody_died, levels=("All",)).spec["datasets"]["medians"])


@pytest.mark.parametrize("time", [[0.0], [0.0, 0.0, 3.0], [0.2, 0.4], [1.0] * 3, [2000.0, 4000.0]])
@pytest.mark.parametrize("died", [0, 1])
@pytest.mark.parametrize("view", ["survival", "hazard"])
def test_tiny_cohorts_are_drawn(time, died, view, validated):
    chart = drawn(kaplan_meier(Outcome(time, [died] * len(time))), levels=("All",), view=view)
    validated(chart)
    assert not chart.spec["datasets"]["lines"].isna().any(axis=None)


def test_awkward_labels_stay_data(lung, validated):
    outcome, _ = lung
    groups = pd.Categorical(np.resize(AWKWARD, len(outcome)), AWKWARD)
    chart = drawn(kaplan_meier(outcome, groups), levels=AWKWARD)
    validated(chart)
    columns = {column for frame in chart.spec["datasets"].values() for column in frame.columns}
    assert not columns & set(AWKWARD)
    titles = [tooltip["title"] for layer in layers_of(chart, "readout") for tooltip in layer["encoding"]["tooltip"]]
    assert titles == ["Time", *map(tooltip_title, AWKWARD)]


def test_large_cohorts_stay_small_on_the_screen():
    rng = np.random.default_rng(1)
    outcome = Outcome(rng.exponential(40, 20_000), rng.integers(0, 2, 20_000))
    result = kaplan_meier(outcome, pd.Categorical(rng.integers(0, 2, 20_000)))
    data = drawn(result, levels=("0", "1")).spec["datasets"]
    assert all(len(frame) <= 1000 for frame in data.values())
    # thinning keeps each kept point on the curve
    curve = result.curve[result.curve["stratum"] == 0].set_index("time")["estimate"]
    kept = data["lines"][(data["lines"]["stratum"] == "0") & data["lines"]["x"].isin(curve.index)].drop_duplicates("x")
    assert len(kept) > 200
    assert kept["y"].to_numpy() == pytest.approx(curve[kept["x"]].to_numpy())


def test_a_filter_changes_data_only(lung):
    outcome, sex = lung
    some = np.arange(len(outcome)) % 2 == 0
    whole = drawn(kaplan_meier(outcome, sex), notes=("p = 0.001",))
    part = drawn(kaplan_meier(outcome.take(some), sex[some]), notes=("p = 0.042",), horizon=12)
    assert {**whole.spec, "datasets": None} == {**part.spec, "datasets": None}


def test_the_alternative_text_holds_the_numbers(by_sex):
    text = drawn(by_sex, notes=("Log-rank p = 0.001",)).alt
    assert "Male: 138 patients, 112 events, median 8.9 months (" in text
    assert "Log-rank p = 0.001." in text
    assert "description" not in drawn(by_sex).spec


def test_unknown_options_are_refused(by_sex):
    with pytest.raises(ValueError, match="view must be"):
        drawn(by_sex, view="odds")
    with pytest.raises(ValueError, match="at_risk must be"):
        drawn(by_sex, at_risk="long")


def test_a_chart_cannot_be_reassigned(by_sex):
    with pytest.raises(dataclasses.FrozenInstanceError):
        drawn(by_sex).alt = ""


@pytest.mark.parametrize(
    ("end", "step", "n"),
    [(3, 1, 4), (8.9, 1, 9), (9, 2, 5), (20, 3, 7), (36, 6, 7), (60, 12, 6), (130, 24, 6), (0.5, 0.1, 6)],
)
def test_ticks_are_multiples_a_clinician_counts_in(end, step, n):
    ticks = time_ticks(end)
    assert ticks == pytest.approx(step * np.arange(n))


def test_ticks_of_other_units_are_round():
    assert time_ticks(1022, "days") == pytest.approx(200 * np.arange(6))
    with pytest.raises(ValueError, match="positive"):
        time_ticks(0)
