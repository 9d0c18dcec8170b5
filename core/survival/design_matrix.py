"""From covariates as they come (numbers, yes/no, categories) to the columns of a regression."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class Covariate:
    """One covariate of n rows.

    levels  the categories in their order, or () for a numeric covariate
    values  (n,) the number, NaN if missing; for categories the position in levels, -1 if missing
    """

    name: str
    levels: tuple
    values: np.ndarray

    @property
    def is_numeric(self) -> bool:
        return not self.levels

    @property
    def known(self) -> np.ndarray:
        """(n,) bool: not missing."""
        return ~np.isnan(self.values) if self.is_numeric else self.values >= 0

    def take(self, rows) -> "Covariate":
        return Covariate(self.name, self.levels, self.values[rows])


def read_covariates(covariates, n: int) -> list[Covariate]:
    """The covariates of a frame (or one Series), aligned with n rows by position.

    Numeric columns stay numbers. Yes/no, text and categorical columns become categories: in the order of the categories,
    No before Yes, text in alphabetical order. Raises ValueError on another length, a name given twice, an infinite number or
    a column of dates.
    """
    if isinstance(covariates, pd.Series):
        covariates = covariates.to_frame(name="covariate" if covariates.name is None else covariates.name)
    if not isinstance(covariates, pd.DataFrame):
        raise ValueError("covariates must be a pandas DataFrame or Series")
    if len(covariates) != n:
        raise ValueError(f"covariates have {len(covariates)} rows, the outcome has {n}")
    if not covariates.columns.is_unique:
        raise ValueError("covariates must have different names")
    return [_read(name, column) for name, column in covariates.items()]


def _read(name, column: pd.Series) -> Covariate:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categorical = column.array
        levels = tuple(categorical.categories.tolist())
        codes = np.asarray(categorical.codes)
        # a column of which no category is known at all still is a categorical one
        return Covariate(name, levels or ("",), codes)
    if pd.api.types.is_bool_dtype(dtype):
        if isinstance(dtype, np.dtype):
            return Covariate(name, (False, True), column.to_numpy().astype(np.int64))
        missing = column.isna().to_numpy()
        return Covariate(name, (False, True), np.where(missing, -1, column.fillna(False).to_numpy(dtype=np.int64)))
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        values = (
            column.to_numpy(dtype=float, na_value=np.nan) if dtype.kind not in "fiu" else column.to_numpy(dtype=float)
        )
        if np.isinf(values).any():
            raise ValueError(f"{name} holds an infinite number")
        return Covariate(name, (), values)
    if pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype):
        codes, levels = pd.factorize(column, sort=True)
        return Covariate(name, tuple(levels.tolist()) or ("",), codes.astype(np.int64))
    raise ValueError(f"{name} is neither a number nor a category")


@dataclass(frozen=True, eq=False)
class Term:
    """One row of a table of hazard ratios: a number, or a level of a category.

    column is its place in the matrix; None for the reference level and for a covariate that is the same for everybody.
    """

    covariate: str
    level: object
    is_reference: bool
    column: int | None
    rows: np.ndarray | None  # (n,) bool: who is in the level; None for a number


@dataclass(frozen=True, eq=False)
class DesignMatrix:
    """x (p, n): one line per coefficient. constant: covariate -> why it has no column."""

    x: np.ndarray
    terms: tuple[Term, ...]
    constant: dict


def design_matrix(covariates: list[Covariate], n: int) -> DesignMatrix:
    """The columns of covariates without missing values. The first level that has rows is the reference."""
    columns: list[np.ndarray] = []
    terms: list[Term] = []
    constant: dict = {}
    for covariate in covariates:
        if covariate.is_numeric:
            if n and np.ptp(covariate.values) == 0:
                constant[covariate.name] = "it has the same value in every row"
                terms.append(Term(covariate.name, "", False, None, None))
                continue
            terms.append(Term(covariate.name, "", False, len(columns), None))
            columns.append(covariate.values)
            continue
        size = np.bincount(covariate.values, minlength=len(covariate.levels))
        present = np.flatnonzero(size)
        if len(present) == 1:
            constant[covariate.name] = f"every row has {covariate.levels[present[0]]}"
        for i, code in enumerate(present):
            rows = covariate.values == code
            terms.append(Term(covariate.name, covariate.levels[code], i == 0, None if i == 0 else len(columns), rows))
            if i:
                columns.append(rows.astype(float))
    return DesignMatrix(np.array(columns, dtype=float).reshape(len(columns), n), tuple(terms), constant)


def complete_rows(covariates: list[Covariate], n: int) -> np.ndarray:
    """(n,) bool: the rows in which no covariate is missing."""
    complete = np.ones(n, dtype=bool)
    for covariate in covariates:
        complete &= covariate.known
    return complete
