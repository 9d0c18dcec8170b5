"""Two views side by side: each curve is that of its view alone, and shared patients are counted."""

from pathlib import Path

import numpy as np
import pytest

from core.analysis import Analysis
from core.cohort import Filter
from core.competing import incidence
from core.errors import NotEstimable
from core.grouping import SELECTION
from core.headline import ungrouped
from core.registry import read_registry
from core.two_views import TwoViews
from core.view import make_view

REGISTRY = read_registry(Path(__file__).parents[2] / "data" / "sample")
LATER, EARLIER, OLD = Filter("stage", ("Later",)), Filter("stage", ("Earlier",)), Filter("age", low=60)
NOBODY = (LATER, Filter("lesion_type", ("Livedo",)))


def view(*filters, page="survival", **settings):
    return Analysis(REGISTRY, make_view(REGISTRY, page, filters, settings))


def two(first, second):
    return TwoViews(("A", "B"), first, second)


def rows(result, stratum):
    part = result.curve[result.curve["stratum"] == stratum]
    return part.drop(columns="stratum").to_numpy(dtype=float)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (view(LATER), view(OLD)),
        (view(LATER, landmark=3), view()),
        (view(LATER, clock="onset"), view()),
        (view(LATER, by=SELECTION), view(OLD, by="Sex")),
        (view(LATER, endpoint="Early mortality"), view(OLD)),
    ],
    ids=["filters", "landmark", "clock", "grouping", "endpoint"],
)
def test_each_curve_is_that_of_the_view_alone(first, second):
    joined = two(first, second).curve
    for name, analysis in (("A", first), ("B", second)):
        alone = ungrouped(analysis).overall_curve
        np.testing.assert_allclose(rows(joined, name), rows(alone, alone.strata[0]), rtol=1e-12)


def test_each_incidence_is_that_of_the_view_alone():
    first, second = view(LATER, endpoint="Resolution of lesions"), view(OLD, endpoint="Resolution of lesions")
    joined = two(first, second).curve
    for name, analysis in (("A", first), ("B", second)):
        alone = incidence(ungrouped(analysis))
        np.testing.assert_allclose(rows(joined, name), rows(alone, alone.strata[0]), rtol=1e-12)


def test_shared_patients_are_counted():
    only_first, both, only_second = two(view(LATER), view(OLD)).overlap
    later = REGISTRY.patients["stage"] == "Later"
    old = REGISTRY.patients["age"] >= 60
    assert (only_first, both, only_second) == ((later & ~old).sum(), (later & old).sum(), (~later & old).sum())
    assert two(view(LATER), view(EARLIER)).overlap == (23, 0, 28)
    assert two(view(), view()).overlap == (0, 51, 0)


def test_the_numbers_are_those_of_the_two_views():
    found = {change.key: change for change in two(view(LATER), view()).changes}
    assert (found["n"].before.value, found["n"].after.value) == (23, 51)
    assert found["n.Earlier"].before is None


def test_what_cannot_share_an_axis_is_said():
    with pytest.raises(NotEstimable, match="cannot be laid over each other"):
        _ = two(view(), view(endpoint="Resolution of lesions")).curve
    with pytest.raises(NotEstimable, match="Nobody is left in B"):
        _ = two(view(), view(*NOBODY)).curve


def test_other_differences_are_named():
    assert two(view(LATER), view()).differences == ()
    assert "Different endpoints" in two(view(endpoint="Early mortality"), view()).differences[0]
    early = two(view(endpoint="Early mortality", window="3 months"), view(endpoint="Early mortality"))
    assert "defined differently" in early.differences[0]
    assert "Different clocks" in two(view(landmark=3), view()).differences[0]


def test_intervals_are_of_the_kind_that_both_views_ask_for():
    assert two(view(level="99%"), view(level="99%")).conf == (0.99, "log-log")
    assert two(view(level="99%"), view()).conf == (0.95, "log-log")
