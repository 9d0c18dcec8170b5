"""Exposures that begin during follow-up, without immortal time: landmark, start-stop rows, Mantel-Byar, Simon-Makuch."""

from dataclasses import replace

import numpy as np
import pandas as pd

from core.conventions import CONF_LEVEL, CONF_TYPE
from core.errors import NotEstimable
from core.survival.comparison import TestResult
from core.survival.kaplan_meier import KaplanMeierResult, kaplan_meier
from core.survival.logrank import logrank_test
from core.survival.outcome import Outcome
from core.survival.start_stop import split_at_exposures

NOT_EXPOSED, EXPOSED = "Not exposed", "Exposed"


def landmark(outcome: Outcome, at: float) -> tuple[Outcome, np.ndarray]:
    """Those still followed after a landmark, with the clock restarted there, and which rows they are.

    kept is a bool mask over the rows: time > at. Events at the landmark itself come before it. Whoever enters after the
    landmark stays, with delayed entry. Group the rows kept by what was known at the landmark. Raises NotEstimable when
    nobody is left; ValueError unless at is finite and not negative. Anderson, Cain and Gelber 1983.
    """
    if not (np.isfinite(at) and at >= 0):
        raise ValueError("the landmark must be a time, not negative")
    kept = outcome.time > at
    if not kept.any():
        raise NotEstimable(
            f"Nobody of {len(outcome)} patients is followed beyond the landmark at {at:g}. Choose an earlier one."
        )
    entry = None
    if outcome.entry is not None and (outcome.entry[kept] > at).any():
        entry = np.maximum(outcome.entry[kept] - at, 0.0)
    return Outcome(outcome.time[kept] - at, outcome.cause[kept], entry), kept


def split_at_exposure(outcome: Outcome, exposure_time) -> tuple[Outcome, np.ndarray, np.ndarray]:
    """The same follow-up in start-stop rows, one before the exposure and one after it: (rows, exposed, patient).

    exposure_time  (n,) NaN for the never exposed
    exposed        bool for each row
    patient        for each row, the position of the row of the outcome that it comes from; in ascending order

    Exposure counts from just after its time: an event on the day of the exposure belongs to the time before it, and an
    exposure at or after the end of follow-up never counts. Whoever is exposed at the start (or at entry) is exposed
    throughout. The first of two rows ends with cause 0. Without delayed entry the first row starts at 0 (at -1 if
    somebody's time is 0, so that everybody is at risk there). An exposure that equals another time but for rounding begins
    at that time. Raises ValueError when the lengths differ or an exposure time is infinite.
    """
    exposure = np.asarray(exposure_time, dtype=float)
    if exposure.shape != outcome.time.shape:
        raise ValueError("exposure_time must hold one value for each row of the outcome")
    if np.isinf(exposure).any():
        raise ValueError("exposure_time must be finite, or NaN for the never exposed")
    rows, exposed, patient = split_at_exposures(outcome, pd.DataFrame({"exposure": exposure}))
    return rows, exposed["exposure"].to_numpy(dtype=bool), patient


def person_time(outcome: Outcome) -> np.ndarray:
    """(n,) the time each row was observed, counted from 0 at the earliest."""
    return outcome.time if outcome.entry is None else outcome.time - np.maximum(outcome.entry, 0.0)


def mantel_byar(outcome: Outcome, exposure_time, *, stratify=None, split=None) -> TestResult:
    """Whether the hazard changes with the exposure: the log-rank test in which a patient changes group when exposed.

    stratify  one value for each row of the outcome, as in ``logrank_test``
    split     what ``both_states`` gave for the same outcome and exposure, where it is at hand

    In the groups frame n counts rows: whoever becomes exposed is in both groups. Raises NotEstimable when no time is
    spent in one of the groups, or no event happened. Mantel and Byar 1974.
    """
    rows, exposed, patient = both_states(outcome, exposure_time) if split is None else split
    layers = None if stratify is None else pd.Series(stratify).take(patient).reset_index(drop=True)
    result = logrank_test(rows, _states(exposed), stratify=layers)
    return replace(result, method="Mantel-Byar test" + (", stratified" if stratify is not None else ""))


def simon_makuch(
    outcome: Outcome, exposure_time, *, conf_level: float = CONF_LEVEL, conf_type: str = CONF_TYPE, split=None
) -> KaplanMeierResult:
    """Curves of the time not exposed and the time exposed, in which a patient moves from one risk set to the other.

    The strata are "Not exposed" and "Exposed". n counts rows; the move counts as censored in the first stratum and as a
    delayed entry in the second. follow_up is NaN: a move is no end of follow-up. Soon after the first exposures the second
    risk set is small, and a curve that reaches 0 there stays there. Raises NotEstimable when no time is spent exposed, or
    none not exposed. ``split`` as in ``mantel_byar``. Simon and Makuch 1984.
    """
    rows, exposed, _ = both_states(outcome, exposure_time) if split is None else split
    result = kaplan_meier(rows, _states(exposed), conf_level=conf_level, conf_type=conf_type)
    return replace(result, has_follow_up=False)


def both_states(outcome: Outcome, exposure_time) -> tuple[Outcome, np.ndarray, np.ndarray]:
    """``split_at_exposure``; raises NotEstimable when no time is spent in one of the two states."""
    rows, exposed, patient = split_at_exposure(outcome, exposure_time)
    if not exposed.any():
        raise NotEstimable(
            f"None of {len(outcome)} patients was exposed during follow-up. Choose another exposure or widen the filters."
        )
    if exposed.all():
        raise NotEstimable(
            f"All {len(outcome)} patients were exposed from the start, so that there is nothing to compare with. "
            "Choose another exposure or widen the filters."
        )
    return rows, exposed, patient


def _states(exposed):
    return pd.Series(pd.Categorical.from_codes(exposed.astype(np.int8), [NOT_EXPOSED, EXPOSED]))
