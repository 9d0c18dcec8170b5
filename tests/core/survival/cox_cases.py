"""The data sets of tests/reference/cox.R as outcomes and covariates, and made-up ones for the properties."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from core.survival import Outcome
from tests.reference.loading import data, reference

SETS = list(reference("cox")["sets"])


def case(name: str):
    """(outcome, covariates with R's levels, strata or None, R's numbers)."""
    expected = reference("cox")["sets"][name]
    frame = data(f"cox_{name}")
    columns = expected["covariates"] if isinstance(expected["covariates"], list) else [expected["covariates"]]
    covariates = frame[columns].copy()
    for column, levels in dict(expected["levels"] or {}).items():
        texts = covariates[column]
        if pd.api.types.is_numeric_dtype(texts):
            numbers = [float(level) for level in levels]
            texts = texts.map(dict(zip(numbers, levels, strict=True)))
        covariates[column] = pd.Categorical(texts, categories=levels)
    entry = frame["entry"].to_numpy() if "entry" in frame else None
    strata = frame.get("stratum")
    return Outcome(frame["time"].to_numpy(), frame["cause"].to_numpy(), entry), covariates, strata, expected


def as_list(values) -> list:
    return values if isinstance(values, list) else [values]


def fitted_rows(result) -> pd.DataFrame:
    """The rows that R prints: everything but reference levels."""
    return result.terms[~result.terms["is_reference"]]


@st.composite
def cohorts(draw, max_rows: int = 60):
    """(outcome, two covariates) of random cohorts with ties, sometimes with late entry and missing values."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(12, max_rows))
    time = rng.integers(1, draw(st.integers(4, 80)), n).astype(float)
    event = rng.random(n) < draw(st.sampled_from([0.3, 0.6, 1.0]))
    event[:4] = True
    entry = time - rng.integers(1, 30, n) if draw(st.booleans()) else None
    x = rng.normal(50, 10, n)
    if draw(st.booleans()):
        x[rng.random(n) < 0.1] = np.nan
    group = pd.Categorical.from_codes(rng.integers(0, 3, n), ["a", "b", "c"])
    return Outcome(time, event, entry), pd.DataFrame({"x": x, "group": group})
