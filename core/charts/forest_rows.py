"""The rows of a forest plot, and of the table beside it: text is made here, once, for both."""

import math
from collections.abc import Mapping

import pandas as pd

from core.charts.wording import NOT_ESTIMABLE, format_count, format_estimate, format_p

ROW_COLUMNS = (
    "label indent is_header events_text estimate conf_low conf_high std_error is_reference text p_text note".split()
)


def forest_rows(
    terms: pd.DataFrame,
    labels: Mapping[str, str],
    overall: pd.DataFrame | None = None,
    headings: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One row a line: a heading for each covariate with levels and a row for each level; one row for a number.

    The rows come in the order of ``terms``; a covariate of which ``headings`` has a title gets a line with it above.

    terms    ``CoxResult.terms``
    labels   what to call each covariate, for a number with its step ("Age, per 10 years")
    overall  ``CoxResult.overall``: the test of a covariate with several coefficients stands in its heading

    Columns: label, indent (0 or 1), is_header, events_text ("12/31": events of patients), estimate, conf_low, conf_high,
    std_error, is_reference, text ("0.70 (0.54 to 0.90)", "reference", "not estimable"), p_text, note (why not estimable).
    """
    whole = {} if overall is None else {row.covariate: row for row in overall.itertuples(index=False)}
    rows = []
    parts: dict = {}
    for term in terms.itertuples(index=False):
        parts.setdefault(term.covariate, []).append(term)
    for covariate, part in parts.items():
        if headings and covariate in headings:
            rows.append((headings[covariate], 0, True, "", *[math.nan] * 4, False, "", "", ""))
        name = labels.get(covariate, str(covariate))
        has_levels = len(part) > 1 or any(term.is_reference for term in part) or str(part[0].level) != ""
        if has_levels:
            test = whole.get(covariate)
            p_text = format_p(test.p_value) if test is not None and test.df > 1 and not math.isnan(test.p_value) else ""
            rows.append((name, 0, True, "", *[math.nan] * 4, False, "", p_text, ""))
        for term in part:
            label = str(term.level) if has_levels else name
            rows.append((label, int(has_levels), False, *_numbers(term)))
    return pd.DataFrame(rows, columns=ROW_COLUMNS)


def _numbers(term):
    events = f"{format_count(term.n_event)}/{format_count(term.n)}"
    if term.is_reference:
        return events, 1.0, math.nan, math.nan, math.nan, True, "reference", "", ""
    known = not math.isnan(term.estimate)
    text = format_estimate(term.estimate, term.conf_low, term.conf_high) if known else NOT_ESTIMABLE
    p_text = format_p(term.p_value) if known and not math.isnan(term.p_value) else ""
    note = "" if known else str(term.note).removeprefix(f"{NOT_ESTIMABLE}: ")
    return events, term.estimate, term.conf_low, term.conf_high, term.std_error, False, text, p_text, note
