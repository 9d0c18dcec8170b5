"""Bad files: each is refused, asked about or reported, with place and cure; none raises anything else, none is misread."""

import re
import zipfile

import pytest

from core.errors import RegistryError
from core.intake.proposals import propose
from core.intake.questions import questions
from core.intake.tables import read_table
from core.intake.to_registry import open_registry
from tests.core.intake.files import (
    GOOD,
    HEADER,
    ROWS,
    SHEET,
    bomb,
    csv_file,
    good_rows,
    lying,
    replaced_part,
    sheet_xml,
    workbook,
    zip_of,
)

BOOK = workbook(good_rows())
FAR_CELL = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
MANY = ",".join(f"column {i}" for i in range(4000))
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "haha">]><worksheet/>'

REFUSED = {
    # what is wrong -> (name, content, words of the message)
    "no byte": ("a.csv", b"", "empty"),
    "only line ends": ("a.csv", b"\n\r\n\n", "empty"),
    "only a byte order mark": ("a.csv", b"\xef\xbb\xbf", "empty"),
    "only spaces": ("a.csv", b"   \t  ", "empty"),
    "only zeros": ("a.csv", b"\x00" * 500, "empty"),
    "only commas": ("a.csv", b",,,\n,,,\n", "single column"),
    "a header alone": ("a.csv", csv_file(HEADER), "no rows below"),
    "a single column": ("a.csv", csv_file("id", "1", "2"), "single column"),
    "spaces for delimiters": ("a.csv", csv_file("id time status", "1 5 0"), "single column"),
    "no header": ("a.csv", csv_file(*ROWS), "name the columns"),
    "numbers for a header": ("a.csv", csv_file("1,2,3", "4,5,6", "7,8,9"), "name the columns"),
    "a column twice": ("a.csv", csv_file("id,age,age", "1,2,3"), "two columns are named 'age'"),
    "a column twice in another case": ("a.csv", csv_file("id,Age,AGE", "1,2,3"), "two columns are named"),
    "values without a name": ("a.csv", csv_file("id,,age", "1,2,3", "2,3,4"), "column 2 has values but no name"),
    "more cells than names": ("a.csv", csv_file("id,age", "1,2", "1,2,3"), "row 3: more cells"),
    "decimal commas between commas": ("a.csv", csv_file("id,albumin,sex", "a,3,2,f", "b,3,5,m"), "more cells"),
    "an open quote": ("a.csv", csv_file("id,note", 'a,"begun', "b,c"), "quotation mark"),
    "text after a quote": ("a.csv", csv_file("id,note", 'a,"said"so', "b,c"), "quotation mark"),
    "4,000 columns": ("a.csv", csv_file(MANY, ",".join("1" * 4000)), "1,000 columns"),
    "60,000 rows": ("a.csv", csv_file(HEADER, *ROWS * 2000), "more than 50,000 rows"),
    "a million line ends": ("a.csv", csv_file(HEADER, *[""] * 1_000_000), "more than 50,000 rows"),
    "21 MB": ("a.csv", b"a,b\n" + b"1,2\n" * 5_250_000, "larger than 20 MB"),
    "a cell without end": ("a.csv", csv_file("id,note", "1," + "x" * 40_000), "longer than"),
    "a cell beyond the parser": ("a.csv", csv_file("id,note", "1," + "x" * 200_000), "row 2"),
    "19 MB in one line": ("a.csv", b"x" * 19_000_000, "row 1: the row is longer than 2 MB"),
    "19 MB in one cell": ("a.csv", b"a,b\n1," + b"x" * 19_000_000 + b"\n2,3\n", "row 2: the row is longer than 2 MB"),
    "3 million cells": ("a.csv", b"a,b\n" + (b"," * 900 + b"\n") * 4_000, "more than 3,000,000 cells"),
    "a name without end": ("a.csv", csv_file("id," + "x" * 400, "1,2"), "longer than 300"),
    "control signs": ("a.csv", b"id,age\n1,\x00\x01\x02\n2,3\n", "not text"),
    "random bytes": ("a.csv", bytes(range(256)) * 20, "not"),
    "half a UTF-16": ("a.csv", "id,age\n1,2\n".encode("utf-16")[:-1], "damaged"),
    "UTF-16 for UTF-8 without a mark": ("a.csv", "id,age\n1,2".encode("utf-16-le")[:-1], "not text"),
    "a PDF": ("a.csv", b"%PDF-1.7 etc", "a PDF"),
    "a picture": ("a.csv", b"\x89PNG\r\n\x1a\n", "a picture"),
    "a photo": ("a.csv", b"\xff\xd8\xff\xe0", "a picture"),
    "gzip": ("a.csv", b"\x1f\x8b\x08\x00", "compressed"),
    "7z": ("a.csv", b"7z\xbc\xaf\x27", "compressed"),
    "an .xls": ("a.xls", b"\xd0\xcf\x11\xe0" + b"\x00" * 100, "old Excel file"),
    "an .xls called .xlsx, or one with a password": ("a.xlsx", b"\xd0\xcf\x11\xe0" + b"\x00" * 100, "password"),
    "R's format": ("a.csv", b"RDX3\nX\n", "R's own format"),
    "SPSS": ("a.csv", b"$FL2@(#)", "SPSS"),
    "SAS": ("a.csv", b"HEADER RECORD*******", "SAS"),
    "Stata": ("a.csv", b"<stata_dta><header>", "Stata"),
    "Parquet": ("a.csv", b"PAR1\x15", "Parquet"),
    "a database": ("a.csv", b"SQLite format 3\x00", "database"),
    "RTF": ("a.csv", b"{\\rtf1 hello}", "text document"),
    "a web page": ("a.csv", b"<!DOCTYPE html><html><table>", "web page"),
    "a web page called .xls": ("a.xls", b"<html><body><table></table>", "web page"),
    "XML": ("a.csv", b'<?xml version="1.0"?><a/>', "XML"),
    "JSON": ("a.csv", b'[{"id": 1}]', "JSON"),
    "an unknown separator": ("a.csv", csv_file("sep=#", "a#b", "1#2"), "separated in a way"),
    "not a zip": ("a.xlsx", b"id,age\n1,2\n", "not an Excel workbook"),
    "an empty workbook file": ("a.xlsx", b"", "empty"),
    "half a workbook": ("a.xlsx", BOOK[: len(BOOK) // 2], "not an Excel workbook"),
    "a workbook that lost some bytes": ("a.xlsx", BOOK[:600] + BOOK[607:], "damaged"),
    "a zip without a workbook": ("a.xlsx", zip_of(readme="hello"), "without a workbook"),
    "a zip of CSV": ("a.csv", zip_of(patients="id,age"), "zip archive"),
    "a binary workbook": ("a.xlsx", zip_of(xl__workbook_bin="x").replace(b"workbook_bin", b"workbook.bin"), "binary"),
    "a workbook of nothing": ("a.xlsx", workbook([]), "empty"),
    "a sheet of nonsense": ("a.xlsx", replaced_part(BOOK, SHEET, b"<worksheet><unclosed>"), "damaged|empty"),
    "a cell at the end of the world": ("a.xlsx", replaced_part(BOOK, SHEET, sheet_xml(FAR_CELL)), "row 1,048,576"),
    "a dimension that boasts": (
        "a.xlsx",
        replaced_part(BOOK, SHEET, sheet_xml("", '<dimension ref="A1:XFD1048576"/>')),
        "row 1,048,576",
    ),
    "a zip bomb": ("a.xlsx", bomb(), "unpacks to more"),
    "another compression": ("a.xlsx", zip_of(zipfile.ZIP_LZMA, xl__workbook="x"), "packed in a way"),
    "a part that is larger than it says": ("a.xlsx", lying(), "damaged"),
    "many small parts": ("a.xlsx", zip_of(**{f"xl__{i}": "x" for i in range(1500)}), "unpacks to more"),
    "definitions in XML": ("a.xlsx", replaced_part(BOOK, SHEET, LAUGHS), "definitions"),
    "formulas without results": (
        "a.xlsx",
        replaced_part(BOOK, SHEET, sheet_xml('<row r="1"><c r="A1"><f>1+1</f></c></row>')),
        "formulas whose results",
    ),
    "4,000 columns in Excel": ("a.xlsx", workbook([[f"c{i}" for i in range(4000)], [1] * 4000]), "columns"),
    "a sheet that is only a title": ("a.xlsx", workbook([["Registry 2020"], ["by us"]]), "no table|two columns"),
    "only total rows": ("a.csv", csv_file(HEADER, "Total,,,,", "Mean,,,,"), "no patients below"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_no_table_is_refused_with_the_cure(what):
    name, content, words = REFUSED[what]
    with pytest.raises(RegistryError, match=words) as refusal:
        read_table(content, name)
    said = str(refusal.value)
    assert said.startswith(name)
    assert len(said) < 500


def patients(*columns, n=24):
    """A table of n rows: id, and each column as (name, function of the row number)."""
    lines = [",".join(["id", *(name for name, _ in columns)])]
    lines += [",".join([f"P{i}", *(str(make(i)) for _, make in columns)]) for i in range(n)]
    return read_table(csv_file(*lines), "a.csv")


TIME = ("time_days", lambda i: 10 * i + 5)
STATUS = ("status", lambda i: i % 2)

ASKED = {
    # what only the reader knows -> (table, kind of the question)
    "events coded 1 and 2": (patients(TIME, ("status", lambda i: i % 2 + 1)), "states"),
    "events coded 0, 1 and 2": (patients(TIME, ("status", lambda i: i % 3)), "states"),
    "a column that says who is censored": (patients(TIME, ("censored", lambda i: i % 2)), "states"),
    "a column that says who is alive": (patients(TIME, ("state", lambda i: "ab"[i % 2])), "states"),
    "a status without any event": (patients(TIME, ("status", lambda i: 0)), "states"),
    "a time without a unit": (patients(("time", lambda i: i), STATUS), "time_unit"),
    "no status": (patients(TIME), "roles"),
    "no time": (patients(STATUS), "roles"),
    "dates that could be exchanged": (
        patients(("diagnosis_date", lambda i: f"0{i % 9 + 1}/0{i % 7 + 2}/2019"), ("last_contact", lambda i: "2021-01-01"), STATUS),
        "order",
    ),
    "day and month mixed": (
        patients(("diagnosis_date", lambda i: "13/01/2019" if i % 2 else "01/13/2019"), ("last_contact", lambda i: "2021-01-01"),
                 STATUS),
        "order",
    ),
    "years with two digits": (
        patients(("diagnosis_date", lambda i: "01/02/19"), ("last_contact", lambda i: "2021-01-01"), STATUS),
        "roles",
    ),
    "patients in several rows": (
        read_table(csv_file("id,time_days,status", "A,5,0", "A,9,1", "B,3,0", "C,4,1"), "a.csv"), "rows",
    ),
    "commas that group or divide": (
        read_table(csv_file("id;time_days;status;dose", "A;5;0;1,234", "B;6;1;2,500"), "a.csv"), "decimal",
    ),
    "commas and points": (
        read_table(csv_file("id;time_days;status;dose", "A;5;0;1,25", "B;6;1;2.50"), "a.csv"), "decimal",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ASKED)
def test_what_only_the_reader_knows_is_asked_and_nothing_opens_before(what):
    table, kind = ASKED[what]
    mapping = propose(table)
    assert kind in {question.kind for question in questions(mapping, table)}
    with pytest.raises(RegistryError):
        open_registry(table, mapping)


REPORTED = {
    # what is wrong with some rows -> (lines after the header, words of the finding, file rows, action)
    "a patient twice": (["X,2020-01-01,2020-06-01,0,50", "P1,2020-01-01,2020-06-01,0,50"], None, None, None),
    "follow-up before its start": (["X,2020-06-01,2020-01-01,0,50"], "ends before it begins", (32,), "excluded"),
    "no start": (["X,,2020-01-01,0,50"], "No follow-up time", (32,), "excluded"),
    "no last contact": (["X,2020-01-01,,0,50"], "No follow-up time", (32,), "excluded"),
    "no status": (["X,2020-01-01,2020-05-01,,50"], "No status", (32,), "excluded"),
    "no patient": ([",2020-01-01,2020-05-01,0,50"], "No patient identifier", (32,), "excluded"),
    "a date that is none": (["X,2020-02-30,2020-05-01,0,50"], "Not a date", (32,), "set to missing"),
    "a number that is none": (["X,2020-02-03,2020-05-01,0,about 50"], "Not a number", (32,), "set to missing"),
    "a word for missing": (["X,2020-02-03,2020-05-01,0,NA"], "Read as not recorded", (32,), "set to missing"),
    "a row of totals": (["Total,,,12,50"], "Row of totals", (32,), "excluded"),
    "a row of totals in Chinese": (["合计,,,12,50"], "Row of totals", (32,), "excluded"),
    "the header again": ([HEADER], "The header stands again", (32,), "excluded"),
    "a row that ends early": (["X,2020-02-03,2020-05-01,0"], "ends early", (32,), "kept"),
    "infinity": (["X,2020-02-03,2020-05-01,0,inf"], "Not a number", (32,), "set to missing"),
}


@pytest.mark.parametrize("what", REPORTED)
def test_a_row_that_is_wrong_is_reported_by_its_number_in_the_file(what):
    lines, words, rows, action = REPORTED[what]
    table = read_table(csv_file(HEADER, *ROWS, *lines), "a.csv")
    mapping = propose(table)
    if words is None:
        assert {q.kind for q in questions(mapping, table)} == {"rows"}
        return
    registry = open_registry(table, mapping)
    found = [finding for finding in registry.findings if words in finding.rule]
    assert [(finding.rows, finding.action) for finding in found] == [(rows, action)]
    assert registry.n_read == len(ROWS) + len(lines)
    assert len(registry) + registry.n_excluded == registry.n_read


CANARY = "Zhangsan7731"


@pytest.mark.parametrize(
    "content",
    [
        csv_file(HEADER, f"{CANARY},2020-01-01,{CANARY},0,{CANARY}"),
        csv_file(HEADER, *ROWS, f"{CANARY},{CANARY},2021-01-01,{CANARY},{CANARY}"),
        csv_file(HEADER, *ROWS, f'P,"{CANARY}', "x"),
        csv_file(HEADER, *ROWS, f"P,1,2,3,4,{CANARY}"),
        csv_file(HEADER, *ROWS, f"{CANARY},2020-01-01,2021-01-01,1,50", f"{CANARY},2020-01-01,2021-01-01,1,50"),
    ],
)
def test_no_message_and_no_finding_holds_a_value_of_the_file(content):
    said = []
    try:
        table = read_table(content, "a.csv")
        mapping = propose(table)
        said += [question.text for question in questions(mapping, table)]
        registry = open_registry(table, mapping)
        said += [f"{f.rule} {f.column} {f.place}" for f in registry.findings]
        assert CANARY not in registry.follow_up.to_csv()
    except RegistryError as error:
        said.append(str(error))
    assert said
    assert not re.search(CANARY, "\n".join(said))


def test_the_file_that_the_bad_ones_are_made_of_is_good():
    table = read_table(GOOD, "a.csv")
    mapping = propose(table)
    assert not questions(mapping, table)
    registry = open_registry(table, mapping)
    assert len(registry) == len(ROWS)
    assert not registry.findings


def test_there_are_at_least_sixty_bad_files():
    assert len(REFUSED) + len(ASKED) + len(REPORTED) >= 90
