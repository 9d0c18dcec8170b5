"""What a registry can offer as an exposure, since when each patient is exposed, and what cannot be analysed without dates."""

import numpy as np
import pandas as pd
import pytest

from core.endpoints import OVERALL, RESOLUTION
from core.exposures import Exposure, course_months, exposure_known, exposure_months, exposures_of, undated
from core.registry import read_registry
from core.registry.reading import build_registry
from tests.reference.loading import assert_close

MONTH = 30.4375
DICTIONARY = """name,label,kind,levels,timing,dated_by,means,derived,role
id,Patient,text,,,,patient_id,,identifier
diagnosed,Diagnosis,date,,,,diagnosis_date,,
seen,Last contact,date,,post-baseline,,last_contact_date,,outcome
died,Death,date,,post-baseline,,death_date,,outcome
healed,Resolution,date,,post-baseline,,resolution_date,,outcome
is_healed,Resolved,binary,,post-baseline,healed,,given(healed),outcome
cycles,STS courses,count,,post-baseline,courses,,count(courses),treatment
infected,Infection,binary,,post-baseline,infected_on,,,
infected_on,Date of infection,date,,post-baseline,,,,
amputated,Amputation,binary,,post-baseline,,,,
grade,Grade,ordinal,1=One|2=Two|3=Three,post-baseline,infected_on,,,
elsewhere,Referral,binary,,post-baseline,referred_on,,,
smoker,Smoker,binary,,baseline,,,,
"""
PATIENTS = """id,diagnosed,seen,died,healed,infected,infected_on,amputated,grade,elsewhere,smoker
A,2020-01-01,2020-12-31,,,1,2020-01-11,0,1,0,0
B,2020-01-01,2020-06-30,2020-06-30,,1,,1,2,0,1
C,2020-01-01,2020-10-01,,2020-05-01,0,,0,,1,0
D,2020-01-01,2020-09-01,,,,,0,3,0,0
E,2020-01-01,2020-08-01,,,0,2020-01-01,0,3,0,0
"""
COURSES = """patient_id,course,start,stop
A,2,2020-03-01,2020-03-20
A,1,2020-01-31,2020-02-10
B,1,2020-01-01,
B,2,2020-02-01,2020-02-05
"""


def table(text):
    rows = [line.split(",") for line in text.strip().splitlines()]
    return pd.DataFrame(rows[1:], columns=rows[0])


def registry_of(dictionary=DICTIONARY, patients=PATIENTS, courses=COURSES):
    return build_registry("test", table(dictionary), table(patients), None if courses is None else table(courses))


REGISTRY = registry_of()
PATIENT = REGISTRY.follow_up["patient"].tolist()


def by_name(registry=REGISTRY, endpoint=None):
    return {exposure.name: exposure for exposure in exposures_of(registry, endpoint)}


def of_patients(values):
    return dict(zip(PATIENT, np.asarray(values).tolist(), strict=True))


def test_what_has_dates_is_offered_courses_first():
    assert [(e.name, e.label, e.courses) for e in exposures_of(REGISTRY)] == [
        ("cycles.1", "At least 1 STS course", 1),
        ("cycles.2", "At least 2 STS courses", 2),
        ("is_healed", "Resolved", 0),
        ("infected", "Infection", 0),
    ]


def test_an_endpoint_is_no_exposure_of_itself():
    assert "is_healed" not in by_name(endpoint=RESOLUTION)
    assert "is_healed" in by_name(endpoint=OVERALL)


def test_what_has_no_dates_is_named_with_the_reason():
    reasons = {variable.name: why for variable, why in undated(REGISTRY)}
    assert set(reasons) == {"amputated", "grade", "elsewhere"}
    assert "no date says since when" in reasons["amputated"]
    assert "more than two values" in reasons["grade"]
    assert "referred_on" in reasons["elsewhere"]


def test_without_a_course_table_the_number_alone_is_not_enough():
    registry = registry_of(courses=None)
    assert "cycles.1" not in by_name(registry)
    assert course_months(registry).shape == (5, 0)
    assert "only the number of courses" in {v.name: why for v, why in undated(registry)}["cycles"]


def test_a_registry_with_durations_offers_nothing(pbc_folder):
    registry = read_registry(pbc_folder)
    assert exposures_of(registry) == ()
    assert undated(registry) == ()


def test_courses_are_numbered_by_their_dates():
    months = course_months(REGISTRY)
    found = {patient: months[i].tolist() for i, patient in enumerate(PATIENT)}
    assert_close(found["A"], [30 / MONTH, 60 / MONTH], "A")
    assert_close(found["B"], [0, 31 / MONTH], "B")
    assert np.isnan([found["C"], found["D"], found["E"]]).all()
    assert not months.flags.writeable


def test_a_course_can_count_from_its_last_day():
    second = by_name()["cycles.2"]
    stop = of_patients(exposure_months(REGISTRY, second, counted_from="stop"))
    assert_close(stop["A"], 79 / MONTH, "A")
    assert np.isnan(stop["B"])
    yes = dict.fromkeys("ABCDE", True)
    # B has had two courses, and only one of them is known to have ended: which is the first to have done so
    assert_close(
        of_patients(exposure_months(REGISTRY, by_name()["cycles.1"], counted_from="stop"))["B"], 35 / MONTH, "B"
    )
    assert of_patients(exposure_known(REGISTRY, second, counted_from="stop")) == {**yes, "B": False}
    assert exposure_known(REGISTRY, second).all()
    with pytest.raises(ValueError, match="counted_from"):
        exposure_months(REGISTRY, second, counted_from="middle")


def test_a_yes_without_a_date_and_a_missing_value_are_not_known():
    infection = by_name()["infected"]
    yes = dict.fromkeys("ABCDE", True)
    months = of_patients(exposure_months(REGISTRY, infection))
    assert_close(months["A"], 10 / MONTH, "A")
    assert months["E"] == 0  # the date counts, whatever stands beside it
    assert np.isnan([months["B"], months["C"], months["D"]]).all()
    assert of_patients(exposure_known(REGISTRY, infection)) == {**yes, "B": False, "D": False}


def test_the_definition_says_since_when():
    assert "course 2" in by_name()["cycles.2"].definition()
    assert "last day of course 2" in by_name()["cycles.2"].definition("stop")
    assert "date of Infection" in Exposure("infected", "Infection", "infected").definition()


def test_the_sample_offers_eight_courses_and_every_dated_event(sample_folder):
    registry = read_registry(sample_folder)
    found = by_name(registry)
    assert list(found)[:8] == [f"sts_courses.{k}" for k in range(1, 9)]
    assert list(found)[8:] == [
        *("infection", "bacteraemia", "debridement", "cinacalcet", "bisphosphonate", "hyperbaric_oxygen", "resolved")
    ]
    assert undated(registry) == ()
    counts = registry.values("sts_courses").to_numpy()
    for k in range(1, 9):
        months = exposure_months(registry, found[f"sts_courses.{k}"])
        assert ((~np.isnan(months)) == (counts >= k)).all()
    for name in list(found)[8:]:
        had = (registry.values(name) == "Yes").to_numpy()
        assert ((~np.isnan(exposure_months(registry, found[name]))) == had).all()
        assert exposure_known(registry, found[name]).all()
