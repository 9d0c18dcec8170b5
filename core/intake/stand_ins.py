"""Numbers that are none: 999 for "not recorded", "<0.5" below what the laboratory can measure. Noticed, never converted unasked."""

import re

import numpy as np
import pandas as pd

# what forms and statistics programs write where nothing is recorded; -1 and 9 too where they stand apart
CODES = (
    -1, -7, -8, -9, -77, -88, -99, -777, -888, -999, -9999, 8, 9, 66, 77, 88, 97, 98, 99, 666, 777, 888, 997, 998, 999, 7777, 8888,
    9999, 88888, 99999, 999999, 99.9, 999.9, 999.99,
)  # fmt: skip
_BEYOND = re.compile(r"\s*([<>≤≥＜＞]=?)\s*(\S+)\s*")
AS_LIMIT, AS_MISSING = "the limit itself", "not recorded"


def codes_for_missing(values: pd.Series) -> tuple[tuple[float, int], ...]:
    """((number, how often it occurs), ..) of numbers that may stand for "not recorded".

    A number written in nines, eights or sevens, or below zero where nothing else is, counts when it lies outside all other
    values by at least their range.
    """
    values = values.dropna().to_numpy(dtype=float)
    is_code = np.isin(values, CODES)
    others = values[~is_code]
    if not is_code.any() or len(np.unique(others)) < 2:
        return ()
    low, high = float(others.min()), float(others.max())
    found = []
    for code in np.unique(values[is_code]):
        apart = max(code - high, low - code)
        n = int((values == code).sum())
        if 0 < code < 10 and (n < 2 or apart < 3):
            continue
        if (code < 0 <= low) or (apart > 0 and apart >= high - low):
            found.append((float(code), n))
    return tuple(found)


def without_codes(cells: pd.Series, values: pd.Series, codes: tuple[float, ...]) -> pd.Series:
    """The cells with '' where their number is one of the codes. ``values``: the cells as numbers."""
    return cells.mask(values.isin(codes), "") if codes else cells


def is_beyond_limit(cell: str) -> bool:
    """Whether a cell says "<0.5" or ">90"."""
    found = _BEYOND.fullmatch(cell)
    return bool(found) and found.group(2)[0] in "0123456789.,"


def limit_of(cell: str) -> str:
    """ "0.5" of "<0.5"; any other cell as it is."""
    found = _BEYOND.fullmatch(cell)
    return found.group(2) if found else cell
