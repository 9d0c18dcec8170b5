"""How often, of two patients, the one with the higher predicted risk has the event first."""

import numpy as np

from core.survival.outcome import Outcome


def concordance(outcome: Outcome, risk: np.ndarray, stratum: np.ndarray | None = None) -> tuple[float, float]:
    """(C, its standard error) of a predicted risk (n,), equal to R's ``concordance`` of a Cox model.

    A pair counts if one has the event while the other is under observation and outlives it (or is censored at that time),
    in the same stratum; equal risks count one half. ``risk`` must be rounded already, so that equal ones are equal. The
    standard error is the infinitesimal jackknife. NaN when no pair can be compared. Time: n log n.
    """
    stratum = np.zeros(len(risk), dtype=np.int64) if stratum is None else stratum
    _, rank = np.unique(risk, return_inverse=True)
    _, rank = np.unique(stratum * (rank.max(initial=0) + 1) + rank, return_inverse=True)
    # ranks run stratum by stratum; those of a row's own stratum are low..high-1
    bound = np.zeros(int(stratum.max(initial=0)) + 2, dtype=np.int64)
    np.maximum.at(bound, stratum + 1, rank + 1)
    bound = np.maximum.accumulate(bound)
    limits = np.stack([bound[stratum], rank, rank + 1, bound[stratum + 1]])
    # event times are even, censoring at the same time is the odd number after, entering is the odd number before
    distinct, position = np.unique(outcome.time, return_inverse=True)
    event = outcome.event
    leaves = 2 * position + ~event
    enters = None if outcome.entry is None else 2 * np.searchsorted(distinct, outcome.entry, side="right") - 1
    # the patient with the event against those who outlive it: they leave later, and not because they enter later
    outlived = _count(leaves, rank, leaves[event], limits[:, event])
    # the patient who outlives against the events that happen while he is under observation
    seen = _count(-leaves[event], rank[event], -leaves, limits)
    if enters is not None:
        outlived -= _count(enters, rank, leaves[event], limits[:, event])
        seen -= _count(-leaves[event], rank[event], -enters, limits)
    concordant = np.zeros(len(risk))
    discordant = np.zeros(len(risk))
    concordant[event], discordant[event] = outlived[0], outlived[2]
    concordant += seen[2]
    discordant += seen[0]
    compared = seen.sum(axis=0)
    compared[event] += outlived.sum(axis=0)
    pairs = compared.sum() / 2
    if not pairs > 0:
        return np.nan, np.nan
    score = concordant + (compared - concordant - discordant) / 2
    estimate = score.sum() / 2 / pairs
    return float(estimate), float(np.sqrt(((score - estimate * compared) ** 2).sum()) / pairs)


def _count(key, rank, above, limits) -> np.ndarray:
    """(3, q) how many have a key above ``above`` and a rank in each of the three stretches between ``limits`` (4, q).

    A wavelet matrix: the ranks in descending order of key, sorted bit by bit, so that every query narrows one interval.
    """
    order = np.argsort(-key, kind="stable")
    sequence = rank[order]
    prefix = len(key) - np.searchsorted(key[order][::-1], above, side="right")
    stop = np.broadcast_to(prefix, limits.shape).copy()
    start = np.zeros_like(stop)
    found = np.zeros_like(stop)
    for bit in range(int(limits.max(initial=0)).bit_length() - 1, -1, -1):
        is_zero = (sequence >> bit) & 1 == 0
        zeros = np.concatenate([[0], np.cumsum(is_zero)])
        start_zero, stop_zero = zeros[start], zeros[stop]
        goes_up = (limits >> bit) & 1 == 1
        found += np.where(goes_up, stop_zero - start_zero, 0)
        start = np.where(goes_up, zeros[-1] + start - start_zero, start_zero)
        stop = np.where(goes_up, zeros[-1] + stop - stop_zero, stop_zero)
        sequence = np.concatenate([sequence[is_zero], sequence[~is_zero]])
    return np.diff(found, axis=0).astype(float)
