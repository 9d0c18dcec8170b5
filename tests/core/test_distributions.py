"""Distributions add up, and a bar means the same patients as the filter that a click on it sets."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cohort import Filter, passing
from core.distributions import LEVEL, MISSING, RANGE, chosen_bar, distribution, pair_of
from core.errors import NotEstimable
from core.registry import read_registry
from core.view import filter_from_range

REGISTRY = read_registry(Path(__file__).parents[2] / "data" / "sample")
VARIABLES = REGISTRY.dictionary.filters
masks = st.lists(st.booleans(), min_size=len(REGISTRY), max_size=len(REGISTRY)).map(np.array)
everybody = np.ones(len(REGISTRY), dtype=bool)


def filter_of(variable, bar):
    if bar.kind == LEVEL:
        return Filter(variable.name, (bar.level,))
    if bar.kind == MISSING:
        return Filter(variable.name, missing="only")
    return filter_from_range(REGISTRY, variable, (bar.low, bar.high))


@given(masks, st.sampled_from(VARIABLES))
@settings(deadline=None)
def test_every_patient_is_in_one_bar(mask, variable):
    bars = distribution(REGISTRY, mask, variable)
    assert bars["n"].sum() == mask.sum()
    assert bars["n_all"].sum() == len(REGISTRY)
    assert (bars["n"] <= bars["n_all"]).all()


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda v: v.name)
def test_a_bar_counts_the_patients_that_its_filter_keeps(variable):
    bars = distribution(REGISTRY, everybody, variable)
    for bar in bars.itertuples(index=False):
        assert int(passing(REGISTRY, filter_of(variable, bar)).sum()) == bar.n_all, bar.label


@pytest.mark.parametrize("variable", [v for v in VARIABLES if v.is_numeric], ids=lambda v: v.name)
def test_ranges_are_few_neighbours_that_begin_and_end_with_somebody(variable):
    bars = distribution(REGISTRY, everybody, variable)
    ranges = bars[bars["kind"] == RANGE]
    assert 1 < len(ranges) <= 12
    assert np.allclose(ranges["stop"].iloc[:-1], ranges["start"].iloc[1:])
    assert ranges["n_all"].iloc[0] > 0
    assert ranges["n_all"].iloc[-1] > 0
    assert not ranges["label"].str.contains("-0").any()


def test_ranges_of_ages_are_decades():
    bars = distribution(REGISTRY, everybody, REGISTRY.dictionary["age"])
    assert bars["label"].tolist()[:2] == ["20 to 29", "30 to 39"]
    ages = REGISTRY.patients["age"]
    assert bars["n_all"].tolist()[1] == ((ages >= 30) & (ages <= 39)).sum()


def test_a_bar_is_chosen_when_the_filter_says_the_same():
    variable = REGISTRY.dictionary["age"]
    bar = next(distribution(REGISTRY, everybody, variable).iloc[2:3].itertuples(index=False))
    assert chosen_bar(bar, filter_of(variable, bar))
    assert not chosen_bar(bar, Filter("age", low=bar.low))
    assert not chosen_bar(bar, None)


@given(masks, st.sampled_from(VARIABLES), st.sampled_from(VARIABLES))
@settings(deadline=None)
def test_a_pair_counts_those_with_both(mask, one, other):
    both = REGISTRY.patients.loc[mask, [one.name, other.name]].notna().all(axis=1).sum()
    if one.name == other.name or not both:
        with pytest.raises(NotEstimable):
            pair_of(REGISTRY, mask, one, other)
        return
    pair = pair_of(REGISTRY, mask, one, other)
    assert (pair.n, pair.n_missing) == (both, mask.sum() - both)
    if len(pair.counts):
        assert pair.counts["n"].sum() == both
        assert pair.counts.groupby("level")["percent"].sum().to_numpy() == pytest.approx(100)
    else:
        assert len(pair.points) == both
        assert pair.boxes.empty or pair.boxes["n"].sum() == both


def test_the_correlation_is_spearmans():
    names = ["age", "albumin"]
    pair = pair_of(REGISTRY, everybody, *(REGISTRY.dictionary[name] for name in names))
    ranks = REGISTRY.patients[names].dropna().rank()
    assert pair.correlation == pytest.approx(np.corrcoef(ranks.to_numpy().T)[0, 1])


def test_of_many_patients_a_thousand_points_are_drawn_and_every_number_is_of_all(monkeypatch):
    monkeypatch.setattr("core.distributions.MOST_POINTS", 10)
    registry = read_registry(Path(__file__).parents[2] / "data" / "sample")
    everybody = np.ones(len(registry), dtype=bool)
    age, bmi, stage = (registry.dictionary[name] for name in ("age", "bmi", "stage"))
    numbers = pair_of(registry, everybody, age, bmi)
    assert (len(numbers.points), numbers.n) == (10, int(registry.patients["bmi"].notna().sum()))
    boxes = pair_of(registry, everybody, stage, age)
    assert len(boxes.points) == 10
    assert boxes.boxes["n"].sum() == len(registry)
    ends = boxes.points.groupby("level")["x"].agg(["min", "max"])
    assert ends.loc["Later"].tolist() == boxes.boxes.set_index("level").loc["Later", ["min", "max"]].tolist()
