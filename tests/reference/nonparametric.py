"""The data sets of nonparametric.R, as the engine takes them."""

from dataclasses import dataclass

import pandas as pd

from core.survival.outcome import Outcome
from tests.reference.loading import data, reference

SETS = tuple(reference("nonparametric")["sets"])


@dataclass(frozen=True)
class PublicSet:
    outcome: Outcome
    strata: pd.Series
    layer: pd.Series | None
    expected: dict


def public_set(name: str) -> PublicSet:
    frame, expected = data(f"nonparametric_{name}"), reference("nonparametric")["sets"][name]
    outcome = Outcome(frame["time"], frame["cause"], frame.get("entry"))
    strata = pd.Series(pd.Categorical(_text(frame["group"]), categories=as_list(expected["levels"])))
    return PublicSet(outcome, strata, _text(frame["layer"]) if "layer" in frame else None, expected)


def having(*path: str) -> list[str]:
    """The names of the sets for which R has a result of that kind."""
    found = []
    for name in SETS:
        node = reference("nonparametric")["sets"][name]
        for key in path:
            node = (node or {}).get(key)
        if node:
            found.append(name)
    return found


def as_list(value) -> list:
    """R writes a vector of length one as a bare value."""
    return value if isinstance(value, list) else [value]


def _text(column: pd.Series) -> pd.Series:
    """Levels as R prints them: numbers without a needless decimal point."""
    if pd.api.types.is_float_dtype(column):
        return column.map(lambda value: f"{value:g}", na_action="ignore").astype(object)
    return column.map(str, na_action="ignore").astype(object)
