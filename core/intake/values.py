"""What text cells mean: numbers with a decimal point or comma, dates in any usual order, words for yes, no and missing."""

import re

import numpy as np
import pandas as pd

MISSING_WORDS = {
    "", "na", "n/a", "n.a.", "nan", "null", "nil", ".", "-", "--", "—", "–", "/", "?", "#n/a", "#null!", "#value!", "#div/0!",
    "#ref!", "#name?", "#num!", "missing", "not recorded", "not available", "缺失", "未记录", "<na>", "nat",
}  # fmt: skip
NO_WORDS = {"0", "no", "n", "false", "f", "negative", "neg", "absent", "否", "无", "阴性", "不", "nein", "non"}
YES_WORDS = {"1", "yes", "y", "true", "t", "positive", "pos", "present", "是", "有", "阳性", "ja", "oui"}
POINT, COMMA = "decimal point", "decimal comma"
YEAR_FIRST, DAY_FIRST, MONTH_FIRST, SERIAL = "year first", "day first", "month first", "Excel day numbers"
DATE_ORDERS = (YEAR_FIRST, DAY_FIRST, MONTH_FIRST, SERIAL)

_POINT = re.compile(r"[-+−]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?")
_COMMA = re.compile(r"[-+−]?(\d+,?\d*|,\d+)([eE][-+]?\d{1,3})?")
_GROUPED = {
    POINT: re.compile(r"[-+−]?\d{1,3}(,\d{3})+(\.\d*)?"),
    COMMA: re.compile(r"[-+−]?\d{1,3}([. ]\d{3})+(,\d*)?"),
}
_TIME = r"(?:[ T]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?(?:Z|[+-]\d{2}:?\d{2})?)?"
_YMD = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?" + _TIME)
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})")
_XXY = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})" + _TIME)
_NAMED = re.compile(r"(\d{1,2})[- .]*([A-Za-z]{3,9})[- .,]*(\d{4})" + _TIME)
_NAMED_US = re.compile(r"([A-Za-z]{3,9})[- .]*(\d{1,2})[- .,]+(\d{4})" + _TIME)
_YEAR = re.compile(r"\d{4}")
_SHORT_YEAR = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2}")
_MONTHS = {name: i + 1 for i, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split())}


def is_missing(cell: str) -> bool:
    return cell.strip().casefold() in MISSING_WORDS


def recorded(cells: pd.Series) -> pd.Series:
    """The cells with '' wherever a word says that nothing is recorded."""
    known = {cell: "" if is_missing(cell) else cell for cell in cells.unique()}
    return cells.map(known)


def looks_like_data(cell: str) -> bool:
    """A number or a date: nothing that names a column."""
    return bool(_POINT.fullmatch(cell) or _COMMA.fullmatch(cell) or _YMD.fullmatch(cell) or _XXY.fullmatch(cell))


def decimal_of(columns) -> str | None:
    """How numbers of a file are written: POINT, COMMA, or None where "1,234" could mean either. ``columns``: series of text."""
    comma = ambiguous = point = False
    for cells in columns:
        for cell in cells.unique():
            if "," not in cell and "." not in cell:
                continue
            if _COMMA.fullmatch(cell):
                if re.fullmatch(r"[-+−]?[1-9]\d{0,2},\d{3}", cell):
                    ambiguous = True
                else:
                    comma = True
            elif _POINT.fullmatch(cell):
                if not re.fullmatch(r"[-+−]?[1-9]\d{0,2}\.\d{3}", cell):
                    point = True
            elif _GROUPED[COMMA].fullmatch(cell) and re.search(r",|\..*\.", cell):
                comma = True
            elif _GROUPED[POINT].fullmatch(cell) and re.search(r"\.|,.*,", cell):
                point = True
    if comma and point:
        return None
    if comma:
        return COMMA
    if point or not ambiguous:
        return POINT
    return None


def numbers(cells: pd.Series, decimal: str = POINT) -> pd.Series:
    """The cells as float; NaN where empty or not a number (see ``not_numbers``)."""
    return cells.map({cell: _number(cell, decimal) for cell in cells.unique()}).astype(float)


def _number(cell, decimal):
    plain = _COMMA if decimal == COMMA else _POINT
    text = cell.replace("−", "-")
    if decimal == COMMA and _GROUPED[COMMA].fullmatch(text):
        text = text.replace(".", "").replace(" ", "")
    elif decimal == POINT and _GROUPED[POINT].fullmatch(text):
        text = text.replace(",", "")
    if not plain.fullmatch(text):
        return np.nan
    value = float(text.replace(",", "."))
    return value if np.isfinite(value) else np.nan


def is_date(cell: str) -> bool:
    if not _YEAR.search(cell):
        return False
    return any(_parts(cell, order) is not None for order in (YEAR_FIRST, DAY_FIRST, MONTH_FIRST))


def has_short_year(cell: str) -> bool:
    return bool(_SHORT_YEAR.fullmatch(cell))


def order_of(cells: pd.Series) -> str | None:
    """The order in which the dates of a column are written; None where day and month could be exchanged, or both occur."""
    day = month = False
    either = False
    for cell in cells.unique():
        found = _XXY.fullmatch(cell)
        if not found:
            continue
        first, second = int(found.group(1)), int(found.group(2))
        day |= first > 12
        month |= second > 12
        either |= first <= 12 and second <= 12 and first != second
    if day and month:
        return None
    if day:
        return DAY_FIRST
    if month:
        return MONTH_FIRST
    return None if either else YEAR_FIRST


def dates(cells: pd.Series, order: str) -> pd.Series:
    """The cells as text in the form 2019-07-31. What is not such a date stays as it is, for the checks to name."""
    return cells.map({cell: _iso(cell, order) for cell in cells.unique()})


def _iso(cell, order):
    if not cell:
        return ""
    if order == SERIAL and re.fullmatch(r"\d{1,5}(\.\d+)?", cell):
        day = pd.Timestamp("1899-12-30") + pd.Timedelta(days=int(float(cell)))
        return day.strftime("%Y-%m-%d")
    parts = _parts(cell, order)
    return "{:04d}-{:02d}-{:02d}".format(*parts) if parts else cell


def _parts(cell, order):
    """(year, month, day) or None."""
    if found := (_YMD.fullmatch(cell) or _COMPACT.fullmatch(cell)):
        year, month, day = map(int, found.groups()[:3])
    elif found := _XXY.fullmatch(cell):
        first, second, year = map(int, found.groups()[:3])
        if order not in (DAY_FIRST, MONTH_FIRST) and first != second:
            return None
        month, day = (first, second) if order == MONTH_FIRST else (second, first)
    elif found := _NAMED.fullmatch(cell):
        day, month, year = int(found.group(1)), _MONTHS.get(found.group(2)[:3].lower(), 0), int(found.group(3))
    elif found := _NAMED_US.fullmatch(cell):
        month, day, year = _MONTHS.get(found.group(1)[:3].lower(), 0), int(found.group(2)), int(found.group(3))
    else:
        return None
    try:
        pd.Timestamp(year=year, month=month, day=day)
    except ValueError:
        return None
    return (year, month, day) if 1850 <= year <= 2200 else None
