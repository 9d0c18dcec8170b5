"""Files as cells: the fast way of reading gives the cells that the slow one gives, and Parquet those of the same CSV file."""

import datetime as dt
import random
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from core.errors import RegistryError
from core.registry import cells, read_registry
from core.registry.cells import cells_of, read_csv, read_parquet

PIECES = [
    "a",
    "b",
    " ",
    ",",
    ",",
    '"',
    '"',
    "\n",
    "\n",
    "\r\n",
    "é",
    "\t",
    "NA",
    "1",
    "'",
    "\\",
    "\x00",
    "\ufeff",
    "\u3000",
]


def slowly(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(cells, "_parsed_by_arrow", lambda *_: None)
        return outcome(path)


def outcome(path):
    try:
        found = read_csv(path)
    except RegistryError as reason:
        return str(reason)
    return list(found.columns), found.frame().to_dict("list"), len(found)


def test_any_file_gives_the_same_cells_or_the_same_reason_both_ways(tmp_path, monkeypatch):
    draws = random.Random(1)
    path = tmp_path / "patients.csv"
    kinds = set()
    for _ in range(1500):
        text = "x,y\n" + "".join(draws.choice(PIECES) for _ in range(draws.randint(0, 14)))
        path.write_bytes(text.encode())
        slow = slowly(path, monkeypatch)
        assert outcome(path) == slow, repr(text)
        kinds.add(type(slow))
    assert kinds == {str, tuple}


def test_a_quote_that_is_never_closed_is_named_and_swallows_nothing(tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text('id,age\nA,50\nB,"60\nC,70\n', encoding="utf-8")
    with pytest.raises(RegistryError, match="without quotes"):
        read_csv(path)


def test_an_empty_last_line_is_a_row_only_where_it_has_cells(tmp_path):
    path = tmp_path / "patients.csv"
    for text, n in (("id,age\nA,50", 1), ("id,age\nA,50\n", 1), ("id,age\nA,50\n,", 2), ("id,age\nA,50\n\n", 2)):
        path.write_text(text, encoding="utf-8")
        assert len(read_csv(path)) == n, repr(text)


def test_cells_are_stripped_and_equal_ones_become_one():
    column = cells_of(pd.DataFrame({"x": ["no", " no", "yes", "", " "]}))["x"].stripped()
    assert column.each(column.texts).tolist() == ["no", "no", "yes", "", ""]
    assert sorted(column.texts) == ["", "no", "yes"]


def test_parquet_is_read_as_the_csv_file_that_says_the_same(sample_folder, tmp_path):
    folder = tmp_path / "sample"
    shutil.copytree(sample_folder, folder)
    table = pd.read_csv(folder / "patients.csv")  # numbers as numbers
    for name in table.columns:
        if name.endswith("_date"):
            table[name] = pd.to_datetime(table[name])
    table = table.astype({"stage": "category"} if "stage" in table else {"sex": "category"})
    table.to_parquet(folder / "patients.parquet", index=False)
    (folder / "patients.csv").unlink()
    one, other = read_registry(sample_folder), read_registry(folder)
    pd.testing.assert_frame_equal(one.patients, other.patients)
    pd.testing.assert_frame_equal(one.follow_up, other.follow_up)
    pd.testing.assert_frame_equal(one.courses, other.courses)
    assert [(f.rule, f.column, f.rows) for f in one.findings] == [(f.rule, f.column, f.rows) for f in other.findings]
    assert {f.file for f in other.findings} == {"patients.parquet"}


def test_parquet_of_texts_has_the_fingerprint_of_the_csv_file(sample_folder, tmp_path):
    folder = tmp_path / "sample"
    shutil.copytree(sample_folder, folder)
    texts = pd.read_csv(folder / "patients.csv", dtype=str, keep_default_na=False)
    texts.to_parquet(folder / "patients.parquet", index=False)
    (folder / "patients.csv").unlink()
    assert read_registry(folder).fingerprint == read_registry(sample_folder).fingerprint


def test_values_of_parquet_as_texts(tmp_path):
    columns = {
        "whole": pa.array([1, None, -3], pa.int64()),
        "number": pa.array([1.0, float("nan"), 2.25], pa.float64()),
        "yes": pa.array([True, False, None]),
        "day": pa.array([dt.date(2020, 1, 31), None, dt.date(1999, 12, 1)]),
        "moment": pa.array([dt.datetime(2020, 1, 31), dt.datetime(2020, 1, 31, 12, 30), None]),
        "word": pa.array(["a", None, ""]),
        "level": pa.array(["u", None, "v"]).dictionary_encode(),
        "nothing": pa.nulls(3),
    }
    pa.parquet.write_table(pa.table(columns), tmp_path / "patients.parquet")
    assert read_parquet(tmp_path / "patients.parquet").frame().to_dict("list") == {
        "whole": ["1", "", "-3"],
        "number": ["1", "", "2.25"],
        "yes": ["1", "0", ""],
        "day": ["2020-01-31", "", "1999-12-01"],
        "moment": ["2020-01-31", "2020-01-31T12:30:00", ""],
        "word": ["a", "", ""],
        "level": ["u", "", "v"],
        "nothing": ["", "", ""],
    }


def test_parquet_that_cannot_be_read_is_named(sample_folder, tmp_path):
    path = tmp_path / "patients.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(RegistryError, match="not a Parquet file"):
        read_parquet(path)
    pa.parquet.write_table(pa.table({"id": ["A"], "labs": [[1, 2]]}), path)
    with pytest.raises(RegistryError, match="'labs' holds list"):
        read_parquet(path)
    shutil.copy(sample_folder / "dictionary.csv", tmp_path)
    shutil.copy(sample_folder / "patients.csv", tmp_path)
    with pytest.raises(RegistryError, match=r"both patients\.csv and patients\.parquet"):
        read_registry(tmp_path)
