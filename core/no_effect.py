"""What an exposure without any effect looks like in this cohort: the naive and the time-dependent hazard ratio by chance alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from core.conventions import CONF_LEVEL
from core.errors import NotEstimable
from core.survival import Outcome
from core.survival.many_exposures import ManyRatios, many_exposures
from core.treatment import NAIVE, TIME_DEPENDENT

RUNS = 1000
BATCH = 50  # runs between two signs of progress
SIGNIFICANT = 0.05
POSITIONS = ((NAIVE, 0), (TIME_DEPENDENT, 1))


@dataclass(frozen=True, eq=False)
class NoEffect:
    """Runs of a world in which the exposure does nothing, and where the observed ratios fall in it.

    runs      run, naive, naive_p_value, time_dependent, time_dependent_p_value: hazard ratios and Wald p values; NaN where
              a run has no best value
    summary   one row for "naive" and one for "time-dependent": analysis; observed (hazard ratio, NaN where not
              estimable); median, low, high (the middle of the runs and the range of 95 % of them, NaN where it runs into
              ratios without a best value); share_as_small (of the runs, those with a ratio as small as the observed one or
              smaller; a ratio that tends to 0 counts as smaller than any); share_benefit (of the runs, those with
              p < 0.05 for a ratio below 1); n_not_estimable (runs without a best value)

    Both are made, when asked for, from the ratios ``observed`` and those of the batches of runs, ``parts``.
    """

    observed: tuple[ManyRatios, ManyRatios]
    parts: tuple[tuple[ManyRatios, ManyRatios], ...]

    @cached_property
    def runs(self) -> pd.DataFrame:
        return _runs(self.parts)

    @cached_property
    def summary(self) -> pd.DataFrame:
        return _summary(self.observed, self.parts)


def no_effect(
    outcome: Outcome, exposure_time, *, runs: int = RUNS, seed: int = 1, batch: int = BATCH
) -> Iterator[tuple[int, NoEffect]]:
    """After every batch of runs: (runs done, what they show so far). The last item is the whole.

    In each run follow-up and events of everybody, and the number and the times of the exposures, stay as they are. Only who
    becomes exposed is drawn anew: at each time at which somebody did, one of those still followed and not yet exposed, all
    with the same chance. Without an effect, and if who is treated next does not depend on prognosis, the observed data are
    one such run. Whole histories are not exchanged among patients, because a history ends with its owner's death and
    would carry the bias along that is to be shown. Somebody whose exposure is dated at or after the end of follow-up is only
    a label: it goes to one of those followed at least as long, and counts in the naive analysis alone. A run in which nobody is
    left to become exposed has one exposure less.

    The same seed gives the same runs, and fewer runs are the first of more. Raises NotEstimable when there is no
    event or nobody was exposed.
    """
    exposure = np.asarray(exposure_time, dtype=float)
    if exposure.shape != outcome.time.shape:
        raise ValueError("exposure_time must hold one value for each row of the outcome")
    if not outcome.n_event:
        raise NotEstimable(
            f"None of these patients ({len(outcome):,}) had the event, so that chance has nothing to show."
        )
    if np.isnan(exposure).all():
        raise NotEstimable(
            f"None of these patients ({len(outcome):,}) was exposed. Choose another exposure or widen the filters."
        )
    observed = _both(outcome, exposure[None, :])
    if all(np.isnan(ratio.rank_value[0]) for ratio in observed):
        raise NotEstimable(
            f"{int((~np.isnan(exposure)).sum())} of {len(outcome)} patients were exposed, and neither hazard "
            "ratio can be estimated in them, so that there is nothing to set beside chance. Choose another exposure or widen "
            "the filters."
        )
    parts: list[tuple[ManyRatios, ManyRatios]] = []
    for done in range(0, runs, batch):
        generator = np.random.Generator(np.random.PCG64([seed, done]))
        drawn = redraw_exposures(outcome, exposure, batch, generator)[: runs - done]
        parts.append(_both(outcome, drawn))
        yield min(done + batch, runs), NoEffect(observed, tuple(parts))


def assumed_bias(
    outcome: Outcome,
    exposed,
    *,
    courses: int,
    spacing_months: float,
    first_months: float = 0.0,
    runs: int = RUNS,
    seed: int = 1,
    batch: int = BATCH,
) -> Iterator[tuple[int, NoEffect]]:
    """The same for a registry that knows who had at least k courses but not when: the dates are assumed.

    exposed (n,) bool: had at least ``courses`` courses. The first is assumed ``first_months`` after diagnosis and the others
    ``spacing_months`` apart, alike for everybody, so that course k begins at first + (k - 1) x spacing. Whoever was followed
    for less than that had them faster than assumed and stays a label; many of them say that the spacing is too long. The
    observed time-dependent ratio rests on the assumed dates too. Yields and raises as ``no_effect``; ValueError for a
    negative or infinite spacing or first course, or fewer than one course.
    """
    if courses < 1 or not (0 <= spacing_months < np.inf and 0 <= first_months < np.inf):
        raise ValueError("courses must be at least 1; spacing_months and first_months must be finite and not negative")
    begins = first_months + (courses - 1) * spacing_months
    exposure = np.where(np.asarray(exposed, dtype=bool), begins, np.nan)
    yield from no_effect(outcome, exposure, runs=runs, seed=seed, batch=batch)


def redraw_exposures(outcome: Outcome, exposure: np.ndarray, runs: int, generator) -> np.ndarray:
    """(runs, n) exposure times in which who becomes exposed is drawn anew from those at risk; see ``no_effect``."""
    time = outcome.time
    entry = np.zeros(len(outcome)) if outcome.entry is None else np.maximum(outcome.entry, 0.0)
    owners = np.flatnonzero(~np.isnan(exposure))
    begin = np.maximum(exposure[owners], entry[owners])
    is_label = begin >= time[owners]
    when = np.where(is_label, time[owners], begin)
    every = np.arange(runs)
    free = np.ones((runs, len(outcome)), dtype=bool)
    drawn = np.full((runs, len(outcome)), np.nan)
    for i in np.lexsort((is_label, when)):
        followed = time >= when[i] if is_label[i] else (time > when[i]) & (entry <= when[i])
        rank = (free & followed).cumsum(axis=1)
        chosen = np.floor(generator.random(runs) * rank[:, -1])
        who = (rank > chosen[:, None]).argmax(axis=1)
        there = rank[:, -1] > 0
        free[every[there], who[there]] = False
        drawn[every[there], who[there]] = np.inf if is_label[i] else begin[i]
    # a label takes no time: its exposure begins when its new owner's follow-up has ended
    return np.where(np.isinf(drawn), time.max() + 1, drawn)


def _both(outcome: Outcome, exposure: np.ndarray) -> tuple[ManyRatios, ManyRatios]:
    """Naive: exposed from the start whoever ever is. Time-dependent: exposed since the exposure."""
    label = np.where(np.isnan(exposure), np.nan, 0.0)
    return many_exposures(outcome, label), many_exposures(outcome, exposure)


def _runs(parts) -> pd.DataFrame:
    frame = {}
    for name, position in POSITIONS:
        ratio, p_value = (_together(parts, position, what) for what in ("estimate", "p_value"))
        column = name.replace("-", "_")
        frame |= {column: ratio, f"{column}_p_value": p_value}
    runs = pd.DataFrame(frame)
    runs.insert(0, "run", np.arange(1, len(runs) + 1))
    return runs


def _together(parts, position, what) -> np.ndarray:
    return np.concatenate([getattr(part[position], what) for part in parts])


def _summary(observed, parts) -> pd.DataFrame:
    rows = []
    tail = (1 - CONF_LEVEL) / 2
    for name, position in POSITIONS:
        ratio, p_value, rank = (_together(parts, position, what) for what in ("estimate", "p_value", "rank_value"))
        ranked = np.sort(rank[~np.isnan(rank)])
        middle = [_level(ranked, p) for p in (0.5, tail, 1 - tail)]
        here = observed[position].rank_value[0]
        close = 1e-9  # the same run can differ in the last digits
        rows.append(
            {
                "analysis": name,
                "observed": observed[position].estimate[0],
                "median": middle[0],
                "low": middle[1],
                "high": middle[2],
                "share_as_small": np.nan if np.isnan(here) or not len(ranked) else np.mean(ranked <= here + close),
                "share_benefit": np.mean((ratio < 1) & (p_value < SIGNIFICANT)),
                "n_not_estimable": int(np.isnan(ratio).sum()),
            }
        )
    return pd.DataFrame(rows)


def _level(ranked: np.ndarray, p: float) -> float:
    """The run at share p of the ordered log ratios, as a ratio; NaN where that run has no best value."""
    if not len(ranked):
        return np.nan
    value = ranked[min(int(np.ceil(p * len(ranked))) - 1, len(ranked) - 1)] if p > 0 else ranked[0]
    return float(np.exp(value)) if np.isfinite(value) else np.nan
