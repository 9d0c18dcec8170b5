"""What competes: shares add to one, names of causes change nothing, and nobody is counted or censored for the wrong reason."""

import numpy as np
import pandas as pd
import pytest

from core import competing
from core.analysis import Analysis
from core.endpoints import (
    CALCIPHYLAXIS,
    OVERALL,
    RESOLUTION,
    SPECIFIC,
    definition_in_force,
    endpoint_times,
    endpoints_of,
)
from core.errors import NotEstimable
from core.registry import read_registry
from core.survival import cox, cumulative_incidence, fine_gray, gray_test
from core.survival.outcome import Outcome
from core.view import filter_from_levels, make_view
from tests.conftest import ROOT

SAMPLE = read_registry(ROOT / "data" / "sample")


@pytest.fixture(scope="module")
def pbc(pbc_folder):
    return read_registry(pbc_folder)


def seen(registry=SAMPLE, endpoint=RESOLUTION, filters=(), **settings):
    return Analysis(registry, make_view(registry, "outcomes", filters, {"endpoint": endpoint.label, **settings}))


def test_deaths_are_never_resolutions_and_the_resolved_are_never_censored_for_overall_death():
    table = SAMPLE.follow_up
    resolved = table["resolution_days"].notna().to_numpy()
    died = (table["state"] == "death").to_numpy()
    resolution, overall = (endpoint_times(SAMPLE, endpoint) for endpoint in (RESOLUTION, OVERALL))
    assert (resolution.cause == np.select([resolved, died], [1, 2], 0)).all()
    assert (resolved & died).sum() == 2
    assert (overall.cause == died).all()
    # those resolved are followed for death to the end, not to their resolution
    assert overall.time * 30.4375 == pytest.approx(table["days"].to_numpy(dtype=float))
    assert (overall.time[resolved] > resolution.time[resolved]).all()


def test_the_states_of_the_sample_are_those_counted_by_hand():
    found = competing.states_of(seen())
    table = SAMPLE.follow_up
    unresolved_deaths = table[(table["state"] == "death") & table["resolution_days"].isna()]
    specific = int((unresolved_deaths["cause"] == "specific").sum())
    assert dict(found.counts) == {
        "Resolved": 18,
        "Died of calciphylaxis": specific,
        "Died of another or unknown cause": len(unresolved_deaths) - specific,
        "Alive, unresolved": 51 - 18 - len(unresolved_deaths),
    }
    assert found.n_died_after == 2


def test_states_do_not_depend_on_the_endpoint_chosen():
    first = competing.states_of(seen(endpoint=RESOLUTION))
    for endpoint in endpoints_of(SAMPLE):
        assert competing.states_of(seen(endpoint=endpoint)).counts == first.counts


def test_unknown_causes_count_where_the_reader_says():
    other = dict(competing.states_of(seen()).counts)
    calciphylaxis = dict(competing.states_of(seen(unknown_cause=CALCIPHYLAXIS)).counts)
    assert calciphylaxis["Died of calciphylaxis or unknown cause"] == other["Died of calciphylaxis"] + 1
    assert "1 death of unknown cause counts as calciphylaxis" in definition_in_force(
        SAMPLE, SPECIFIC, unknown_cause=CALCIPHYLAXIS
    )
    both = [seen(endpoint=SPECIFIC, unknown_cause=words).outcome.n_event for words in ("another cause", CALCIPHYLAXIS)]
    assert both == [13, 14]


@pytest.mark.parametrize("by_group", [False, True])
def test_the_shares_of_all_states_add_to_one_at_every_time(by_group):
    analysis = seen()
    found = competing.states_of(analysis)
    result = competing.state_incidence(analysis, found, by_group=by_group)
    total = result.event_free["estimate"].to_numpy() + sum(
        result.curve.loc[result.curve["cause"] == cause, "estimate"].to_numpy() for cause in result.causes
    )
    np.testing.assert_allclose(total, 1, atol=1e-12)


@pytest.mark.parametrize("endpoint", [SPECIFIC, RESOLUTION])
def test_both_incidences_and_neither_add_to_one_and_time_lost_to_the_span(endpoint):
    frame = competing.at_times(seen(endpoint=endpoint), [0, 1, 3, 6, 12, 24])
    np.testing.assert_allclose(frame["event_estimate"] + frame["competing_estimate"] + frame["free"], 1, atol=1e-12)
    lost, tau = competing.time_lost(seen(endpoint=endpoint))
    result = competing.incidence(seen(endpoint=endpoint))
    for stratum, part in result.event_free.groupby("stratum"):
        times = np.concatenate([[0.0], part["time"], [tau]])
        free = np.concatenate([[1.0], part["estimate"]])
        inside = np.clip(times, 0, tau)
        area = float((np.diff(inside) * free).sum())
        assert area + lost.loc[lost["stratum"] == stratum, "estimate"].sum() == pytest.approx(tau)


def test_looking_at_the_competing_event_exchanges_the_two_curves():
    analysis = seen()
    event, other = (competing.comparison(analysis, cause).p_value for cause in (1, 2))
    swapped = Outcome(analysis.outcome.time, np.array([0, 2, 1])[analysis.outcome.cause])
    assert gray_test(swapped, analysis.strata, cause=2).p_value == pytest.approx(event)
    assert gray_test(swapped, analysis.strata, cause=1).p_value == pytest.approx(other)
    again = cumulative_incidence(swapped, analysis.strata).curve.set_index(["stratum", "cause", "time"])["estimate"]
    first = competing.incidence(analysis).curve.assign(cause=lambda curve: 3 - curve["cause"])
    pd.testing.assert_series_equal(
        first.set_index(["stratum", "cause", "time"])["estimate"].sort_index(), again.sort_index()
    )


def test_one_minus_kaplan_meier_is_too_high_by_what_competes():
    row = competing.naive_error(seen(), by_group=False).iloc[0]
    # by hand: the last resolution comes before the end, so both curves stand still from there on
    outcome = seen().outcome
    survived = free = 1.0
    incidence = 0.0
    for time in np.unique(outcome.time):
        at_risk = (outcome.time >= time).sum()
        events, others = ((outcome.time == time) & (outcome.cause == cause) for cause in (1, 2))
        incidence += free * events.sum() / at_risk
        free *= 1 - (events.sum() + others.sum()) / at_risk
        survived *= 1 - events.sum() / at_risk
    assert row["naive"] == pytest.approx(1 - survived)
    assert row["estimate"] == pytest.approx(incidence)
    assert row["naive"] > row["estimate"]
    assert (competing.naive_error(seen()).eval("naive >= estimate")).all()


def test_both_ratios_are_those_of_the_two_models():
    analysis = seen(endpoint=SPECIFIC)
    variables = SAMPLE.dictionary.headline
    frame = competing.ratios(analysis, variables)
    assert frame["model"].tolist() == [competing.CAUSE_SPECIFIC, competing.SUBDISTRIBUTION] * (len(frame) // 2)
    covariates = analysis.covariates(variables)
    for variable in variables:
        part = frame[frame["covariate"] == variable.name].set_index("model")["estimate"]
        specific = cox(analysis.outcome, covariates[[variable.name]]).terms.iloc[-1]["estimate"]
        subdistribution = fine_gray(analysis.outcome, covariates[[variable.name]]).terms.iloc[-1]["estimate"]
        assert part[competing.CAUSE_SPECIFIC] == pytest.approx(specific, rel=1e-6)
        assert part[competing.SUBDISTRIBUTION] == pytest.approx(subdistribution, rel=1e-6)


def test_the_test_is_refused_where_the_log_rank_test_would_be():
    small = seen(filters=(filter_from_levels(SAMPLE.dictionary["lesion_type"], ["Ulcer", "Nodule"]),))
    with pytest.raises(NotEstimable, match=r"fewer than 5 patients in Earlier \(3\)"):
        competing.comparison(small)
    with pytest.raises(NotEstimable, match="Choose what to group by"):
        competing.comparison(seen(**{"by": "Nothing"}))
    nobody = seen(filters=tuple(filter_from_levels(SAMPLE.dictionary[n], [v]) for n, v in
                                (("stage", "Later"), ("lesion_type", "Livedo"))))  # fmt: skip
    for ask in (competing.incidence, competing.states_of, competing.comparison, competing.time_lost):
        with pytest.raises(NotEstimable, match="Undo one of them"):
            ask(nobody)


def test_another_end_of_follow_up_competes_with_death_and_is_said(pbc):
    labels = [endpoint.label for endpoint in endpoints_of(pbc)]
    assert labels == ["Overall mortality", "Early mortality", "Death before transplant"]
    overall, before = endpoints_of(pbc)[0], endpoints_of(pbc)[2]
    assert "The 25 whose follow-up ended with transplant are censored there" in definition_in_force(pbc, overall)
    analysis = seen(pbc, before)
    assert np.bincount(analysis.outcome.cause).tolist() == [232, 161, 25]
    assert competing.cause_in_words(analysis, competing.COMPETING) == "transplant"
    found = competing.states_of(analysis)
    assert found.counts == (("Died", 161), ("Transplant", 25), ("Alive without transplant", 232))
    assert seen(pbc, overall).outcome.n_event == 161
