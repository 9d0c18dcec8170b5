"""The small figures of the Cohort page: valid specifications that draw what was counted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.charts.accrual_chart import accrual_chart
from core.charts.distribution_chart import PICK, distribution_chart
from core.charts.followed_levels_chart import followed_levels_chart
from core.charts.pair_chart import pair_chart
from core.distributions import distribution, pair_of
from core.follow_up import accrual
from core.registry import read_registry

REGISTRY = read_registry(Path(__file__).parents[3] / "data" / "sample")
EVERYBODY = np.ones(len(REGISTRY), dtype=bool)
LATER = (REGISTRY.patients["stage"] == "Later").to_numpy()


@pytest.mark.parametrize("name", ["stage", "lesion_type", "age", "pain", "ipth", "lesion_duration", "resolved"])
def test_every_bar_can_be_picked_and_is_as_long_as_its_count(validated, name):
    bars = distribution(REGISTRY, LATER, REGISTRY.dictionary[name])
    chart = distribution_chart(bars, title="Figure")
    validated(chart)
    assert [param["name"] for param in chart.spec["params"]] == [PICK]
    assert sorted(chart.spec["datasets"]["targets"]["bar"]) == list(range(len(bars)))
    rects = chart.spec["datasets"]["rects"]
    here, everyone = rects[rects["here"] == 1], rects[rects["here"] == 0]
    lying = (bars["kind"] != "range").to_numpy()
    size = np.where(lying, here["x2"] - here["x"], here["y2"] - here["y"])
    whole = np.where(lying, everyone["x2"] - everyone["x"], everyone["y2"] - everyone["y"])
    assert size * bars["n_all"].to_numpy() == pytest.approx(whole * bars["n"].to_numpy())
    assert rects[["x", "x2"]].min().min() >= 0
    assert rects[["x", "x2"]].max().max() <= 1


def test_the_words_of_a_figure_say_every_count():
    chart = distribution_chart(distribution(REGISTRY, LATER, REGISTRY.dictionary["stage"]), title="Stage")
    assert chart.alt == "Stage: Earlier: 0 of 28; Later: 23."


@pytest.mark.parametrize(("one", "other"), [("stage", "lesion_site"), ("stage", "age"), ("age", "albumin")])
def test_pairs(validated, one, other):
    chart = pair_chart(pair_of(REGISTRY, EVERYBODY, REGISTRY.dictionary[one], REGISTRY.dictionary[other]))
    validated(chart)
    assert "patients" in chart.alt or "(n" in str(chart.spec["datasets"]) or "Distal" in chart.alt


def test_the_shares_of_a_row_fill_it():
    chart = pair_chart(pair_of(REGISTRY, EVERYBODY, REGISTRY.dictionary["stage"], REGISTRY.dictionary["lesion_site"]))
    rects = chart.spec["datasets"]["rects"]
    assert (rects["x2"] - rects["x"]).groupby(rects["y"]).sum().to_numpy() == pytest.approx(1)


@pytest.mark.parametrize("period", ["month", "quarter", "year"])
def test_accrual_is_drawn_up_to_the_cut_off(validated, period):
    frame = accrual(REGISTRY, EVERYBODY, period)
    chart = accrual_chart(frame, REGISTRY.cut_off)
    validated(chart)
    rects = chart.spec["datasets"]["rects"]
    assert len(rects) == 3 * len(frame)
    new = rects[rects["what"] == "new"]
    heights = (new["y2"] - new["y"]).to_numpy()
    assert heights / heights.sum() == pytest.approx(frame["n_new"].to_numpy() / 51)
    assert 0 < chart.spec["datasets"]["cut"]["x"].item() <= 1
    assert "51 patients" in chart.alt
    assert "2021-09-30" in chart.alt


def test_many_patients_are_counted_by_level(validated):
    end = REGISTRY.follow_up["days"].to_numpy() / 30.4375
    group = REGISTRY.patients["stage"].astype(object)
    chart = followed_levels_chart(end, group, ("Earlier", "Later"))
    validated(chart)
    areas = chart.spec["datasets"]["areas"]
    assert areas.groupby("x")["high"].max().iloc[0] == 51
    assert areas[areas["level"] == "Earlier"]["high"].iloc[0] == 28
    validated(followed_levels_chart(end, None))
    validated(followed_levels_chart(np.array([]), pd.Series([], dtype=object), ("A",)))
