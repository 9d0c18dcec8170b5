"""Ticks of a time axis where a clinician looks for them."""

import numpy as np

MOST_TICKS = 9
MONTH_STEPS = (1, 2, 3, 6, 12, 24, 36, 60, 120, 240)


def time_ticks(end: float, time_unit: str = "months") -> np.ndarray:
    """Ticks from 0 to ``end``, at most nine: multiples of 1, 2, 3, 6, 12, 24.. months, of 1, 2, 5, 10.. other units."""
    if not end > 0:
        raise ValueError("the end of the time axis must be positive")
    steps = MONTH_STEPS if time_unit == "months" and MONTH_STEPS[0] <= end / 2 else ()
    step = next((step for step in steps if end / step < MOST_TICKS), None) or _round_step(end)
    return np.arange(0, end * (1 + 1e-9), step)


def tick_label(tick: float) -> str:
    return f"{tick:.6f}".rstrip("0").rstrip(".")


def followed_at(ends: np.ndarray, times: np.ndarray) -> np.ndarray:
    """How many are followed beyond each time, from the ends of their follow-up."""
    return len(ends) - np.searchsorted(np.sort(ends, kind="stable"), times, side="right")


def _round_step(end: float) -> float:
    power = 10 ** np.floor(np.log10(end / (MOST_TICKS - 1)))
    return float(next(step * power for step in (1, 2, 5, 10) if end / (step * power) < MOST_TICKS))
