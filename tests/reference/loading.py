"""R's numbers and the public data sets they belong to, as committed; the tests need no R."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent


@cache
def reference(name: str) -> dict:
    """The numbers of ``<name>.json``, with the versions of R and its packages under "versions"."""
    path = HERE / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"{path.name} is missing: run `Rscript tests/reference/{name}.R` from the repository root"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def data(name: str) -> pd.DataFrame:
    """A public data set, as R's script wrote it; a fresh copy each time."""
    path = HERE / "data" / f"{name}.csv"
    if not path.exists():
        raise FileNotFoundError(
            f"data/{path.name} is missing: run `Rscript tests/reference/nonparametric.R` and "
            "`Rscript tests/reference/cox.R` from the repository root"
        )
    return _read(path).copy()


@cache
def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, float_precision="round_trip")


def assert_close(actual, expected, what: str, *, rtol: float = 1e-6, atol: float = 1e-9) -> None:
    """Equal to a relative ``rtol`` or an absolute ``atol``; missing values (null, "NA") at the same places."""
    got, want = _numbers(actual), _numbers(expected)
    assert got.shape == want.shape, f"{what}: {got.shape} values, expected {want.shape}"
    assert np.array_equal(np.isnan(got), np.isnan(want)), (
        f"{what}: not estimable at other places: {got}, expected {want}"
    )
    difference = np.abs(got - want)
    wrong = difference > np.maximum(atol, rtol * np.abs(want))
    assert not wrong.any(), (
        f"{what}: {np.count_nonzero(wrong)} of {wrong.size} differ, by up to {np.nanmax(difference):.3g}: "
        f"{got[wrong][:5]}, expected {want[wrong][:5]}"
    )


def _numbers(values) -> np.ndarray:
    if isinstance(values, pd.Series | np.ndarray):
        return np.asarray(values, dtype=float)
    if isinstance(values, list | tuple):
        return np.array([_numbers(value) for value in values], dtype=float)
    if values is None or values in ("NA", "NaN"):
        return np.array(np.nan)
    return np.array(float(values))
