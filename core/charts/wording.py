"""Numbers as a reader of a medical journal expects them. What cannot be estimated is said in words, never as a code."""

import math

NOT_ESTIMABLE = "not estimable"
NOT_REACHED = "not reached"


def format_p(p_value: float) -> str:
    """The p value: "<0.001", three digits below 0.1, two above, ">0.99"."""
    p = _number(p_value)
    if p is None:
        return NOT_ESTIMABLE
    if p < 0.001:
        return "<0.001"
    if p > 0.99:
        return ">0.99"
    return f"{p:.3f}" if round(p, 3) < 0.1 else f"{p:.2f}"


def format_p_statement(p_value: float) -> str:
    """The p value in a sentence: "p = 0.012", "p < 0.001", "p not estimable"."""
    text = format_p(p_value)
    if text[0] in "<>":
        return f"p {text[0]} {text[1:]}"
    return f"p {text}" if text == NOT_ESTIMABLE else f"p = {text}"


def format_ratio(ratio: float) -> str:
    """A hazard ratio: three significant digits or so, "<0.01" and ">999" beyond."""
    value = _number(ratio, keep_infinite=True)
    if value is None or value < 0:
        return NOT_ESTIMABLE
    if value < 0.01:
        return "<0.01"
    if value >= 999.5:
        return ">999"
    decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{decimals}f}"


def format_percent(share: float, decimals: int = 0) -> str:
    """A share as a percentage. A share that is not 0 or 1 is not rounded to 0% or 100%: "<1%", ">99%"."""
    value = _number(share)
    if value is None or _number(100 * value) is None:
        return NOT_ESTIMABLE
    text = f"{100 * value:.{decimals}f}"
    smallest = 10**-decimals
    if value > 0 and float(text) == 0:
        return f"<{smallest:.{decimals}f}%"
    if value < 1 and float(text) == 100:
        return f">{100 - smallest:.{decimals}f}%"
    return f"{_with_minus(text)}%"


def format_months(months: float, *, decimals: int = 1, unit: bool = True) -> str:
    """A time in months: "14.2 months", or "not reached" for a quantile that the curve does not come to."""
    value = _number(months)
    if value is None:
        return NOT_REACHED
    text = _with_minus(f"{value:,.{decimals}f}")
    return f"{text} months" if unit else text


def format_number(value: float, decimals: int = 1) -> str:
    """A number with a fixed count of decimals, thousands separated, a true minus sign."""
    number = _number(value)
    return NOT_ESTIMABLE if number is None else _with_minus(f"{number:,.{decimals}f}")


def format_count(count: int) -> str:
    """How many: "1,204"."""
    return f"{int(count):,}"


def format_interval(low: float, high: float, form=format_ratio) -> str:
    """Both limits: "0.54 to 0.90". ``form`` writes one limit; without any limit the interval is not estimable."""
    lower, upper = form(low), form(high)
    if lower == upper and lower in (NOT_ESTIMABLE, NOT_REACHED):
        return f"interval {NOT_ESTIMABLE}"
    return f"{lower} to {upper}"


def format_estimate(estimate: float, low: float, high: float, form=format_ratio) -> str:
    """An estimate with its interval: "0.70 (0.54 to 0.90)"; only the words where there is no estimate."""
    text = form(estimate)
    if text in (NOT_ESTIMABLE, NOT_REACHED) and _number(low) is None and _number(high) is None:
        return text
    return f"{text} ({format_interval(low, high, form)})"


def format_median(median: float, low: float, high: float) -> str:
    """A median time with its interval: "14.2 months (6.1 to not reached)"."""
    bare = format_months(median, unit=False)
    if _number(median) is None and _number(low) is None and _number(high) is None:
        return NOT_REACHED
    unit = "" if bare == NOT_REACHED else " months"
    return f"{bare}{unit} ({format_interval(low, high, lambda limit: format_months(limit, unit=False))})"


def in_sentence(label: str) -> str:
    """A label inside a sentence: "Stage" becomes "stage", "STS courses" stays."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _number(value, *, keep_infinite: bool = False) -> float | None:
    """A float, or None for what is no number: missing, NaN and (unless kept) infinite."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if math.isnan(number) or (math.isinf(number) and not keep_infinite):
        return None
    return number


def _with_minus(text: str) -> str:
    if text.startswith("-"):
        return text[1:] if not any(digit in text for digit in "123456789") else f"−{text[1:]}"
    return text
