"""From a file on the Data page to the Survival page in a real browser: what is drawn and written there are R's numbers.

Numbers of R: tests/reference/intake.R. Every step of every curve, the counts below it, survival at chosen times, medians
and the log-rank test.
"""

import pytest

from core.charts.wording import format_interval, format_percent
from tests.browser.conftest import ROOT, opened
from tests.browser.own_file import (
    answer,
    choose_file,
    choose_table,
    drawn_curves,
    drawn_risk_table,
    go_to_survival,
    open_registry,
    rows_of,
)
from tests.core.intake.test_equal_to_r import CODEBOOK, R, chinese_pbc, excel_veteran, redcap_export

pytestmark = pytest.mark.browser
FILES = ROOT / "tests" / "registries"


def assert_shown_as_in_r(page, data, levels):
    """``levels``: R's level -> the level on the screen, in the order of the screen."""
    expected = R[data]
    at = {(row["level"], row["months"]): row for row in expected["seen"]}
    position = {level: i for i, level in enumerate(expected["level"])}

    curves = drawn_curves(page)
    assert list(curves) == list(levels.values())
    ends = [0]
    for n in expected["rows"]:
        ends.append(ends[-1] + n)
    for level, shown in levels.items():
        i = position[level]
        steps, last = [], 1.0
        for time, estimate in zip(
            expected["time"][ends[i] : ends[i + 1]], expected["estimate"][ends[i] : ends[i + 1]], strict=True
        ):
            if estimate < last:
                steps.append((time, estimate))
            last = estimate
        assert [s for _, s in curves[shown]] == pytest.approx([s for _, s in steps], abs=1e-5), shown
        scale = curves[shown][-1][0] / steps[-1][0]
        assert [x / scale for x, _ in curves[shown]] == pytest.approx([t for t, _ in steps], abs=2e-3), shown

    months, at_risk, events = drawn_risk_table(page)
    assert len(months) >= 4
    for level, n_risk, n_event in zip(levels, at_risk, events, strict=True):
        # beyond the last patient of all R says nothing more
        known = [at.get((level, month)) for month in months]
        assert n_risk == [row["n_risk"] if row else 0 for row in known], level
        assert n_event == [row["n_event_so_far"] if row else n_event[-1] for row in known], level

    medians = {row[0]: row[1:4] for row in rows_of(page, "Median follow-up")}
    for level, shown in levels.items():
        i = position[level]
        median = expected["median"][i]
        assert medians[shown] == [
            str(expected["n"][i]),
            str(expected["n_event"][i]),
            "not reached" if median == "NA" else f"{median:.1f} months",
        ]

    seen = {(row[0], float(row[1].removesuffix(" months"))): row[2:] for row in rows_of(page, "At risk")}
    for (shown, month), found in seen.items():
        row = at.get((next(level for level in levels if levels[level] == shown), month))
        if row is None:
            continue  # three months: the curve is compared above
        if row["n_risk"] == 0:
            assert found[0] == "0"
            continue
        low_high = format_interval(row["conf_low"], row["conf_high"], lambda share: format_percent(share, 1))
        none = row["conf_low"] == "NA" or row["estimate"] == 1
        assert found[:2] == [str(row["n_risk"]), format_percent(row["estimate"], 1)]
        assert none or found[2] == low_high

    test = rows_of(page, "Degrees of freedom")[0]
    assert test[:3] == ["Log-rank test", f"{expected['chisq']:.2f}", str(len(levels) - 1)]


def alike(levels):
    return {level: level for level in levels}


def test_veteran_as_r_exports_it(sample_server, page):
    opened(page, f"{sample_server}/data")
    choose_table(page, "veteran.csv", (FILES / "veteran.csv").read_bytes())
    answer(page, "Unit of time", "days")
    answer(page, "The event is called", "death")
    open_registry(page, 137)
    go_to_survival(page, "celltype")
    assert_shown_as_in_r(page, "veteran", alike(["adeno", "large", "smallcell", "squamous"]))


def test_colon_as_r_exports_it(sample_server, page):
    opened(page, f"{sample_server}/data")
    choose_table(page, "colon.csv", (FILES / "colon.csv").read_bytes())
    answer(page, "Unit of time", "days")
    answer(page, "The event is called", "death")
    answer(page, "Some patients stand in more than one row. Keep", "Rows in which etype is 2")
    open_registry(page, 929)
    go_to_survival(page, "rx")
    assert_shown_as_in_r(page, "colon", alike(["Lev", "Lev+5FU", "Obs"]))


def test_pbc_as_r_exports_it(sample_server, page):
    opened(page, f"{sample_server}/data")
    choose_table(page, "pbc.csv", (FILES / "pbc_source.csv").read_bytes())
    answer(page, "Unit of time", "days")
    answer(page, "The event is called", "death")
    for code, meaning in (
        ("0", "No event (alive, censored)"),
        ("1", "Something that competes"),
        ("2", "The event"),
    ):
        answer(page, code, meaning)
    answer(page, "What competes is called", "transplant")
    open_registry(page, 418)
    go_to_survival(page, "stage")
    assert_shown_as_in_r(page, "pbc", alike(["1", "2", "3", "4"]))


def test_semicolons_decimal_commas_and_chinese_words_in_gb18030(sample_server, page):
    opened(page, f"{sample_server}/data")
    choose_table(page, "登记.csv", chinese_pbc())
    answer(page, "移植", "Something that competes")
    open_registry(page, 418)
    go_to_survival(page, "分期")
    assert_shown_as_in_r(page, "pbc", {str(i): f"{i}期" for i in range(1, 5)})


def test_a_workbook_with_title_rows_and_a_row_of_totals(sample_server, page):
    opened(page, f"{sample_server}/data")
    choose_table(page, "veteran.xlsx", excel_veteran())
    answer(page, "Sheet with the patients", "Trial")
    answer(page, "Unit of time", "days")
    answer(page, "The event is called", "death")
    open_registry(page, 137)
    go_to_survival(page, "celltype")
    assert_shown_as_in_r(page, "veteran", alike(["adeno", "large", "smallcell", "squamous"]))


def test_a_redcap_export_with_its_data_dictionary(sample_server, page):
    opened(page, f"{sample_server}/data")
    choose_file(page, "project_dictionary.csv", CODEBOOK, "dictionary")
    choose_table(page, "project_data.csv", redcap_export())
    open_registry(page, 137)
    go_to_survival(page, "Cell type")
    words = {"squamous": "Squamous", "smallcell": "Small cell", "adeno": "Adeno", "large": "Large"}
    assert_shown_as_in_r(page, "veteran", words)
