"""What the intake makes of cells, names and units; where it cannot know it says so."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.intake.courses import propose_courses
from core.intake.event_again import SAME_AS_EVENT, has_event, without_the_event_again
from core.intake.identifiers import identifier_reason
from core.intake.proposals import propose
from core.intake.questions import questions
from core.intake.reuse import reused
from core.intake.tables import read_table
from core.intake.templates import TEMPLATES
from core.intake.to_registry import dictionary_file, open_registry
from core.intake.units import split_unit, unit_trap
from core.intake.values import (
    COMMA,
    DAY_FIRST,
    MONTH_FIRST,
    POINT,
    SERIAL,
    YEAR_FIRST,
    dates,
    decimal_of,
    numbers,
    order_of,
)
from core.registry.dictionary import read_dictionary
from tests.core.intake.files import HEADER, ROWS, csv_file


def text(*cells):
    return pd.Series(cells, dtype=object)


@pytest.mark.parametrize(
    ("cells", "decimal"),
    [
        (("1.5", "2"), POINT),
        (("1,5", "2"), COMMA),
        (("1.234,5",), COMMA),
        (("1,234.5",), POINT),
        (("1,234", "5,678"), None),
        (("1,5", "1.25"), None),
        (("12", "13"), POINT),
        (("0,125",), COMMA),
    ],
)
def test_the_decimal_sign_is_recognised_or_asked(cells, decimal):
    assert decimal_of([text(*cells)]) == decimal


def test_numbers_with_either_sign():
    assert numbers(text("1,5", "1.234,5", "-2", "x", ""), COMMA).tolist()[:3] == [1.5, 1234.5, -2.0]
    assert numbers(text("1.5", "1,234.5", "−2", "1e3", ".5"), POINT).tolist() == [1.5, 1234.5, -2.0, 1000.0, 0.5]
    assert numbers(text("1,5", "inf", "nan", "1 2", "12 cm", "1e999"), POINT).isna().all()


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (("2019-07-31", "2020/1/2", "2020年3月4日", "20200101"), YEAR_FIRST),
        (("31.07.2019", "01.02.2019"), DAY_FIRST),
        (("07/31/2019", "01/02/2019"), MONTH_FIRST),
        (("01/02/2019", "03/04/2019"), None),
        (("31/07/2019", "07/31/2019"), None),
        (("12-Mar-2020",), YEAR_FIRST),
        (("05/05/2019",), YEAR_FIRST),  # the same either way
    ],
)
def test_the_order_of_dates_is_recognised_or_asked(cells, order):
    assert order_of(text(*cells)) == order


def test_dates_in_any_order_become_the_same_day():
    assert dates(text("2019-07-31", "2019年7月31日", "31 July 2019", "Jul 31, 2019"), YEAR_FIRST).eq("2019-07-31").all()
    assert dates(text("01/02/2019", "1.2.2019 10:15"), DAY_FIRST).eq("2019-02-01").all()
    assert dates(text("02/01/2019"), MONTH_FIRST).tolist() == ["2019-02-01"]
    assert dates(text("43677"), SERIAL).tolist() == ["2019-07-31"]
    # what is no date stays for the checks to name
    assert dates(text("31/02/2019", "soon", "01/02/19"), DAY_FIRST).tolist() == ["31/02/2019", "soon", "01/02/19"]


@pytest.mark.parametrize(
    ("column", "cells", "found"),
    [
        ("Name", ("Ann",), "a name"),
        ("patient_name", ("Ann",), "a name"),
        ("姓名", ("张三",), "a name"),
        ("Phone", ("1",), "a telephone number"),
        ("联系电话", ("1",), "a telephone number"),
        ("身份证号", ("1",), "a number of a document or a hospital"),
        ("MRN", ("1",), "a number of a document or a hospital"),
        ("Date of birth", ("1950-03-04",), "a date of birth"),
        ("Birth year", ("1950",), ""),
        ("contact", ("13800138000", "13900139000"), "a telephone number"),
        ("remark", ("11010519491231002X",), "a national identity number"),
        ("mail", ("a@b.org",), "an address on the internet"),
        ("age", ("50",), ""),
        ("drug name", ("STS",), ""),
        ("id", ("P1",), ""),
        ("diagnosis_date", ("2019-01-01",), ""),
    ],
)
def test_columns_that_tell_who_somebody_is(column, cells, found):
    assert identifier_reason(column, text(*cells)) == found


@pytest.mark.parametrize(
    ("label", "values", "trap"),
    [
        ("Albumin", (3.2, 4.1, 2.8), ("g/dL", "g/L", 10.0)),
        ("白蛋白", (3.2, 4.1, 2.8), ("g/dL", "g/L", 10.0)),
        ("Albumin", (32, 41, 28), None),
        ("Haemoglobin", (10.2, 9.1, 12.8), ("g/dL", "g/L", 10.0)),
        ("Calcium", (9.1, 8.8, 10.2), ("mg/dL", "mmol/L", 0.2495)),
        ("Creatinine", (7.1, 8.8, 10.2), ("mg/dL", "µmol/L", 88.42)),
        ("Age", (3.2, 4.1, 2.8), None),
    ],
)
def test_a_value_in_another_unit_is_noticed_by_its_size(label, values, trap):
    found = unit_trap(label, "", values)
    assert (found and (found.found, found.expected, found.factor)) == trap


def test_a_unit_in_the_name_of_a_column_is_taken_from_it():
    assert split_unit("Albumin (g/dL)") == ("Albumin", "g/dL")
    assert split_unit("白蛋白（g/L）") == ("白蛋白", "g/L")
    assert split_unit("Stage (old)") == ("Stage (old)", "")


def test_a_conversion_multiplies_what_stands_in_the_file_and_is_saved():
    lines = [f"{row},{2.5 + i / 20:.2f}" for i, row in enumerate(ROWS)]
    table = read_table(csv_file(f"{HEADER},albumin", *lines), "a.csv")
    mapping = propose(table)
    trap = mapping.column("albumin").trap
    changed = mapping.with_columns(albumin={"factor": trap.factor, "unit": trap.expected})
    kept, converted = open_registry(table, mapping), open_registry(table, changed)
    np.testing.assert_allclose(converted.values("albumin"), 10 * kept.values("albumin"))
    assert converted.dictionary["albumin"].unit == "g/L"
    saved = dictionary_file(table, changed).to_csv(index=False).encode()
    again = open_registry(table, reused(table, read_table(saved, "d.csv")))
    pd.testing.assert_frame_equal(again.patients, converted.patients)


def test_a_dictionary_that_expects_another_unit_asks_before_it_takes_values_away():
    lines = [f"{row},{2.5 + i / 20:.2f}" for i, row in enumerate(ROWS)]
    table = read_table(csv_file(f"{HEADER},albumin", *lines), "a.csv")
    dictionary = csv_file(
        "name,label,kind,unit,hard_min,hard_max", "albumin,Albumin,continuous,g/L,10,60", "id,Patient,text,,,"
    )
    mapping = reused(table, read_table(dictionary, "d.csv"))
    assert mapping.column("albumin").trap.factor == 10


def test_an_event_with_and_without_its_date():
    rows = ["A,2020-01-01,2020-12-31,1,2020-06-01", "B,2020-01-01,2020-12-31,1,", "C,2020-01-01,2020-12-31,0,",
            "D,2020-01-01,2020-12-31,0,2020-05-01"]  # fmt: skip
    table = read_table(csv_file("id,start,last_contact,event,event_date", *rows), "a.csv")
    mapping = propose(table)
    mapping = replace(
        mapping, roles=mapping.roles | {"status": "event"}, states={"0": "alive", "1": "death"}, event="death"
    )
    registry = open_registry(table, mapping)
    said = {f.rule: (f.rows, f.action) for f in registry.findings}
    assert said["Event without a date"] == ((3,), "excluded")
    assert said["Has the date of an event, but the status says none happened"] == ((5,), "kept")
    assert registry.follow_up.set_index("patient")["days"].to_dict() == {"Row 2": 152, "Row 4": 365, "Row 5": 365}
    assert (registry.n_read, registry.n_excluded) == (4, 1)


def test_the_patient_is_called_by_the_row_and_courses_follow():
    table = read_table(csv_file(HEADER, *ROWS), "a.csv")
    courses = read_table(csv_file("id,start date,stop date", "P3,2020-02-01,2020-03-01", "P3,2020-04-01,"), "c.csv")
    registry = open_registry(table, propose(table), courses, propose_courses(courses))
    row = registry.follow_up.index[registry.follow_up["patient"] == "Row 5"][0]
    assert registry.courses["row"].tolist() == [row, row]
    assert not registry.follow_up["patient"].str.contains("P").any()


@pytest.mark.parametrize("label", ["a|b=c", "Nothing", "**x**", "it's", "x[0]", "a.b", "<b>", "Patient", "constructor"])
def test_any_name_of_a_column_or_level_can_be_opened(label):
    lines = [f"{row},{label} {'ab'[i % 2]}" for i, row in enumerate(ROWS)]
    table = read_table(csv_file(f"{HEADER},{label}", *lines), "a.csv")
    registry = open_registry(table, propose(table))
    variable = registry.dictionary.variables[-2]
    assert variable.kind == "nominal"
    assert registry.values(variable.name).notna().all()
    assert len(variable.levels) == 2


def test_the_templates_belong_together_and_open_without_a_question():
    dictionary = read_table(TEMPLATES["dictionary.csv"][1], "dictionary.csv")
    assert read_dictionary(dictionary.cells)
    header = TEMPLATES["patients.csv"][1].decode("utf-8-sig").strip()
    rows = [
        "1,50,female,2020-01-01,earlier,35,no,,,,2021-01-01",
        "2,60,male,2020-01-01,later,30,yes,2020-02-01,2020-05-01,other,",
    ]
    table = read_table(csv_file(header, *rows), "patients.csv")
    mapping = reused(table, dictionary)
    assert questions(mapping, table) == []
    registry = open_registry(table, mapping)
    assert registry.follow_up["state"].tolist() == ["death", "alive"]
    courses = csv_file(TEMPLATES["sts_courses.csv"][1].decode("utf-8-sig").strip(), "2,1,2020-01-05,2020-02-01,25,12")
    assert propose_courses(read_table(courses, "c.csv")).lacking == []


RELAPSES = [
    f"P{i},2019-01-{i % 28 + 1:02d},2021-01-{i % 28 + 1:02d},{'2020-03-04' if i % 2 else ''},"
    f"{'1' if i % 2 or i == 6 else '2'},{'ABC'[i % 3] if i % 2 else ''},{1 + i // 3 % 2},{40 + i if i % 4 else ''}"
    for i in range(60)
]


def relapse_file(rows=RELAPSES, event="relapse_date"):
    table = read_table(csv_file("id,start,last_contact,relapse_date,relapse,origin,arm,score", *rows), "a.csv")
    mapping = propose(table)
    return table, replace(mapping, roles=mapping.roles | {"event_date": event}, event="relapse")


def test_what_says_the_same_as_the_event_is_not_proposed_as_a_covariate():
    table, mapping = relapse_file()
    assert has_event(mapping, table).sum() == 30
    assert mapping.column("relapse").use
    found = without_the_event_again(mapping, table)
    # one row in thirty contradicts; origin is filled in for those with the event alone
    assert {c.name for c in found.columns if c.said == SAME_AS_EVENT} == {"relapse", "origin"}
    assert [found.column(name).use for name in ("relapse", "origin", "arm", "score")] == [False, False, True, True]


def test_what_differs_from_the_event_in_more_than_a_few_rows_stays():
    changed = [row.replace(",2,,", ",1,,") if i in (8, 10) else row for i, row in enumerate(RELAPSES)]
    table, mapping = relapse_file(changed)
    assert without_the_event_again(mapping, table).column("relapse").use


def test_nothing_repeats_an_event_that_is_not_said_yet():
    table, mapping = relapse_file()
    roles = {role: name for role, name in mapping.roles.items() if role != "event_date"}
    assert without_the_event_again(replace(mapping, roles=roles), table) == replace(mapping, roles=roles)
    coded = replace(mapping, roles=roles | {"status": "relapse"}, states={"1": "death"})
    assert without_the_event_again(coded, table) == coded
    coded = replace(coded, states={"1": "death", "2": "alive"})
    assert not without_the_event_again(coded, table).column("origin").use


def test_years_of_two_digits_are_counted_and_placed_but_not_shown():
    rows = ["A,01.03.2019,22.12.2020,", "B,01.03.2019,20.04.20,13.02.20", "C,01.03.2019,20.04.2020,14.03.20"]
    table = read_table(csv_file("id;start;last_contact;event_date", *(row.replace(",", ";") for row in rows)), "a.csv")
    said = {q.about: q.text for q in questions(propose_with(table, event_date="event_date"), table)}
    assert said["event_date"].startswith(
        "'event_date' has dates whose year has two digits (such as dd.mm.yy), in 2 of 2 cells, the first in row 3: "
    )
    assert "Write years with four digits" in said["event_date"]
    assert "13.02.20" not in said["event_date"]
    said = {q.about: q.text for q in questions(propose_with(table, event_date="id"), table)}
    assert "'id' does not hold dates with four-digit years, in 3 of 3 cells, the first in row 2." in said["id"]


def propose_with(table, **roles):
    mapping = propose(table)
    return replace(mapping, roles={r: c for r, c in mapping.roles.items() if c not in roles.values()} | roles)


def treated(dated="2020-03-04", codes="21", name="steroid_date"):
    rows = [f"{row},{codes[i % 2]},{dated if i % 4 == 1 else ''}" for i, row in enumerate(ROWS)]
    return read_table(csv_file(f"{HEADER},steroid,{name}", *rows), "a.csv")


@pytest.mark.parametrize("name", ["steroid_date", "date_of_steroid", "steroid date", "Steroid_Datum"])
@pytest.mark.parametrize("codes", ["21", "12", "01"])
def test_two_codes_beside_a_date_are_a_yes_since_that_date(name, codes):
    table = treated(codes=codes, name=name)
    column = propose(table).column("steroid")
    assert (column.kind, column.timing, column.dated_by) == ("binary", "post-baseline", name)
    assert column.levels == ((codes[0], "No"), (codes[1], "Yes"))
    registry = open_registry(table, propose(table))
    assert registry.dictionary["steroid"].is_post_baseline
    assert registry.days_to[registry.dictionary["steroid"].dated_by].notna().sum() == 8


def test_two_codes_with_dates_beside_either_are_no_yes_or_no():
    cells = treated().cells
    cells["steroid_date"] = "2020-03-04"
    column = propose(replace(treated(), cells=cells)).column("steroid")
    assert (column.kind, column.timing, column.dated_by) == ("nominal", "baseline", "")
