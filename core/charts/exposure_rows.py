"""Estimates of exposures that begin during follow-up as rows of a forest plot."""

import math

import pandas as pd
from scipy.special import ndtri

from core.charts.forest_rows import ROW_COLUMNS
from core.charts.wording import NOT_ESTIMABLE, format_count, format_estimate, format_p
from core.conventions import CONF_LEVEL


def exposure_rows(estimates: pd.DataFrame, *, conf_level: float = CONF_LEVEL) -> pd.DataFrame:
    """One row an estimate: label and the columns of ``three_estimates``; the events are those while exposed, of those exposed.

    Columns as those of ``forest_rows``.
    """
    rows = []
    for row in estimates.itertuples(index=False):
        known = not math.isnan(row.estimate)
        width = math.log(row.conf_high / row.conf_low) if known and row.conf_low > 0 else math.nan
        rows.append(
            (
                row.label,
                0,
                False,
                f"{format_count(row.n_event_exposed)}/{format_count(row.n_exposed)}",
                row.estimate,
                row.conf_low,
                row.conf_high,
                width / (2 * ndtri((1 + conf_level) / 2)),
                False,
                format_estimate(row.estimate, row.conf_low, row.conf_high) if known else NOT_ESTIMABLE,
                format_p(row.p_value) if known else "",
                "" if known else short_note(row.note),
            )
        )
    frame = pd.DataFrame(rows, columns=ROW_COLUMNS)
    return frame.astype(dict.fromkeys(("estimate", "conf_low", "conf_high", "std_error"), float))


def short_note(note: str) -> str:
    """What stands in place of an interval: the reason, without what follows from it."""
    return str(note).partition(":")[0].rstrip(".")
