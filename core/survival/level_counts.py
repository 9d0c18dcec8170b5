"""The partial likelihood of categories, each alone: all that matters is how many of each level are at risk at each event."""

from dataclasses import dataclass

import numpy as np

from core.survival.at_risk import RiskIndex
from core.survival.partial_likelihood import DEPENDENT, FAR, FLAT, LONGEST, MAX_HALVINGS, MAX_STEPS
from core.survival.tied_events import TiedEvents

BLOCK = 2**15  # numbers worked on at a time
NEAR = 1e-10  # sum of the absolute steps: what a further step would change is below it


@dataclass(frozen=True, eq=False)
class LevelFits:
    """q categories of at most p levels: size, n_event, beta, std_error (q, p); the others (q,).

    reference    the first level that has rows
    base         the level against which beta is: the reference, or another where nothing happened in it. Levels without
                 events have left every risk set: their coefficients are without limit
    compared     whether base is the reference, so that there are hazard ratios
    certain      a proof that the maximum over the levels with events exists, and that every level is at risk at some event;
                 without it the other fields say nothing
    score        score statistic at zero; log_likelihood (2, q) at zero and at the maximum
    """

    size: np.ndarray
    n_event: np.ndarray
    reference: np.ndarray
    compared: np.ndarray
    beta: np.ndarray
    std_error: np.ndarray
    log_likelihood: np.ndarray
    score: np.ndarray
    certain: np.ndarray


def level_fits(sets: RiskIndex, ties: TiedEvents, codes: np.ndarray, n_levels: int) -> LevelFits:
    """codes (q, n) from -1 for missing, of all rows of the outcome."""
    q = len(codes)
    every = np.arange(q)
    likelihood = _Likelihood(sets, ties, codes, n_levels)
    size, n_event = likelihood.size, likelihood.n_event
    present, inside = size > 0, n_event > 0
    reference = present.argmax(axis=1)
    compared = inside[every, reference]
    base = np.where(compared, reference, inside.argmax(axis=1))
    total = n_event.sum(axis=1)
    usable = (present.sum(axis=1) > 1) & (total > 0)
    null, expected, information = likelihood.evaluate(every, present.astype(float))
    start, varied, score = _at_zero(present, reference, expected, information, n_event)
    usable &= varied
    free = inside.copy()
    free[every, base] = False
    beta = np.where(free, start - start[every, base][:, None], 0.0)
    beta, best, information, certain = _maxima(likelihood, inside, free, beta, usable)
    variance = np.linalg.inv(np.where(certain[:, None, None], information, np.eye(n_levels)))
    std_error = np.sqrt(np.diagonal(variance, axis1=1, axis2=2))
    return LevelFits(size, n_event, reference, compared, beta, std_error, np.array([null, best]), score, certain)


def _by_time(codes: np.ndarray, times: np.ndarray, n_levels: int, n_times: int) -> np.ndarray:
    """(q, n_levels, n_times) how many of each level there are at each time, from codes (q, m) in order of times (m,)."""
    q = len(codes)
    counts = np.zeros((q, n_levels + 1, n_times))
    place = 1 + (n_levels + 1) * np.arange(q)[:, None]  # the missing of each come first
    width = max(1, BLOCK // q)
    for i in range(0, codes.shape[1], width):
        during = times[i : i + width]
        first, n = during[0], during[-1] - during[0] + 1
        cell = (codes[:, i : i + width] + place) * n + (during - first)
        found = np.bincount(cell.ravel(), minlength=counts[:, :, 0].size * n)
        counts[:, :, first : first + n] += found.reshape(q, n_levels + 1, n)
    return counts[:, 1:]


def _at_zero(present, reference, expected, information, n_event):
    """(start of the search, whether every level varies within the risk sets, score statistic), from the null model."""
    free = present.copy()
    free[np.arange(len(present)), reference] = False
    information = _restricted(information, free)
    score = np.where(free, n_event - expected, 0.0)
    own = np.diagonal(information, axis1=1, axis2=2)
    diagonal = np.sqrt(np.maximum(own, FLAT))
    varied = (own > FLAT * n_event.sum(axis=1)[:, None]).all(axis=1)
    if information.shape[1] > 2:
        correlation = information / (diagonal[:, :, None] * diagonal[:, None, :])
        varied &= np.linalg.eigvalsh(correlation)[:, 0] > DEPENDENT
    information[~varied] = np.eye(information.shape[1])
    statistic = (score * np.linalg.solve(information, score[:, :, None])[:, :, 0]).sum(axis=1)
    # events observed against those expected without any difference: near the maximum, and exact for small differences
    ratio = np.divide(n_event, expected, out=np.ones(expected.shape), where=(n_event > 0) & (expected > 0))
    return np.log(ratio), varied, statistic


def _restricted(information: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The information of the free coefficients; one and nothing beside it for the others."""
    return np.where(free[:, :, None] & free[:, None, :], information, np.eye(free.shape[1]))


class _Likelihood:
    """At each node the number at risk by level, less the share of the dying that has left."""

    def __init__(self, sets: RiskIndex, ties: TiedEvents, codes: np.ndarray, n_levels: int):
        in_order = codes.take(sets.row, axis=1)
        leaving = _by_time(in_order, sets.last, n_levels, sets.n_times)
        dying = _by_time(in_order.take(sets.event, axis=1), sets.at, n_levels, sets.n_times)
        self.n_event = dying.sum(axis=2).astype(np.int64)
        self.size = leaving.sum(axis=2).astype(np.int64)
        if len(sets.row) < codes.shape[1]:
            never = np.ones(codes.shape[1], dtype=bool)
            never[sets.row] = False
            never = codes[:, never]
            self.size += _by_time(never, np.zeros(never.shape[1], dtype=np.int64), n_levels, 1)[:, :, 0].astype(
                np.int64
            )
        if sets.later is not None:
            entering = in_order.take(sets.later, axis=1)
            leaving -= _by_time(entering, sets.first[sets.later] - 1, n_levels, sets.n_times)
        at_risk = leaving[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
        complete = self.n_event.sum(axis=1) == len(sets.event)
        if complete.all():
            self.fraction, self.weight = (values[None] for values in ties.shares(ties.n_event))
        else:
            self.fraction, self.weight = ties.shares(dying.sum(axis=1).astype(np.int64))
        self.at_risk, self.dying = at_risk.take(ties.at, axis=2), None
        if ties.has_shares:
            self.dying = dying.take(ties.at, axis=2)
            self.at_risk -= self.fraction[:, None, :] * self.dying
        if not complete.all():
            self.at_risk += (self.weight == 0)[
                :, None, :
            ]  # nobody has a known value then: anything but a division by 0
        self.root = None if (self.weight == 1).all() else np.sqrt(self.weight)
        # the last node of a time is the nearest to the end of its events
        self.squeezed = np.flatnonzero((ties.squeezed > 0) & (ties.slot == ties.squeezed - 1))
        self.most = ties.most[self.squeezed]

    def evaluate(self, which, risk: np.ndarray):
        """(log-likelihood less beta x events (k,), expected events (k, p), information (k, p, p)) at risk = exp(beta)."""
        k, p = risk.shape
        every = len(which) == len(self.at_risk)
        logs, expected, squares = np.zeros(k), np.zeros((k, p)), np.zeros((k, p, p))
        width = max(1, BLOCK // (k * p))
        for i in range(0, self.at_risk.shape[2], width):
            columns = slice(i, i + width)
            at_risk = self.at_risk[:, :, columns] if every else self.at_risk[which, :, columns]
            total = (risk[:, None, :] @ at_risk)[:, 0]
            mean = at_risk * (1 / total)[:, None, :]
            if self.root is None:
                logs += np.log(total).sum(axis=1)
                expected += mean.sum(axis=2)
            else:
                one = len(self.weight) == 1
                weight = self.weight[:, columns] if every or one else self.weight[which, columns]
                root = self.root[:, columns] if every or one else self.root[which, columns]
                logs += (weight * np.log(total)).sum(axis=1)
                mean *= root[:, None, :]
                expected += (mean @ np.broadcast_to(root, total.shape)[:, :, None])[:, :, 0]
            squares += mean @ mean.transpose(0, 2, 1)
        expected *= risk
        information = expected[:, :, None] * np.eye(p) - squares * (risk[:, :, None] * risk[:, None, :])
        return -logs, expected, information

    def squeezes_soundly(self, which, risk: np.ndarray) -> np.ndarray:
        """(k,) whether the tied events of no time hold more of the hazard at risk than their nodes are exact for."""
        if not len(self.squeezed):
            return np.ones(len(which), dtype=bool)
        dying = (risk[:, None, :] @ self.dying[which][:, :, self.squeezed])[:, 0]
        at_risk = (risk[:, None, :] @ self.at_risk[which][:, :, self.squeezed])[:, 0]
        # the nodes have lost a part of the dying already, which makes the share larger: on the safe side
        return (dying <= self.most * at_risk).all(axis=1)


def _maxima(likelihood: _Likelihood, inside, free, beta, usable):
    """(beta, log-likelihood, information, certain), by Newton's steps, halved until the likelihood rises."""
    q, p = beta.shape
    n_event = likelihood.n_event
    best, information = np.zeros(q), np.zeros((q, p, p))
    score = np.zeros((q, p))
    certain = np.zeros(q, dtype=bool)

    def at(which, beta):
        value, expected, found = likelihood.evaluate(which, np.exp(beta) * inside[which])
        value = value + (n_event[which] * beta).sum(axis=1)
        score = np.where(free[which], n_event[which] - expected, 0.0)
        return value, score, _restricted(found, free[which])

    active = np.flatnonzero(usable)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        if len(active):
            best[active], score[active], information[active] = at(active, beta[active])
        for _ in range(MAX_STEPS):
            sound = np.isfinite(best[active]) & np.isfinite(information[active]).all(axis=(1, 2))
            active = active[sound & (np.abs(beta[active]).sum(axis=1) <= FAR)]
            if not len(active):
                break
            try:
                step = np.linalg.solve(information[active], score[active][:, :, None])[:, :, 0]
            except np.linalg.LinAlgError:
                break
            decrement = (step * score[active]).sum(axis=1)
            close = np.abs(step).sum(axis=1) <= NEAR
            if close.any():
                done = active[close]
                beta[done] += step[close]
                smallest = np.linalg.eigvalsh(information[done])[:, 0]
                proven = 4 * np.maximum(decrement[close], 0) * p < smallest
                certain[done] = proven & likelihood.squeezes_soundly(done, np.exp(beta[done]) * inside[done])
            going = ~close & (decrement > 0)
            active, step = active[going], step[going]
            step = step * (LONGEST / np.maximum(np.abs(step).max(axis=1, initial=0), LONGEST))[:, None]
            trying = active
            for _ in range(MAX_HALVINGS):
                if not len(trying):
                    break
                value, new_score, new_information = at(trying, beta[trying] + step)
                # what the likelihood loses by rounding is no fall
                lowest = best[trying] - 1e-12 * np.abs(best[trying])
                good = np.isfinite(value) & np.isfinite(new_information).all(axis=(1, 2)) & (value >= lowest)
                moved = trying[good]
                beta[moved] += step[good]
                best[moved], score[moved], information[moved] = value[good], new_score[good], new_information[good]
                trying, step = trying[~good], step[~good] / 2
            if len(trying):
                active = np.setdiff1d(active, trying)
    return beta, best, information, certain
