"""Filters, the cohort they leave, and the way to it: nothing is lost on the way."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cohort import DROP, KEEP, ONLY, Filter, attrition, describe_filter, level_counts, passing, select_cohort
from core.endpoints import OVERALL, endpoint_times
from core.registry import read_registry
from core.view import level_options

REGISTRY = read_registry(Path(__file__).parents[2] / "data" / "sample")
EVENT = endpoint_times(REGISTRY, OVERALL).event


@st.composite
def filters(draw):
    """Any filters that the sidebar could set, each variable once, in dictionary order."""
    chosen = []
    for variable in REGISTRY.dictionary.filters:
        if draw(st.integers(0, 5)) != 0:
            continue
        missing = draw(st.sampled_from(["auto", KEEP, DROP, ONLY]))
        if variable.is_categorical:
            levels = draw(st.lists(st.sampled_from(REGISTRY.levels_present(variable)), unique=True))
            levels = tuple(level for level in variable.levels if level in levels)
            chosen.append(Filter(variable.name, levels, missing=missing))
        else:
            low, high = REGISTRY.limits(variable)
            ends = sorted(draw(st.tuples(st.floats(low, high), st.floats(low, high))))
            chosen.append(Filter(variable.name, low=ends[0], high=ends[1], missing=missing))
    return tuple(chosen)


@given(filters())
@settings(max_examples=60, deadline=None)
def test_attrition_adds_up_for_patients_and_for_deaths(chosen):
    table = attrition(REGISTRY, chosen, EVENT)
    cohort = select_cohort(REGISTRY, chosen)
    assert len(cohort) + table["n_excluded"].sum() == len(REGISTRY)
    assert EVENT[cohort.mask].sum() + table["events_excluded"].sum() == EVENT.sum()
    assert table["n_remaining"].iloc[-1] == len(cohort)
    assert table["events_remaining"].iloc[-1] == EVENT[cohort.mask].sum()
    assert (table["n_missing"] <= table["n_excluded"]).all()
    assert (table["n_remaining"].diff().iloc[1:] == -table["n_excluded"].iloc[1:]).all()


@given(filters())
@settings(max_examples=40, deadline=None)
def test_a_filter_keeps_exactly_the_rows_that_a_plain_count_keeps(chosen):
    for condition in chosen:
        kept = passing(REGISTRY, condition)
        for row, value in enumerate(REGISTRY.patients[condition.variable]):
            missing = isinstance(value, float) and math.isnan(value)
            if missing:
                expected = condition.missing in (KEEP, ONLY) or (condition.missing == "auto" and not condition.narrows)
            elif condition.missing == ONLY:
                expected = False
            elif isinstance(value, str):
                expected = not condition.levels or value in condition.levels
            else:
                expected = not (value < condition.low or value > condition.high)
            assert kept[row] == expected


def test_the_order_of_the_filters_does_not_change_who_is_left():
    two = (Filter("stage", ("Later",)), Filter("age", low=50))
    assert np.array_equal(select_cohort(REGISTRY, two).mask, select_cohort(REGISTRY, two[::-1]).mask)


def test_missing_values_can_be_kept_left_out_or_asked_for():
    n_missing = int(REGISTRY.patients["albumin"].isna().sum())
    assert n_missing > 0
    assert len(select_cohort(REGISTRY, [Filter("albumin", missing=DROP)])) == len(REGISTRY) - n_missing
    assert len(select_cohort(REGISTRY, [Filter("albumin", missing=ONLY)])) == n_missing
    assert len(select_cohort(REGISTRY, [Filter("albumin", low=0)])) == len(REGISTRY) - n_missing
    assert len(select_cohort(REGISTRY, [Filter("albumin", low=0, missing=KEEP)])) == len(REGISTRY)


def test_a_count_on_a_filter_is_over_the_patients_that_pass_the_other_filters():
    stage = REGISTRY.dictionary["stage"]
    women = [Filter("sex", ("Female",)), Filter("stage", ("Later",))]
    counts = level_counts(REGISTRY, women, stage).set_index("level")
    female = REGISTRY.patients["sex"] == "Female"
    assert counts.loc["Earlier", "n"] == (female & (REGISTRY.patients["stage"] == "Earlier")).sum()
    assert counts["n"].sum() == female.sum()
    assert counts["n_all"].sum() == len(REGISTRY)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Filter("stage", ("Later",)), "Stage: Later"),
        (Filter("age", low=40, high=60), "Age: 40 to 60 years"),
        (Filter("age", low=40), "Age: at least 40 years"),
        (Filter("age", high=40), "Age: at most 40 years"),
        (Filter("albumin", low=30.5, missing=KEEP), "Albumin: at least 30.5 g/L or not recorded"),
        (Filter("albumin", missing=ONLY), "Albumin: not recorded"),
        (Filter("albumin", missing=DROP), "Albumin: recorded"),
    ],
)
def test_a_filter_is_said_in_words(condition, words):
    assert describe_filter(REGISTRY.dictionary[condition.variable], condition) == words


def test_only_levels_that_somebody_has_are_offered():
    for variable in REGISTRY.dictionary.filters:
        if variable.is_categorical:
            offered = set(level_options(REGISTRY, variable)) - {"Not recorded"}
            assert offered == set(REGISTRY.patients[variable.name].dropna())
