"""Rows of a forest plot in which each covariate has several analyses, one under the other."""

import math
from collections.abc import Mapping

import pandas as pd

from core.charts.forest_rows import ROW_COLUMNS
from core.charts.wording import NOT_ESTIMABLE, format_count, format_estimate, format_p


def ratio_rows(ratios: pd.DataFrame, labels: Mapping[str, str], references: Mapping[str, str]) -> pd.DataFrame:
    """A heading for each covariate and level ("Stage: Later, against Earlier") and one row for each analysis of it.

    ratios      covariate level n n_event model estimate conf_low conf_high std_error p_value note
    labels      what to call each covariate, for a number with its step
    references  the level that the others are compared with

    Columns as those of ``forest_rows``; a ratio that cannot be estimated has its reason in ``note``.
    """
    rows = []
    for (covariate, level), part in ratios.groupby(["covariate", "level"], sort=False):
        name = labels.get(covariate, str(covariate))
        heading = f"{name}: {level}, against {references[covariate]}" if level else name
        rows.append((heading, 0, True, "", *[math.nan] * 4, False, "", "", ""))
        for row in part.itertuples(index=False):
            known = not math.isnan(row.estimate)
            rows.append(
                (
                    row.model,
                    1,
                    False,
                    f"{format_count(row.n_event)}/{format_count(row.n)}",
                    row.estimate,
                    row.conf_low,
                    row.conf_high,
                    row.std_error,
                    False,
                    format_estimate(row.estimate, row.conf_low, row.conf_high) if known else NOT_ESTIMABLE,
                    format_p(row.p_value) if known else "",
                    "" if known else str(row.note).removeprefix(f"{NOT_ESTIMABLE}: "),
                )
            )
    return pd.DataFrame(rows, columns=ROW_COLUMNS)
