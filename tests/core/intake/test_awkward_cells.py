"""What spreadsheets hold that is no plain value: each is asked about, reported or refused, none is misread."""

from dataclasses import replace

import pandas as pd
import pytest

from core.errors import RegistryError
from core.intake.proposals import plain_event, propose
from core.intake.questions import questions, row_choices
from core.intake.reuse import reused
from core.intake.stand_ins import AS_LIMIT, AS_MISSING, codes_for_missing, is_beyond_limit, limit_of
from core.intake.tables import read_table
from core.intake.to_registry import dictionary_file, open_registry
from core.intake.values import SERIAL
from tests.core.intake.files import GOOD, HEADER, ROWS, csv_file, workbook
from tests.core.intake.test_bad_files import patients


def with_column(name, cells):
    """The good file with one column more; ``cells`` are repeated."""
    lines = [f"{row},{cells[i % len(cells)]}" for i, row in enumerate(ROWS)]
    return read_table(csv_file(f"{HEADER},{name}", *lines), "a.csv")


def asked(mapping, table):
    return {(q.kind, q.about) for q in questions(mapping, table)}


def saved(table, mapping):
    return read_table(dictionary_file(table, mapping).to_csv(index=False).encode(), "dictionary.csv")


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([20, 35, 60, 90, 999, 999], ((999.0, 2),)),
        ([0, 1, 2, 3, 10, 88, 99], ((88.0, 1), (99.0, 1))),
        ([0.5, 3.2, 20, -9], ((-9.0, 1),)),
        ([1, 2, 3, 9, 9], ((9.0, 2),)),
        ([1, 2, 3, 9], ()),  # a single nine is a count like any other
        ([20, 35, 60, 85, 99], ()),  # somebody is ninety-nine
        ([-20, -3, 5, -9], ()),
        ([100, 7000, 9999], ()),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 9], ()),
        ([999, 999], ()),
        ([12, 900, 700, 999], ()),
    ],
)
def test_a_number_that_stands_apart_may_be_a_code(values, codes):
    assert codes_for_missing(pd.Series(values, dtype=float)) == codes


def test_999_is_asked_about_and_taken_out_only_when_the_reader_says_so():
    table = with_column("weight", [50, 61.5, 70, 999, 82])
    mapping = propose(table)
    assert asked(mapping, table) == {("missing", "weight")}
    assert "999 occurs 6 times" in questions(mapping, table)[0].text
    with pytest.raises(RegistryError):
        open_registry(table, mapping)
    kept = open_registry(table, mapping.with_columns(weight={"genuine": (999.0,)}))
    assert kept.values("weight").max() == 999
    assert not kept.findings
    mapping = mapping.with_columns(weight={"missing": (999.0,)})
    registry = open_registry(table, mapping)
    assert registry.values("weight").max() == 82
    assert [(f.rule, f.n_rows, f.action) for f in registry.findings] == [
        ("Stands for not recorded: 999", 6, "set to missing")
    ]
    again = reused(table, saved(table, mapping))
    assert not questions(again, table)
    pd.testing.assert_frame_equal(open_registry(table, again).patients, registry.patients)


def test_a_code_among_levels_is_no_level():
    table = with_column("grade", [1, 2, 3, 9])
    mapping = propose(table)
    assert asked(mapping, table) == {("missing", "grade")}
    registry = open_registry(table, mapping.with_columns(grade={"missing": (9.0,)}))
    assert registry.dictionary["grade"].levels == ("1", "2", "3")
    assert int(registry.values("grade").isna().sum()) == 7


def test_values_below_what_can_be_measured():
    assert is_beyond_limit("<0.5")
    assert is_beyond_limit("> 90")
    assert is_beyond_limit("≤1,5")
    assert not is_beyond_limit("<b>")
    assert limit_of("< 0.5") == "0.5"
    table = with_column("crp", ["<0.5", 3.1, 12, 8.5, 40.2])
    mapping = propose(table)
    assert mapping.column("crp").kind == "continuous"
    assert asked(mapping, table) == {("beyond", "crp")}
    limit = open_registry(table, mapping.with_columns(crp={"beyond": AS_LIMIT}))
    assert (limit.values("crp").min(), limit.n_missing(limit.dictionary["crp"])) == (0.5, 0)
    assert [(f.n_rows, f.action) for f in limit.findings] == [(6, "kept")]
    mapping = mapping.with_columns(crp={"beyond": AS_MISSING})
    missing = open_registry(table, mapping)
    assert missing.n_missing(missing.dictionary["crp"]) == 6
    assert [(f.n_rows, f.action) for f in missing.findings] == [(6, "set to missing")]
    assert not questions(reused(table, saved(table, mapping)), table)


def test_the_order_of_levels_is_kept_in_the_dictionary():
    table = with_column("severity", ["mild", "severe", "moderate"])
    mapping = propose(table)
    levels = tuple((word, word) for word in ("mild", "moderate", "severe"))
    mapping = mapping.with_columns(severity={"levels": levels, "kind": "ordinal"})
    registry = open_registry(table, mapping)
    assert registry.dictionary["severity"].levels == ("mild", "moderate", "severe")
    again = reused(table, saved(table, mapping))
    assert again.column("severity").levels == levels


@pytest.mark.parametrize("only", [("", ""), ("visit", "2"), ("a=b|c", "x=1")])
def test_which_rows_of_a_patient_count_is_kept_in_the_dictionary(only):
    column, value = only if only[0] else ("visit", "2")
    other = "0" if value == "2" else "x=0"
    lines = [f"P{i // 2},{10 * i + 5},{i % 2},{(other, value)[i % 2]}" for i in range(24)]
    table = read_table(csv_file(f"id,time_days,died,{column}", *lines), "a.csv")
    mapping = propose(table)
    assert asked(mapping, table) == {("rows", "id")}
    assert (column, value) in row_choices(mapping, table)
    mapping = replace(mapping, only=only)
    registry = open_registry(table, mapping)
    assert (registry.n_read, len(registry), registry.n_excluded) == (24, 12, 12)
    again = reused(table, saved(table, mapping))
    assert again.only == only
    assert open_registry(table, again).fingerprint == registry.fingerprint


@pytest.mark.parametrize(
    ("columns", "event"),
    [
        ("time_days,died", "death"),
        ("os_time,event", "death"),
        ("days,relapse", "relapse"),
        ("days,status", ""),
        ("pfs_days,progression", "progression"),
        ("days,death_or_relapse", ""),
        ("随访天数,复发", "relapse"),
    ],
)
def test_the_event_is_named_where_a_column_names_it(columns, event):
    lines = [f"P{i},{10 * i + 5},{i % 2}" for i in range(24)]
    table = read_table(csv_file(f"id,{columns}", *lines), "a.csv")
    time, status = columns.split(",")
    mapping = replace(propose(table), roles={"patient_id": "id", "time": time, "status": status}, time_unit="days")
    assert plain_event(mapping) == event
    mapping = replace(mapping, states={"0": "alive", "1": "death"}, event=event)
    assert (("event", status) in asked(mapping, table)) == (not event)


def test_an_event_that_has_only_a_date_is_called_by_its_name():
    rows = ["A,2020-01-01,2020-12-31,2020-06-01", "B,2020-01-01,2020-12-31,", "C,2020-01-01,2020-10-31,2020-02-01"]
    table = read_table(csv_file("id,start,last_contact,event_date", *rows), "a.csv")
    mapping = propose(table)
    assert asked(mapping, table) == {("event", "event_date")}
    mapping = replace(mapping, event="relapse")
    registry = open_registry(table, mapping)
    assert dict(registry.dictionary.meaning("status").level_means) == {"No event": "alive", "Relapse": "death"}
    assert registry.follow_up.set_index("patient")["days"].to_dict() == {"Row 2": 152, "Row 3": 365, "Row 4": 31}
    again = reused(table, saved(table, mapping))
    assert again.event == "relapse"
    assert open_registry(table, again).fingerprint == registry.fingerprint


def test_a_status_of_three_codes_keeps_the_names_that_were_given():
    table = patients(("time_days", lambda i: 10 * i + 5), ("status", lambda i: i % 3))
    mapping = replace(propose(table), states={"0": "alive", "1": "competing", "2": "death"})
    assert {kind for kind, _ in asked(mapping, table)} == {"event", "competing"}
    mapping = replace(mapping, event="relapse", competing="death")
    registry = open_registry(table, mapping)
    assert registry.dictionary.meaning("status").levels == ("No event", "Death", "Relapse")
    again = reused(table, saved(table, mapping))
    assert (again.event, again.competing, again.states) == ("relapse", "death", mapping.states)


def test_a_status_code_that_says_nothing_takes_its_patients_out():
    table = patients(("time_days", lambda i: 10 * i + 5), ("vital", lambda i: (0, 1, 9)[i % 3]))
    mapping = propose(table)
    mapping = replace(mapping, roles=mapping.roles | {"time": "time_days", "status": "vital"}, event="death",
                      time_unit="days", states={"0": "alive", "1": "death", "9": "missing"})  # fmt: skip
    assert not questions(mapping, table)
    registry = open_registry(table, mapping)
    assert (len(registry), registry.n_excluded) == (16, 8)
    assert not questions(reused(table, saved(table, mapping)), table)


def test_one_and_two_as_in_rs_lung_are_asked_about():
    table = patients(("time_days", lambda i: 10 * i + 5), ("status", lambda i: i % 2 + 1))
    assert ("states", "status") in asked(propose(table), table)


@pytest.mark.parametrize("words", [("是", "否"), ("有", "无"), ("死亡", "存活")])
def test_chinese_words_for_yes_and_no_are_plain(words):
    table = patients(("time_days", lambda i: 10 * i + 5), ("死亡", lambda i: words[i % 2]))
    mapping = propose(table)
    assert mapping.states == {words[0]: "death", words[1]: "alive"}
    assert not questions(mapping, table)


def test_day_numbers_of_excel_are_asked_about():
    table = patients(
        ("diagnosis_date", lambda i: 43000 + i), ("last_contact", lambda i: 43500 + i), ("died", lambda i: i % 2)
    )
    mapping = propose(table)
    mapping = replace(mapping, roles={"start": "diagnosis_date", "last_contact": "last_contact", "status": "died"},
                      states={"0": "alive", "1": "death"}, event="death")  # fmt: skip
    assert asked(mapping, table) == {("order", "diagnosis_date"), ("order", "last_contact")}
    days = {"order": SERIAL}
    registry = open_registry(table, mapping.with_columns(diagnosis_date=days, last_contact=days))
    assert set(registry.follow_up["days"]) == {500.0}


def test_day_numbers_under_a_name_of_a_date_are_asked_about_wherever_they_stand():
    table = patients(("time_days", lambda i: 10 * i + 5), ("died", lambda i: i % 2), ("infection", lambda i: "yn"[i % 2]),
                     ("infection_date", lambda i: 43000 + i))  # fmt: skip
    mapping = propose(table)
    assert asked(mapping, table) == {("order", "infection_date")}
    registry = open_registry(table, mapping.with_columns(infection_date={"order": SERIAL}))
    assert str(registry.values("infection_date").min())[:10] == "2017-09-22"


def test_a_row_of_totals_in_the_middle_is_no_patient():
    table = read_table(csv_file(HEADER, *ROWS[:9], "Subtotal,2020-01-01,2021-01-01,1,50", *ROWS[9:]), "a.csv")
    registry = open_registry(*_with_mapping(table))
    assert (registry.n_read, len(registry)) == (31, 30)
    assert [(f.rows, f.action) for f in registry.findings] == [((11,), "excluded")]


def test_a_date_in_the_future_is_reported():
    table = read_table(csv_file(HEADER, *ROWS, "X,2020-01-01,2150-01-01,0,50"), "a.csv")
    registry = open_registry(*_with_mapping(table))
    assert [(f.rule, f.rows, f.action) for f in registry.findings] == [("Lies in the future", (32,), "kept")]


def test_thousands_with_commas():
    lines = [f'P{i},{10 * i + 5},{i % 2},"{i + 1},{100 + i}.5"' for i in range(24)]
    table = read_table(csv_file("id,time_days,died,dose", *lines), "a.csv")
    registry = open_registry(table, propose(table))
    assert registry.values("dose").max() == 24123.5


def test_empty_rows_in_the_middle_change_no_row_number():
    lines = [line for row in ROWS for line in (row, "", ",,,,")]
    registry = open_registry(*_with_mapping(read_table(csv_file(HEADER, *lines), "a.csv")))
    assert (registry.n_read, len(registry)) == (30, 30)
    assert registry.follow_up["file_row"].max() == 2 + 29 * 3


def test_a_header_over_two_rows_of_merged_cells_is_refused_by_its_place():
    rows = [["id", "Follow-up", None, "Laboratory", None], [None, "days", "died", "albumin", "crp"]]
    rows += [[f"P{i}", 10 * i + 5, i % 2, 30 + i, i] for i in range(24)]
    with pytest.raises(RegistryError, match="row 2: more cells than the header in row 1 names"):
        read_table(workbook(rows), "a.xlsx")


def _with_mapping(table):
    return table, propose(table)


def test_dates_in_two_orders_are_asked_and_what_does_not_fit_is_reported():
    lines = [f"P{i},{'13/02/2019' if i % 2 else '02/14/2019'},2021-01-01,{i % 2}" for i in range(24)]
    table = read_table(csv_file("id,start,last_contact,died", *lines), "a.csv")
    mapping = propose(table)
    assert asked(mapping, table) == {("order", "start")}
    registry = open_registry(table, mapping.with_columns(start={"order": "day first"}))
    assert (registry.n_read, len(registry)) == (24, 12)
    assert any(f.rule.startswith("Not a date") and f.n_rows == 12 for f in registry.findings)


def test_the_good_file_has_nothing_of_all_this():
    table = read_table(GOOD, "a.csv")
    assert not any(column.suspects or column.n_beyond for column in propose(table).columns)


def test_the_name_of_an_event_is_no_name_of_a_person():
    """REDCap's longitudinal exports: which rows count is asked by it, so it has to be seen."""
    lines = [f"{i},{event},{10 * i + 5},{i % 2}" for i in range(9) for event in ("baseline_arm_1", "visit_1_arm_1")]
    table = read_table(csv_file("record_id,redcap_event_name,time_days,died", *lines), "a.csv")
    mapping = propose(table)
    assert not mapping.column("redcap_event_name").identifier
    assert ("redcap_event_name", "baseline_arm_1") in row_choices(mapping, table)


def test_one_repeated_row_is_said_in_the_singular():
    lines = [f"{max(i, 1)},{10 * i + 5},{i % 2}" for i in range(9)]
    table = read_table(csv_file("patient_id,time_days,died", *lines), "a.csv")
    (asked_for,) = [q for q in questions(propose(table), table) if q.kind == "rows"]
    assert asked_for.text.startswith("1 row repeats a patient")
