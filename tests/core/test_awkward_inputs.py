"""What cannot be answered is said in a sentence: what is missing, how many, what to change. Never a code, never a trace."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from core.analysis import Analysis
from core.cohort import Filter
from core.errors import NotEstimable, RegistryError
from core.ratios import joint_model, subgroup_effects
from core.registry.reading import build_registry
from core.survival import (
    cox,
    cumulative_incidence,
    fine_gray,
    firth_cox,
    functional_form,
    gray_test,
    kaplan_meier,
    landmark,
    logrank_test,
    mantel_byar,
    pairwise_logrank,
    proportional_hazards_test,
    restricted_mean_difference,
    simon_makuch,
    survival_difference,
    trend_test,
)
from core.survival.outcome import Outcome
from core.view import make_view

DICTIONARY = pd.DataFrame(
    [
        dict(name="pid", label="Patient", kind="text", role="identifier", means="patient_id"),
        dict(name="days", label="Follow-up", kind="continuous", unit="days", means="follow_up_time", role="outcome"),
        dict(name="end", label="End", kind="nominal", levels="0=Alive|1=Dead", means="status", role="outcome", level_means="0=alive|1=death"),
        dict(name="group", label="Group", kind="nominal", levels="a=A|b=B|c=C", reference="a"),
        dict(name="x", label="Number", kind="continuous", unit="mg"),
        dict(name="y", label="Other number", kind="continuous", unit="mg"),
    ]
).fillna("")  # fmt: skip


def registry(days, dead, group=None, x=None, y=None):
    n = len(days)
    table = pd.DataFrame(
        {
            "pid": [f"P{i}" for i in range(n)],
            "days": [str(d) for d in days],
            "end": [str(int(d)) for d in dead],
            "group": group or ["a", "b"] * (n // 2) + ["a"] * (n % 2),
            "x": [str(v) for v in (x or range(n))],
            "y": [str(v) for v in (y or range(n))],
        }
    )
    return build_registry("awkward", DICTIONARY, table, None)


TWENTY = list(range(10, 30))
HALF = [1, 0] * 10


def view(made, *filters, page="survival", **settings):
    return Analysis(made, make_view(made, page, filters, {"by": "Group", **settings}))


def variables(analysis, *names):
    return tuple(analysis.registry.dictionary[name] for name in names)


NOBODY = Outcome([], np.zeros(0, dtype=int))
ALIVE = Outcome(TWENTY, np.zeros(20, dtype=int))
SOME = Outcome(TWENTY, HALF)
ONE_GROUP, TWO_GROUPS = pd.Series(["a"] * 20), pd.Series(["a", "b"] * 10)
SEPARATED = pd.Series([bool(dead) for dead in HALF])

CASES = {
    "no patient passes the filters": (lambda: view(registry(TWENTY, HALF), Filter("x", low=99)).curve, "No patient passes"),
    "filters that exclude each other": (
        lambda: view(registry(TWENTY, HALF), Filter("group", ("A",)), Filter("group", ("B",))).curve,
        "Undo one of them",
    ),
    "a hazard ratio without deaths": (
        lambda: (a := view(registry(TWENTY, [0] * 20))).hazard_ratios(variables(a, "group")),
        "No deaths among these 20 patients",
    ),
    "a comparison without deaths": (lambda: view(registry(TWENTY, [0] * 20)).comparison, "No deaths here"),
    "a comparison of one group": (
        lambda: view(registry(TWENTY, HALF), Filter("group", ("A",))).comparison,
        "needs two groups; here is only A",
    ),
    "a comparison of nothing": (lambda: view(registry(TWENTY, HALF), by="Nothing").comparison, "Choose what to group by"),
    "a comparison with a group of three": (
        lambda: view(registry(TWENTY, HALF, ["c"] * 3 + ["a"] * 17)).comparison,
        r"fewer than 5 patients in C \(3\)",
    ),
    "a group that nobody has a value of": (
        lambda: view(registry(TWENTY, HALF, [""] * 20)).curve,
        "Group is not recorded for any of these 20 patients",
    ),
    "a landmark after everybody": (lambda: view(registry(TWENTY, HALF), landmark=24).curve, "Nobody of 20 patients is followed"),
    "a model of nothing": (lambda: joint_model(view(registry(TWENTY, HALF)), ()), "Choose the covariates"),
    "a model of too many": (
        lambda: joint_model(a := view(registry(TWENTY, [1] * 9 + [0] * 11)), variables(a, "group", "x")),
        "2 coefficients from 9 deaths are too many",
    ),
    "a covariate that is the same for everybody": (
        lambda: cox(SOME, pd.DataFrame({"x": [1.0] * 20})),
        "No hazard ratio can be estimated from 20 patients with 10 events",
    ),
    "a covariate that nobody has": (lambda: cox(SOME, pd.DataFrame({"x": [math.nan] * 20})), "No patients are left"),
    "a covariate that separates": (lambda: cox(SOME, pd.DataFrame({"x": SEPARATED})), "No hazard ratio can be estimated"),
    "nobody at all in a model": (lambda: cox(NOBODY, pd.DataFrame({"x": []}, dtype=float)), "No patients are left"),
    "nobody dies in a model": (lambda: cox(ALIVE, pd.DataFrame({"x": TWENTY})), "None of the 20 patients had the event"),
    "nobody dies in a penalised model": (lambda: firth_cox(ALIVE, pd.DataFrame({"x": TWENTY})), "None of the 20 patients"),
    "nobody dies in Fine-Gray": (lambda: fine_gray(ALIVE, pd.DataFrame({"x": TWENTY})), "None of the 20 patients"),
    "proportional hazards without an estimate": (
        lambda: proportional_hazards_test(SOME, pd.DataFrame({"x": SEPARATED})),
        r"\w+ \w+ .*\.",
    ),
    "a curve of nobody": (lambda: kaplan_meier(NOBODY), "[Nn]o"),
    "an incidence of nobody": (lambda: cumulative_incidence(NOBODY), "[Nn]o"),
    "a log-rank test of one group": (lambda: logrank_test(SOME, ONE_GROUP), "two"),
    "a log-rank test without events": (lambda: logrank_test(ALIVE, TWO_GROUPS), "[Nn]o"),
    "a trend over one group": (lambda: trend_test(SOME, ONE_GROUP), "two"),
    "pairs of one group": (lambda: pairwise_logrank(SOME, ONE_GROUP), "two"),
    "Gray's test without events": (lambda: gray_test(ALIVE, TWO_GROUPS), "[Nn]o"),
    "a difference of one group": (lambda: survival_difference(SOME, ONE_GROUP, [12.0]), "two"),
    "a restricted mean of one group": (lambda: restricted_mean_difference(SOME, ONE_GROUP, 12.0), "two"),
    "a landmark that leaves nobody": (lambda: landmark(SOME, 99.0), "Choose an earlier one"),
    "an exposure that nobody had": (lambda: mantel_byar(SOME, np.full(20, np.nan)), "None of 20 patients was exposed"),
    "an exposure that everybody had at once": (lambda: simon_makuch(SOME, np.zeros(20)), "All 20 patients were exposed"),
    "a shape from two values": (lambda: functional_form(SOME, pd.Series([0.0, 1.0] * 10)), "Only 2 different values"),
    "subgroups where nothing makes subgroups": (
        lambda: subgroup_effects(a := view(registry(TWENTY, HALF)), variables(a, "group")[0]),
        "No other covariate has a handful of levels",
    ),
    "a registry of nobody": (lambda: registry([], []), "has a header but no patient"),
    "a registry without a status for a code": (
        lambda: build_registry("x", DICTIONARY.replace("0=alive|1=death", "0=alive"), registry_table(), None),
        "does not say what 'Dead' of 'end' is",
    ),
    "a follow-up in an unknown unit": (
        lambda: build_registry("x", DICTIONARY.replace("days", {"unit": "days"}).assign(unit=["", "weeks", "", "", "", ""]), registry_table(), None),
        "must be days, months or years",
    ),
}  # fmt: skip


def registry_table():
    return pd.DataFrame({"pid": ["P1"], "days": ["10"], "end": ["1"], "group": ["a"], "x": ["1"], "y": ["1"]})


@pytest.mark.parametrize("name", CASES)
def test_an_awkward_question_is_answered_in_a_sentence(name):
    ask, expected = CASES[name]
    with pytest.raises((NotEstimable, RegistryError)) as refused:
        ask()
    said = str(refused.value)
    assert re.search(expected, said), said
    assert said.endswith("."), said
    assert not re.search(r"\b(nan|inf|array|dtype|0x)\b|e-\d\d", said), said


def test_at_least_32_awkward_questions_are_asked():
    assert len(CASES) >= 32


def test_a_negative_time_is_excluded_and_counted():
    made = registry([-5, *TWENTY], [1, *HALF])
    assert (made.n_read, len(made)) == (21, 20)
    assert any(f.rule == "Follow-up ends before it begins" and f.rows == (2,) for f in made.findings)


def test_a_death_at_time_zero_is_kept_and_lowers_the_curve_at_once():
    curve = view(registry([0, *TWENTY], [1, *HALF], ["a"] * 21), by="Nothing").curve.curve
    assert (curve["time"].iloc[0], curve["n_risk"].iloc[0]) == (0, 21)
    assert curve["estimate"].iloc[0] == pytest.approx(20 / 21)


def test_no_event_gives_a_flat_curve_and_a_median_that_is_not_reached():
    result = view(registry(TWENTY, [0] * 20), by="Nothing").curve
    assert (result.curve["estimate"] == 1).all()
    assert math.isnan(result.summary["median"][0])


def test_a_level_without_deaths_is_named_and_the_others_are_estimated():
    made = registry(TWENTY, [1, 1, 0, 0] * 5, ["a", "b", "a", "c"] * 5)
    analysis = view(made)
    terms = analysis.hazard_ratios(variables(analysis, "group")).terms.set_index("level")
    assert math.isnan(terms.loc["C", "estimate"])
    assert "no events in this group" in terms.loc["C", "note"]
    assert terms.loc["B", "estimate"] > 0


def test_a_collinear_pair_is_named_and_the_first_is_fitted():
    x = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4]
    made = registry(TWENTY, HALF, x=x, y=[2 * value + 1 for value in x])
    analysis = view(made)
    model = joint_model(analysis, variables(analysis, "x", "y")).result
    assert [name for name, _ in model.left_out] == ["y"]
    assert model.terms.set_index("covariate").loc["x", "estimate"] > 0


def test_nothing_infinite_ever_leaves_the_engine():
    for covariate in (
        SEPARATED,
        pd.Series(np.arange(20.0)),
        TWO_GROUPS.astype("category"),
        pd.Series([1e12 * i for i in range(20)]),
    ):
        try:
            terms = cox(SOME, pd.DataFrame({"x": covariate})).terms
        except NotEstimable:
            continue
        numbers = terms[["coef", "std_error", "estimate", "conf_low", "conf_high"]].to_numpy(dtype=float)
        assert not np.isinf(numbers).any()
