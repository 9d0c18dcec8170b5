"""A registry whose event is relapse: nobody is called dead, and nothing is compared with deaths that were published."""

from dataclasses import replace

import numpy as np
import pytest

from core import findings
from core.analysis import Analysis
from core.charts.swimmer_chart import swimmer_chart
from core.competing import states_of
from core.intake.proposals import propose
from core.intake.to_registry import open_registry
from core.patients import END, history, patients_table
from core.timeline import timeline
from core.view import make_view
from tests.core.intake.test_bad_files import patients

COLUMNS = (
    ("diagnosis_date", lambda i: f"2015-01-{i + 1:02d}"),
    ("relapse_date", lambda i: f"2016-02-{i + 1:02d}" if i % 3 == 1 else ""),
    ("last_contact_date", lambda i: f"2016-02-{i + 1:02d}"),
    ("stage", lambda i: ("earlier", "later")[i % 2]),
)


def registry_of(event):
    table = patients(*COLUMNS)
    roles = {"start": "diagnosis_date", "event_date": "relapse_date", "last_contact": "last_contact_date"}
    return open_registry(table, replace(propose(table), roles=roles, event=event))


@pytest.fixture(scope="module")
def relapse():
    return registry_of("relapse")


@pytest.fixture
def everybody(relapse):
    return np.ones(len(relapse), dtype=bool)


def test_states_are_named_after_the_event(relapse):
    counts = dict(states_of(Analysis(relapse, make_view(relapse, "overview", (), {}))).counts)
    assert list(counts) == ["With relapse", "Free of relapse"]
    death = registry_of("death")
    assert list(counts.values()) == list(
        dict(states_of(Analysis(death, make_view(death, "overview", (), {}))).counts).values()
    )


def test_what_was_published_of_deaths_is_not_compared_with_relapses(relapse):
    analysis = Analysis(relapse, make_view(relapse, "overview", (), {}))
    died = next(row for row in findings.counts(analysis) if row.statement == "Died")
    assert (died.here, died.verdict) == ("not recorded", findings.NOT_COMPARABLE)
    for row in findings.associations(analysis):
        assert {result.verdict for result in row.results} == {findings.NOT_COMPARABLE}
        assert "death" in row.results[0].note
    death = registry_of("death")
    compared = {row.name: row for row in findings.associations(Analysis(death, make_view(death, "overview", (), {})))}
    assert compared["stage.overall"].results[0].verdict != findings.NOT_COMPARABLE


def test_patients_end_with_the_event(relapse, everybody):
    assert set(patients_table(relapse, everybody, ())[END]) == {"Relapse", "Last contact"}
    assert "Relapse" in history(relapse, 1)["what"].tolist()


def test_a_timeline_ends_with_the_event_by_its_name(relapse, everybody):
    chart = swimmer_chart(timeline(relapse, everybody))
    legend = chart.spec["datasets"]["legend"]["label"].tolist()
    assert "Relapse" in legend
    assert "Death" not in legend
    assert set(chart.spec["datasets"]["rows"]["c2"]) == {"Relapse", "Last contact"}
    assert "Relapse: " in chart.alt
