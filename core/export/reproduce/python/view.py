"""The view: its choices, its data, and the numbers that are found on the way."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parents[1]
DAYS_PER_MONTH = 30.4375
VIEW = json.loads((HERE / "view.json").read_text(encoding="utf-8"))
EXPECTED = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
# Without late entry everybody is at risk from the beginning, whoever dies on day 0 included.
FROM_THE_BEGINNING = -1.0
found = {}


def note(value, *name):
    """Keeps a number that was computed, under its name in expected.json."""
    found["; ".join(name)] = float(value)


def read():
    """The data in months on the clock of the view, from the landmark on where there is one."""
    text = dict.fromkeys(VIEW["text_columns"], str)
    data = pd.read_csv(
        HERE / "data.csv", dtype=text, keep_default_na=False, na_values={c: [""] for c in VIEW["columns"]}
    )
    data["time"] = data["time_days"] / DAYS_PER_MONTH
    data["entry"] = data["entry_days"] / DAYS_PER_MONTH if VIEW["late_entry"] else FROM_THE_BEGINNING
    mark = VIEW["landmark"]
    if mark:
        data = data[data["time"] > mark].copy()
        data["time"] -= mark
        if VIEW["late_entry"]:
            data["entry"] = (
                np.maximum(data["entry"] - mark, 0.0) if (data["entry"] > mark).any() else FROM_THE_BEGINNING
            )
    return data
