"""Tables of text cells, each different text of a column held once: a million rows are checked by their few hundred texts."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from core.errors import RegistryError

BLOCK = 1 << 24  # bytes parsed at a time
JOINED = 1 << 16  # cells handed out as one text
_TEXT = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, eq=False)
class Column:
    """n cells: ``words``, each different text once, and ``codes`` (n,), which of them each row has."""

    codes: np.ndarray
    words: pa.StringArray

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def texts(self) -> np.ndarray:
        """The words as Python texts, in an array of objects."""
        return self.words.to_numpy(zero_copy_only=False)

    @cached_property
    def dates(self) -> np.ndarray:
        """The words as dates, NaT where they are not written as 2019-07-31."""
        text = pd.Series(self.texts)
        return pd.to_datetime(text.where(text != ""), format="%Y-%m-%d", errors="coerce").to_numpy()

    @cached_property
    def numbers(self) -> np.ndarray:
        """The words as numbers, NaN where they are none."""
        text = pd.Series(self.texts)
        return pd.to_numeric(text.where(text != ""), errors="coerce").to_numpy(dtype=float)

    def stripped(self) -> "Column":
        """The same without white space around the cells."""
        stripped = [text.strip() for text in self.texts]
        if stripped == self.texts.tolist():
            return self
        codes, words = pd.factorize(np.array(stripped, dtype=object))
        return Column(codes.astype(np.int32)[self.codes], pa.array(words, pa.string()))

    def each(self, value_of: np.ndarray) -> np.ndarray:
        """(n,) the value of every cell, from the values of the words."""
        return value_of[self.codes]

    def joined(self, separator: str):
        """All cells as one text, in parts."""
        for start in range(0, len(self), JOINED):
            part = self.words.take(pa.array(self.codes[start : start + JOINED]))
            whole = pa.ListArray.from_arrays(pa.array([0, len(part)], pa.int32()), part)
            if start:
                yield separator.encode()
            yield pa.compute.binary_join(whole, separator)[0].as_buffer()


@dataclass(frozen=True, eq=False)
class Cells:
    """A table of text cells ('' where empty): its columns by name, in the order of the file."""

    columns: dict[str, Column]
    n_rows: int

    def __len__(self) -> int:
        return self.n_rows

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def empty_column(self) -> Column:
        return Column(np.zeros(self.n_rows, dtype=np.int32), pa.array([""]))

    def frame(self) -> pd.DataFrame:
        return pd.DataFrame({name: column.each(column.texts) for name, column in self.columns.items()})


def cells_of(frame: pd.DataFrame) -> Cells:
    """The cells of a frame of texts."""
    columns = {}
    for name in frame.columns:
        codes, words = pd.factorize(frame[name].fillna("").to_numpy(dtype=object))
        columns[name] = Column(codes.astype(np.int32), pa.array(words, pa.string()))
    return Cells(columns, len(frame))


def read_csv(path: Path) -> Cells:
    """The cells of a CSV file in UTF-8. Raises RegistryError with what is wrong with it."""
    header = _header(path.name, _parsed(path, n_rows=1))
    found = _parsed_by_arrow(path, len(header))
    if found is None:  # rows of unequal length, or a file that Arrow would read differently
        body = _parsed(path).iloc[1:]
        return cells_of(body.set_axis(header, axis="columns"))
    return Cells(dict(zip(header, found, strict=True)), len(found[0]))


def _header(name, table) -> list[str]:
    header = table.iloc[0].str.strip()
    if header.duplicated().any():
        raise RegistryError(f"{name} has two columns named {header[header.duplicated()].iloc[0]!r}. Rename one.")
    return list(header)


def _parsed(path, n_rows=None) -> pd.DataFrame:
    """The header is read as a row: pandas would rename a column that stands twice."""
    try:
        return pd.read_csv(
            path,
            header=None,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            skip_blank_lines=False,
            nrows=n_rows,
        ).fillna("")
    except UnicodeDecodeError:
        raise RegistryError(f'{path.name} is not in UTF-8. Save it as "CSV UTF-8".') from None
    except pd.errors.EmptyDataError:
        raise RegistryError(f"{path.name} is empty.") from None
    except pd.errors.ParserError:
        raise RegistryError(
            f"{path.name} has rows with more cells than its header names. Check for commas inside cells without quotes."
        ) from None


def _parsed_by_arrow(path, n_columns) -> list[Column] | None:
    """The columns below the header; None where the file is not plain enough to be read alike by pandas and by Arrow."""
    if n_columns < 2:
        return None
    names = [f"c{i}" for i in range(n_columns)]
    with path.open("rb") as file:
        try:
            table = pa.csv.read_csv(
                _WithLastRow(file, n_columns),
                pa.csv.ReadOptions(column_names=names, skip_rows_after_names=1, block_size=BLOCK),
                pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
                pa.csv.ConvertOptions(column_types=dict.fromkeys(names, _TEXT)),
            )
        except pa.ArrowInvalid:
            return None
    columns = [_column(column) for column in table.columns]
    # a quote that is never closed swallows the row that was put at the end
    if not len(table) or any(column.words[int(column.codes[-1])].as_py() for column in columns):
        return None
    return [Column(column.codes[:-1], column.words) for column in columns]


class _WithLastRow(io.RawIOBase):
    """A file with an empty row put at its end, which tells whether the text before it came to an end."""

    def __init__(self, file, n_columns):
        self._file, self._last_row = file, b"," * (n_columns - 1) + b"\n"
        self._last_byte = b"\n"

    def readable(self):
        return True

    def read(self, size=-1):
        data = self._file.read(size)
        if data:
            if b"\0" in data:  # ends a cell for pandas, and is a character like any other for Arrow
                raise pa.ArrowInvalid("NUL")
            self._last_byte = data[-1:]
            return data
        data, self._last_row = self._last_row, b""
        return data if not data or self._last_byte in b"\r\n" else b"\n" + data


def read_parquet(path: Path) -> Cells:
    """The cells of a Parquet file, as they would stand in a CSV file: see ``_as_text``. Raises RegistryError."""
    try:
        file = pa.parquet.ParquetFile(path)
        names = [name.strip() for name in file.schema_arrow.names]
        texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
        table = pa.parquet.read_table(path, read_dictionary=texts)
    except (pa.ArrowException, OSError):
        raise RegistryError(f"{path.name} is not a Parquet file, or is damaged. Write it again.") from None
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise RegistryError(f"{path.name} has two columns named {twice[0]!r}. Rename one.")
    columns = {name: _as_text(table.column(i), f"{path.name}: {name!r}") for i, name in enumerate(names)}
    return Cells(columns, len(table))


def _is_text(kind) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _as_text(column: pa.ChunkedArray, place: str) -> Column:
    """Texts as they are, whole numbers without a point, other numbers as short as they stay exact, dates as 2019-07-31, true
    as 1 and false as 0, missing as empty."""
    kind = column.type
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_null(inner):
        return Column(np.zeros(len(column), dtype=np.int32), pa.array([""]))
    write = _writer(inner)
    if write is None:
        raise RegistryError(f"{place} holds {kind}. Use texts, numbers, dates, or true and false.")
    if not pa.types.is_dictionary(kind):
        if pa.types.is_floating(inner):  # NaN stands for missing
            column = pa.compute.if_else(pa.compute.is_nan(column), pa.scalar(None, inner), column)
        column = column.dictionary_encode()
    column = column.unify_dictionaries().combine_chunks()
    array = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    texts = [*write(array.dictionary).to_pylist(), ""]
    codes, words = pd.factorize(
        np.array([text or "" for text in texts], dtype=object)
    )  # two values can be written alike
    where = pa.compute.fill_null(array.indices, len(texts) - 1).to_numpy(zero_copy_only=False)
    return Column(codes.astype(np.int32)[where], pa.array(words, pa.string()))


def _writer(kind) -> Callable | None:
    """Writes an array of values as texts."""
    if _is_text(kind):
        return lambda values: values.cast(pa.string())
    if pa.types.is_boolean(kind):
        return lambda values: values.cast(pa.int8()).cast(pa.string())
    if pa.types.is_integer(kind):
        return lambda values: values.cast(pa.string())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return lambda values: pa.array([None if v is None else _number(v) for v in values.to_pylist()], pa.string())
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return lambda values: pa.array([None if v is None else _date(v) for v in values.to_pylist()], pa.string())
    return None


def _number(value) -> str:
    return str(int(value)) if value == value and abs(value) < 1e15 and value == int(value) else str(value)


def _date(value) -> str:
    return value.isoformat().removesuffix("T00:00:00")


def _column(column: pa.ChunkedArray) -> Column:
    array = column.unify_dictionaries().combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    return Column(array.indices.to_numpy(zero_copy_only=False), array.dictionary)
