import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.wording import (
    format_estimate,
    format_interval,
    format_median,
    format_months,
    format_number,
    format_p,
    format_p_statement,
    format_percent,
    format_ratio,
)

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0, "<0.001"),
        (1e-8, "<0.001"),
        (0.00099, "<0.001"),
        (0.001, "0.001"),
        (0.0123, "0.012"),
        (0.0496, "0.050"),
        (0.0996, "0.10"),
        (0.123, "0.12"),
        (0.99, "0.99"),
        (0.9901, ">0.99"),
        (1, ">0.99"),
        (NAN, "not estimable"),
        (None, "not estimable"),
    ],
)
def test_p_values_follow_the_rule_of_the_journals(p, text):
    assert format_p(p) == text


def test_a_p_value_in_a_sentence():
    assert format_p_statement(0.012) == "p = 0.012"
    assert format_p_statement(0) == "p < 0.001"
    assert format_p_statement(1) == "p > 0.99"
    assert format_p_statement(NAN) == "p not estimable"


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.7, "0.70"),
        (1, "1.00"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (99.94, "99.9"),
        (99.96, "100"),
        (999.4, "999"),
        (999.5, ">999"),
        (INF, ">999"),
        (0.01, "0.01"),
        (0.0099, "<0.01"),
        (0, "<0.01"),
        (NAN, "not estimable"),
        (-1, "not estimable"),
    ],
)
def test_ratios(ratio, text):
    assert format_ratio(ratio) == text


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [
        (0, 0, "0%"),
        (1, 0, "100%"),
        (0.674, 0, "67%"),
        (0.004, 0, "<1%"),
        (0.996, 0, ">99%"),
        (0.6749, 1, "67.5%"),
        (0.9996, 1, ">99.9%"),
        (-0.25, 0, "−25%"),
        (NAN, 0, "not estimable"),
    ],
)
def test_percentages(share, decimals, text):
    assert format_percent(share, decimals) == text


def test_times_and_numbers():
    assert format_months(14.234) == "14.2 months"
    assert format_months(14.234, unit=False) == "14.2"
    assert format_months(NAN) == "not reached"
    assert format_number(-1.26) == "−1.3"
    assert format_number(-0.01) == "0.0"
    assert format_number(12345.6, 0) == "12,346"


def test_intervals_and_estimates():
    assert format_interval(0.54, 0.9) == "0.54 to 0.90"
    assert format_interval(NAN, NAN) == "interval not estimable"
    assert format_estimate(0.7, 0.54, 0.9) == "0.70 (0.54 to 0.90)"
    assert format_estimate(NAN, NAN, NAN) == "not estimable"
    assert format_median(14.2, 6.1, NAN) == "14.2 months (6.1 to not reached)"
    assert format_median(NAN, 6.1, NAN) == "not reached (6.1 to not reached)"
    assert format_median(NAN, NAN, NAN) == "not reached"


@given(*[st.floats(allow_nan=True, allow_infinity=True) | st.none()] * 3)
def test_nothing_prints_a_code_or_an_exponent(a, b, c):
    texts = [
        form(a) for form in (format_p, format_p_statement, format_ratio, format_percent, format_months, format_number)
    ]
    texts += [
        format_interval(a, b),
        format_estimate(a, b, c),
        format_estimate(a, b, c, format_percent),
        format_median(a, b, c),
    ]
    for text in texts:
        assert text
        for code in ("nan", "inf", "e-", "e+", "None"):
            assert code not in text
