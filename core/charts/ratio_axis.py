"""The axis of ratios: how far it reaches, and its ticks."""

import numpy as np
import pandas as pd

TICKS = (
    (0.5, 0.67, 0.8, 1, 1.25, 1.5, 2),
    (0.25, 0.33, 0.5, 0.67, 1, 1.5, 2, 3, 4),
    (0.1, 0.2, 0.5, 1, 2, 5, 10),
    (0.01, 0.1, 1, 10, 100),
)
LEAST_APART = 0.13  # of the axis between two ticks: a label's width where the plot is narrow


def ratio_range(rows: pd.DataFrame) -> tuple[float, float]:
    """Every estimate between 0.01 and 100, the intervals as far as they help, and room on both sides of 1."""
    estimates = rows["estimate"].to_numpy(dtype=float)
    estimates = np.clip(estimates[~np.isnan(estimates)], 0.01, 100)
    lows, highs = (rows[name].to_numpy(dtype=float) for name in ("conf_low", "conf_high"))
    least, most = min(estimates, default=1), max(estimates, default=1)
    low = max(np.nanmin([*lows, 1.0]), min(0.1, least / 1.5))
    high = min(np.nanmax([*highs, 1.0]), max(10.0, most * 1.5))
    return float(min(low, least, 0.6) / 1.08), float(max(high, most, 1.7) * 1.08)


def ratio_ticks(low: float, high: float) -> np.ndarray:
    """The finest set of ticks that spans the axis and leaves each label its room."""
    for every in TICKS:
        shown = [tick for tick in every if low <= tick <= high]
        apart = np.diff(np.log(shown)).min(initial=np.inf) / np.log(high / low)
        if low >= every[0] / 2 and high <= every[-1] * 2 and apart >= LEAST_APART:
            break
    return np.array(shown)
