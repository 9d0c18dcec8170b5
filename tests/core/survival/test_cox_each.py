"""Every covariate alone: the same numbers as one model at a time, and as R's."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NotEstimable
from core.survival import Outcome, cox, cox_each
from tests.core.survival.cox_cases import SETS, as_list, case, fitted_rows
from tests.reference.loading import assert_close, reference

COLUMNS = ["coef", "std_error", "estimate", "conf_low", "conf_high", "statistic", "p_value"]


def numbers(rows):
    """The columns of numbers, ratios as logarithms: exp() makes any rounding of a coefficient of 100 a hundred times larger."""
    ratios = ["estimate", "conf_low", "conf_high"]
    return rows[COLUMNS].assign(**{name: np.log(rows[name]) for name in ratios})


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", [s for s in SETS if "each" in reference("cox")["sets"][s]["efron"]])
def test_equal_to_r(name, ties):
    outcome, covariates, _, expected = case(name)
    result = cox_each(outcome, covariates, ties=ties)
    for covariate, want in expected[ties]["each"].items():
        rows = fitted_rows(result)
        rows = rows[rows["covariate"] == covariate]
        line = result.overall[result.overall["covariate"] == covariate].iloc[0]
        what = f"{name} {covariate} {ties}"
        if covariate == "ward":  # the level without events has no number here, and no degree of freedom in R
            rows, want = rows.iloc[:1], want | {"coef": want["coef"][:1], "std_error": want["std_error"][:1], "df": 2}
        assert_close(rows["coef"], as_list(want["coef"]), what)
        assert_close(rows["std_error"], as_list(want["std_error"]), what)
        assert_close(
            [line["statistic"], line["score_statistic"]], [want["tests"][0], want["tests"][2]], what, atol=1e-8
        )
        assert (line["n"], line["n_event"], line["df"]) == (want["n"], want["n_event"], want["df"])
        assert line["n"] + line["n_excluded"] == len(outcome)


@st.composite
def awkward(draw):
    """Cohorts with constant, separated, empty and missing covariates among sound ones."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.sampled_from([6, 15, 51, 120]))
    time = rng.integers(1, draw(st.integers(3, 90)), n).astype(float)
    event = rng.random(n) < draw(st.sampled_from([0.15, 0.5, 0.9]))
    event[rng.integers(n)] = True
    entry = time - rng.integers(1, 12, n) if draw(st.booleans()) else None
    frame = {}
    for j in range(4):
        values = rng.normal(50, 10.0 ** rng.integers(-2, 4), n)
        values = np.round(values) if j % 2 else values
        values[rng.random(n) < (0, 0.1)[j // 2]] = np.nan
        frame[f"x{j}"] = values
    for j in range(4):
        k = int(rng.integers(1, 6))
        codes = rng.choice(k, n, p=rng.dirichlet(np.ones(k)))
        codes[rng.random(n) < (0, 0.1)[j // 2]] = -1
        frame[f"g{j}"] = pd.Categorical.from_codes(codes, list("abcdef")[: k + 1])
    frame |= {"flag": rng.random(n) < 0.3, "constant": np.ones(n), "monotone": -time, "outcome": event.astype(float)}
    frame["missing"] = np.full(n, np.nan)
    return Outcome(time, event, entry), pd.DataFrame(frame)


@settings(max_examples=60, deadline=None)
@given(awkward(), st.sampled_from(["efron", "breslow"]))
def test_equal_to_one_model_at_a_time(cohort, ties):
    outcome, covariates = cohort
    result = cox_each(outcome, covariates, ties=ties)
    assert list(result.overall["covariate"]) == list(covariates.columns)
    assert not np.isinf(result.terms[COLUMNS].to_numpy()).any()
    for name in covariates:
        rows = result.terms[result.terms["covariate"] == name]
        line = result.overall[result.overall["covariate"] == name].iloc[0]
        try:
            alone = cox(outcome, covariates[[name]], ties=ties)
        except NotEstimable:
            assert rows["std_error"].isna().all()
            assert (rows["note"] != "").any()
            continue
        np.testing.assert_allclose(numbers(rows), numbers(alone.terms), rtol=1e-9, atol=1e-9)
        for column in ("covariate", "level", "n", "n_event", "is_reference", "note"):
            assert list(rows[column]) == list(alone.terms[column])
        np.testing.assert_allclose(
            [line["statistic"], line["score_statistic"]], alone.tests["statistic"][[0, 2]], rtol=1e-8, atol=1e-8
        )


def test_one_bad_covariate_spoils_no_other():
    outcome, covariates, _, _ = case("veteran")
    bad = covariates.assign(
        constant=1.0, monotone=-outcome.time, missing=np.nan, one_level=pd.Categorical(["a"] * len(outcome))
    )
    result, sound = cox_each(outcome, bad), cox_each(outcome, covariates)
    pd.testing.assert_frame_equal(result.terms.iloc[: len(sound.terms)], sound.terms)
    notes = result.terms.groupby("covariate", sort=False)["note"].first()
    assert notes["constant"] == "left out: it has the same value in every row"
    assert notes["monotone"].startswith("not estimable: it separates")
    assert notes["missing"] == "not estimable: no events among the 0 rows in which it is known"
    assert notes["one_level"] == "left out: every row has a"
    assert [name for name, _ in result.left_out] == ["constant", "one_level"]


def test_the_score_test_without_ties_is_the_log_rank_test():
    outcome = Outcome([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 0, 1, 1, 0, 1, 1])
    group = pd.Series(list("aabbabab"), name="g")
    from core.survival import logrank_test

    line = cox_each(outcome, group).overall.iloc[0]
    assert line["score_statistic"] == pytest.approx(logrank_test(outcome, group).statistic, rel=1e-10)


def test_blocks_of_a_large_table_change_nothing():
    rng = np.random.default_rng(5)
    n = 30_000
    outcome = Outcome(rng.exponential(100, n).round(1), rng.random(n) < 0.4)
    frame = pd.DataFrame(
        {"x": rng.normal(size=n), "y": rng.normal(size=n), "z": rng.normal(size=n), "b": rng.random(n) < 0.2}
    )
    frame["g"] = pd.Categorical(rng.choice(list("abc"), n))
    result = cox_each(outcome, frame)
    for name in frame:
        rows = result.terms[result.terms["covariate"] == name]
        np.testing.assert_allclose(rows[COLUMNS], cox(outcome, frame[name]).terms[COLUMNS], rtol=1e-9, atol=1e-9)


def test_refusals():
    with pytest.raises(NotEstimable, match="None of the 3 patients"):
        cox_each(Outcome([1, 2, 3], [0, 0, 0]), pd.DataFrame({"x": [1, 2, 3]}))
    with pytest.raises(NotEstimable, match="No patients"):
        cox_each(Outcome([], np.array([], dtype=int)), pd.DataFrame({"x": np.array([], dtype=float)}))


def test_a_covariate_known_only_of_patients_without_event_has_no_ratio_and_stops_nothing():
    outcome = Outcome(np.arange(1.0, 9.0), np.array([1, 1, 1, 0, 0, 0, 0, 0]))
    known_late = pd.Series(pd.Categorical([None, None, None, None, "a", "b", "a", "b"]))
    terms = cox_each(outcome, pd.DataFrame({"late": known_late, "number": np.arange(8.0) % 3})).terms
    late = terms[(terms["covariate"] == "late") & ~terms["is_reference"]]
    assert late["estimate"].isna().all()
    assert (late["note"] != "").all()
    assert terms[terms["covariate"] == "number"]["estimate"].notna().all()


def test_one_event_with_nobody_of_the_other_level_at_risk_has_no_ratio_and_stops_nothing():
    outcome = Outcome(np.arange(1.0, 7.0), np.array([0, 0, 1, 0, 0, 0]))
    level = pd.Series(pd.Categorical(["a", "a", "b", "b", "b", "b"]))
    terms = cox_each(outcome, pd.DataFrame({"level": level, "number": np.arange(6.0) % 3})).terms
    assert terms[terms["covariate"] == "level"]["estimate"].iloc[1:].isna().all()
