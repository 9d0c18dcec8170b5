"""The shape of a number's effect: a Cox model with a natural cubic spline, beside the straight line."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtri

from core.conventions import CONF_LEVEL, TIES
from core.errors import NotEstimable
from core.survival.cox import prepare
from core.survival.outcome import Outcome
from core.survival.partial_likelihood import maximise

POINTS = 101


@dataclass(frozen=True, eq=False)
class FunctionalForm:
    """Hazard ratios of a number against its reference value.

    curve      value estimate conf_low conf_high linear: the spline's ratio with its pointwise interval, and the straight line's
    tests      test statistic df p_value: "any effect" (spline against nothing), "not straight" (spline against line)
    reference  the value at which the ratio is 1
    knots      where the cubic pieces meet, ends included
    """

    curve: pd.DataFrame
    tests: pd.DataFrame
    reference: float
    knots: tuple[float, ...]
    n: int
    n_event: int
    n_excluded: int


def functional_form(
    outcome: Outcome,
    values: pd.Series,
    *,
    df: int = 3,
    reference: float | None = None,
    ties=TIES,
    conf_level=CONF_LEVEL,
) -> FunctionalForm:
    """How the hazard changes over the range of a number, without taking it for a straight line.

    A natural cubic spline with ``df`` degrees of freedom: inner knots at equally spaced quantiles, end knots at the
    extremes (the space of R's ``splines::ns``). reference defaults to the median. Missing values are left out and counted.

    Raises NotEstimable without events, with fewer distinct values than the spline needs, or when the spline has no best fit.
    Method: Harrell, Regression Modeling Strategies, 2nd ed., 2.4; likelihood-ratio tests.
    """
    numbers = pd.Series(np.asarray(values, dtype=float), name="value")
    known = numbers.dropna().to_numpy()
    if len(np.unique(known)) < df + 2:
        raise NotEstimable(
            f"Only {len(np.unique(known))} different values are recorded; a curve of {df} degrees of freedom needs {df + 2}."
        )
    knots = np.quantile(known, np.arange(df + 1) / df)
    if len(np.unique(knots)) <= df:
        raise NotEstimable(
            "Too many patients share one value for a curve through its quantiles. Read the straight line."
        )
    centre = float(np.median(known)) if reference is None else reference
    spline, line = (
        _fit(outcome, natural_spline(numbers.to_numpy(), knots), ties),
        _fit(outcome, numbers.to_frame(), ties),
    )
    if not spline.fitted.all():
        raise NotEstimable(
            f"{outcome.n_event} events are too few for a curve of {df} degrees of freedom here. Read the straight line."
        )
    at = np.linspace(known.min(), known.max(), POINTS)
    contrast = natural_spline(at, knots).to_numpy() - natural_spline(np.array([centre]), knots).to_numpy()
    log_ratio = contrast @ spline.coef
    std_error = np.sqrt(np.einsum("ij,jk,ik->i", contrast, spline.variance, contrast))
    z = ndtri(0.5 + conf_level / 2)
    curve = pd.DataFrame(
        {
            "value": at,
            "estimate": _ratio(log_ratio),
            "conf_low": _ratio(log_ratio - z * std_error),
            "conf_high": _ratio(log_ratio + z * std_error),
            "linear": _ratio((at - centre) * line.coef[0]) if line.fitted[0] else np.nan,
        }
    )
    used = ~numbers.isna().to_numpy()
    return FunctionalForm(
        curve,
        _tests(spline, line, df),
        centre,
        tuple(map(float, knots)),
        int(used.sum()),
        int(outcome.event[used].sum()),
        int((~used).sum()),
    )


def _fit(outcome, columns, ties):
    prepared = prepare(outcome, columns)
    return maximise(prepared.index(ties), prepared.design.x, prepared.stratum, prepared.directions)


def natural_spline(values: np.ndarray, knots) -> pd.DataFrame:
    """Truncated cubic powers that are straight beyond the end knots, scaled by the range (Harrell 2015, eq. 2.25)."""
    first, last, before = knots[0], knots[-1], knots[-2]

    def cube(knot):
        return np.clip((values - knot) / (last - first), 0, None) ** 3

    columns = {"x0": values.astype(float)}
    for j, knot in enumerate(knots[:-2], start=1):
        columns[f"x{j}"] = (
            cube(knot) - cube(before) * (last - knot) / (last - before) + cube(last) * (before - knot) / (last - before)
        )
    return pd.DataFrame(columns)


def _tests(spline, line, df):
    null, fitted = spline.log_likelihood
    rows = [("any effect", 2 * (fitted - null), df)]
    if line.fitted[0]:
        rows.append(("not straight", 2 * (fitted - line.log_likelihood[1]), df - 1))
    return pd.DataFrame(
        [(name, max(statistic, 0.0), k, float(chdtrc(k, max(statistic, 0.0)))) for name, statistic, k in rows],
        columns=["test", "statistic", "df", "p_value"],
    )


def _ratio(log_ratio):
    """exp, with NaN where a ratio could not be told from nothing or from infinity."""
    return np.where(np.abs(log_ratio) < 300, np.exp(np.clip(log_ratio, -300, 300)), np.nan)
