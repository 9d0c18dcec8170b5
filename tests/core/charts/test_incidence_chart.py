"""Incidence, stacked states and small interval charts: what is drawn is what the result says, in any layout."""

import numpy as np
import pandas as pd
import pytest

from core.charts.incidence_chart import incidence_chart
from core.charts.interval_chart import interval_chart
from core.charts.ratio_rows import ratio_rows
from core.charts.stacked_chart import stacked_chart
from core.survival import Outcome, cumulative_incidence, kaplan_meier
from tests.reference.nonparametric import public_set

LEVELS = ("a", "b", "c")
AWKWARD = ("a.b", "it's", "x[0]", "datum.y", "constructor", "image")
STATES = (("Resolved", "resolved"), ("Died of it", "death"), ("Died otherwise", "death"))


@pytest.fixture(scope="module")
def mgus2():
    """(outcome, two groups); cause 1 progression, cause 2 death."""
    given = public_set("mgus2")
    return given.outcome, pd.Series(np.where(np.arange(len(given.outcome)) % 3 == 0, "b", "a"))


@pytest.fixture(scope="module")
def by_group(mgus2):
    return cumulative_incidence(*mgus2)


def drawn(result, **options):
    return incidence_chart(result, **({"levels": LEVELS, "y_title": "Cumulative incidence"} | options))


def layers_of(chart, name):
    return [layer for layer in chart.spec["layer"] if layer["data"]["name"] == name]


@pytest.mark.parametrize("at_risk", ["simple", "extended", None])
@pytest.mark.parametrize("cause", [1, 2])
def test_every_incidence_layout_is_valid(mgus2, by_group, validated, at_risk, cause):
    naive = kaplan_meier(Outcome(mgus2[0].time, mgus2[0].cause == cause), mgus2[1])
    validated(
        drawn(by_group, cause=cause, at_risk=at_risk, naive=naive, notes=("Gray's test: p = 0.1",), notice="Dotted.")
    )


def test_the_line_is_the_estimate_of_its_cause_and_starts_at_zero(by_group):
    for cause in (1, 2):
        lines = drawn(by_group, cause=cause).spec["datasets"]["lines"]
        at = by_group.at([50.0])
        for stratum in ("a", "b"):
            line = lines[lines["stratum"] == stratum]
            assert tuple(line[["x", "y"]].iloc[0]) == (0, 0)
            assert (np.diff(line["y"]) >= 0).all()
            expected = at[(at["stratum"] == stratum) & (at["cause"] == cause)]["estimate"].item()
            # a path keeps one step in each of 450 cells of the axis
            assert line[line["x"] <= 50]["y"].iloc[-1] == pytest.approx(expected, abs=0.01)


def test_the_naive_line_lies_above_and_is_one_minus_kaplan_meier():
    outcome = Outcome([1, 2, 3, 4], [2, 1, 1, 0])
    result, naive = cumulative_incidence(outcome), kaplan_meier(Outcome(outcome.time, outcome.cause == 1))
    data = drawn(result, levels=("All",), naive=naive).spec["datasets"]
    # of 4: F = 1/4 at 2, 1/2 at 3; one minus KM = 1/3 at 2, 2/3 at 3
    assert data["lines"].drop_duplicates("y")["y"].tolist() == pytest.approx([0, 1 / 4, 1 / 2])
    assert data["overlay"].drop_duplicates("y")["y"].tolist() == pytest.approx([0, 1 / 3, 2 / 3])
    assert "overlay" not in drawn(result, levels=("All",)).spec["datasets"]


def test_the_rows_under_the_axis_count_the_other_event_too():
    outcome = Outcome([1, 2, 3, 4, 5], [2, 1, 2, 1, 0])
    numbers = drawn(cumulative_incidence(outcome), levels=("All",), at_risk="extended").spec["datasets"]["numbers"]
    rows = [part["label"].tolist() for _, part in numbers.groupby("y")]
    assert rows[0] == ["0", "1", "2", "3", "4", "5"]
    assert rows[1] == ["5", "5", "4", "3", "2", "1"]  # at risk just before
    assert rows[2] == ["0", "0", "1", "1", "2", "2"]  # events so far
    assert rows[3] == ["0", "1", "1", "2", "2", "2"]  # competing events so far
    assert rows[4] == ["0", "0", "0", "0", "0", "1"]  # censored so far


def test_a_cause_that_never_happened_is_a_line_at_zero(validated):
    result = cumulative_incidence(Outcome([1, 2, 3], [1, 1, 0]))
    chart = drawn(result, cause=2, levels=("All",), at_risk="extended")
    validated(chart)
    assert set(chart.spec["datasets"]["lines"]["y"]) == {0.0}
    assert "0 events, 0% by the end" in chart.alt


def test_no_colour_is_fixed_and_labels_stay_data(mgus2, validated):
    outcome, _ = mgus2
    groups = pd.Categorical(np.resize(AWKWARD, len(outcome)), AWKWARD)
    result = cumulative_incidence(outcome, groups)
    stacked = stacked_chart(
        result, AWKWARD[0], states=[(name, "death") for name in AWKWARD[:2]], free=AWKWARD[4], title=AWKWARD[5]
    )
    for chart in (drawn(result, levels=AWKWARD), stacked):
        validated(chart)
        columns = {column for frame in chart.spec["datasets"].values() for column in frame.columns}
        assert not columns & set(AWKWARD)
        for layer in chart.spec["layer"]:
            color = layer["encoding"]["color"]
            assert color.get("value") in ("gray", "primary") or "range" not in color["scale"]


def test_the_stack_fills_the_plot_at_every_time_and_each_band_is_its_share():
    outcome = Outcome([1, 2, 3, 4, 5, 6], [2, 1, 3, 1, 0, 2])
    result = cumulative_incidence(outcome)
    areas = stacked_chart(result, "All", states=STATES, free="Alive, unresolved").spec["datasets"]["areas"]
    for position, x in enumerate([0, 1, 2, 3, 4, 5, 6]):
        here = {name: part.iloc[position] for name, part in areas.groupby("state")}
        assert all(row["x"] == x for row in here.values())
        assert sum(row["high"] - row["low"] for row in here.values()) == pytest.approx(1)
        assert here["Died of it"]["low"] == 0
        assert here["Died otherwise"]["low"] == pytest.approx(here["Died of it"]["high"])
        assert here["Resolved"]["high"] == 1
        assert here["Alive, unresolved"]["high"] == pytest.approx(here["Resolved"]["low"])
        if x:
            for cause, (name, _) in enumerate(STATES, 1):
                at = result.at([float(x)])
                expected = at[at["cause"] == cause]["estimate"].item()
                assert here[name]["high"] - here[name]["low"] == pytest.approx(expected)


def test_deaths_share_a_hue_and_differ_in_strength(validated):
    chart = stacked_chart(
        cumulative_incidence(Outcome([1, 2, 3, 4], [1, 2, 3, 0])), "All", states=STATES, free="Alive, unresolved"
    )
    validated(chart)
    legend = chart.spec["datasets"]["legend"].set_index("state")
    assert legend.index.tolist() == ["Resolved", "Alive, unresolved", "Died otherwise", "Died of it"]
    assert legend["hue"].tolist() == ["resolved", "free", "death", "death"]
    assert legend.loc["Died of it", "strength"] > legend.loc["Died otherwise", "strength"]
    assert "Died of it 25%" in chart.alt


@pytest.mark.parametrize("outcome", [Outcome([0], [2]), Outcome([3.0, 3.0], [0, 0]), Outcome([1, 2], [1, 0])])
def test_tiny_cohorts_are_stacked(outcome, validated):
    chart = stacked_chart(
        cumulative_incidence(outcome), "All", states=STATES, free="Alive", end=None, legend=False, source_mark="Sample"
    )
    validated(chart)
    assert not chart.spec["datasets"]["areas"].isna().any(axis=None)


def test_a_dashed_line_marks_the_last_time_with_five_at_risk():
    result = cumulative_incidence(Outcome(np.arange(1.0, 11), np.ones(10, dtype=int)))
    data = stacked_chart(result, "All", states=[("Died", "death")], free="Alive").spec["datasets"]
    assert data["turn"]["x"].tolist() == [6.0]
    few = cumulative_incidence(Outcome([1.0, 2], [1, 0]))
    assert not len(stacked_chart(few, "All", states=[("Died", "death")], free="Alive").spec["datasets"]["turn"])


def test_small_interval_charts_keep_to_their_axis_and_say_what_cannot_be_estimated(validated):
    frame = pd.DataFrame(
        [("As if known", 0.3, 0.01, 0.8), ("From its date on", 30.0, 2.0, 900.0), ("Nobody", np.nan, np.nan, np.nan)],
        columns=["label", "estimate", "conf_low", "conf_high"],
    )
    chart = interval_chart(frame)
    validated(chart)
    lines = chart.spec["datasets"]["lines"]
    assert lines[["low", "x", "high"]].to_numpy().tolist() == [[0.1, 0.3, 0.8], [2.0, 20.0, 20.0]]
    assert lines[["cut_low", "cut_high"]].to_numpy().tolist() == [[1, 0], [0, 1]]
    assert chart.spec["datasets"]["words"]["text"].tolist()[2] == "not estimable"
    assert "Nobody: not estimable." in chart.alt


def test_both_models_of_a_covariate_stand_under_one_heading():
    frame = pd.DataFrame(
        [
            ("stage", "Later", 23, 9, model, value, 0.9, 9.0, 0.6, 0.1, note)
            for model, value, note in (("Cause-specific", 2.9, ""), ("Subdistribution", np.nan, "not estimable: why"))
        ],
        columns="covariate level n n_event model estimate conf_low conf_high std_error p_value note".split(),
    )
    rows = ratio_rows(frame, {"stage": "Stage"}, {"stage": "Earlier"})
    assert rows["label"].tolist() == ["Stage: Later, against Earlier", "Cause-specific", "Subdistribution"]
    assert rows["events_text"].tolist() == ["", "9/23", "9/23"]
    assert rows["text"].tolist() == ["", "2.90 (0.90 to 9.00)", "not estimable"]
    assert rows["note"].tolist()[2] == "why"
