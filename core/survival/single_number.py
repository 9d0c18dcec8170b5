"""The partial likelihood of many numbers, each alone: one coefficient each, all in lockstep.

Everything comes from four sums over each risk set: of w, wx, wx² and wx³, with w = exp(beta x). The rows are worked on in
blocks of times, the latest first, so that a block and what is made of it stay in the processor's cache.
"""

from dataclasses import dataclass

import numpy as np

from core.survival.at_risk import RiskIndex
from core.survival.partial_likelihood import FAR, LONGEST, MAX_HALVINGS, MAX_STEPS
from core.survival.tied_events import TiedEvents

BLOCK = 2**14  # numbers worked on at a time
NEAR = 1e-5  # step x range of the number: what the next step would change is below 1e-10 of the standard error


@dataclass(frozen=True, eq=False)
class _Block:
    """The rows and nodes of some consecutive event times; positions are within the block."""

    rows: slice
    times: slice
    nodes: slice
    bounds: np.ndarray  # where the rows of each time begin and, with shares, where its events begin
    others: np.ndarray | None  # (times,) whether anybody but the dying leaves then; None without shares
    at: np.ndarray | None  # the time of each node; None where they are the times themselves
    most: np.ndarray | None  # of each node, as in TiedEvents; None where no rule is needed
    later: slice
    later_bounds: np.ndarray
    later_at: np.ndarray


class NumbersAlone:
    """Numbers of the rows at risk, q at a time.

    x      (q, r) in the order of ``sets.row``, standardised; 0 where missing
    known  (q, r) 1.0 where the number is known, else 0.0; None when none is missing
    """

    def __init__(self, sets: RiskIndex, ties: TiedEvents):
        self.sets, self.ties = sets, ties
        size = len(sets.row)
        work = sets.start + ties.start[:-1]
        cuts = np.searchsorted(work, np.arange(0, work[-1] + BLOCK, BLOCK)) if size > BLOCK else [0]
        cuts = np.unique(np.append(cuts, sets.n_times))
        self.blocks = [self._block(a, b) for a, b in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)][::-1]
        fraction, weight = ties.shares(ties.n_event)
        self.everybody = fraction[None], None if (weight == 1).all() else weight[None]

    def _block(self, a: int, b: int) -> _Block:
        sets, ties = self.sets, self.ties
        rows = slice(int(sets.start[a]), int(sets.start[b]) if b < sets.n_times else len(sets.row))
        nodes = slice(int(ties.start[a]), int(ties.start[b]))
        bounds, others = sets.start[a:b] - rows.start, None
        if ties.has_shares:
            first_event = sets.event[sets.event_start[a:b]] - rows.start
            others = first_event > bounds
            bounds = np.stack([bounds, first_event], axis=1).ravel()
        at = None if nodes.stop - nodes.start == b - a else ties.at[nodes] - a
        later, later_bounds, later_at = slice(0, 0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        if sets.later is not None:
            i, j = np.searchsorted(sets.later_at, [a, b]).tolist()
            if j > i:
                later = slice(
                    int(sets.later_start[i]),
                    int(sets.later_start[j]) if j < len(sets.later_start) else len(sets.later),
                )
                later_bounds, later_at = sets.later_start[i:j] - later.start, sets.later_at[i:j] - a
        most = np.where(ties.squeezed[nodes] > 0, ties.most[nodes], np.inf) if ties.squeezed[nodes].any() else None
        return _Block(rows, slice(a, b), nodes, bounds, others, at, most, later, later_bounds, later_at)

    def take(self, x: np.ndarray, known: np.ndarray | None) -> None:
        sets, ties = self.sets, self.ties
        self.x, self.known = x, known
        died = x.take(sets.event, axis=1)
        self.observed = died.sum(axis=1)
        if known is None:
            self.n_event = np.full(len(x), len(sets.event))
            self.fraction, self.weight = self.everybody
        else:
            by_time = np.add.reduceat(known.take(sets.event, axis=1), sets.event_start, axis=1).astype(np.int64)
            self.n_event = by_time.sum(axis=1)
            self.fraction, self.weight = ties.shares(by_time)
        self.later = None
        if sets.later is not None:
            self.later = x.take(sets.later, axis=1), None if known is None else known.take(sets.later, axis=1)

    def evaluate(self, which, beta: np.ndarray):
        """(log-likelihood, score, information, its derivative, largest share of tied events, as part of what it may be), each (k,), at beta (k,)."""
        every = len(which) == len(self.x)
        value, score = beta * self.observed[which], self.observed[which].copy()
        information, third, largest = np.zeros(len(beta)), np.zeros(len(beta)), np.zeros(len(beta))
        carry = np.zeros((4, len(beta), 1))

        def part(values, columns):
            if values is None:
                return None
            return values[:, columns] if every or len(values) == 1 else values[which, columns]

        for block in self.blocks:
            sums = _sums(part(self.x, block.rows), part(self.known, block.rows), beta, block.bounds)
            dying = None
            if block.others is not None:
                dying, sums = sums[:, :, 1::2], sums[:, :, ::2]
                sums *= block.others
                sums += dying
            if len(block.later_at):
                x, known = self.later
                sums[:, :, block.later_at] -= _sums(
                    part(x, block.later), part(known, block.later), beta, block.later_bounds
                )
            at_risk = sums[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
            at_risk += carry
            carry = at_risk[:, :, :1].copy()
            if block.at is not None:
                at_risk = at_risk.take(block.at, axis=2)
                dying = None if dying is None else dying.take(block.at, axis=2)
            if block.most is not None:
                largest = np.maximum(largest, (dying[0] / at_risk[0] / block.most).max(axis=1))
            if dying is not None:
                dying *= part(self.fraction, block.nodes)
                at_risk -= dying
            weight = part(self.weight, block.nodes)
            if self.known is not None:
                at_risk[0][weight == 0] = 1.0
            total, mean, variance, third_moment = at_risk  # what these names say, from here on, is made in place
            at_risk[1:] /= total
            square = mean * mean
            variance -= square
            square += 3 * variance
            square *= mean
            third_moment -= square
            np.log(total, out=total)
            sums = at_risk.sum(axis=2) if weight is None else np.einsum("pkj,kj->pk", at_risk, weight)
            value -= sums[0]
            score -= sums[1]
            information += sums[2]
            third += sums[3]
        return value, score, information, third, largest


def _sums(x, known, beta, bounds):
    """(4, k, len(bounds)) sums of w, wx, wx², wx³ over the rows between the bounds."""
    powers = np.empty((4, *x.shape))
    np.multiply(x, beta[:, None], out=powers[0])
    np.exp(powers[0], out=powers[0])
    if known is not None:
        powers[0] *= known
    for k in range(3):
        np.multiply(powers[k], x, out=powers[k + 1])
    return np.add.reduceat(powers, bounds, axis=2)


@dataclass(frozen=True, eq=False)
class Maxima:
    """Each (q,). ``certain`` is a proof that the maximum exists; without it the other fields say nothing.

    A likelihood without a maximum never makes Newton's step x range smaller than one, as in ``partial_likelihood.newton``.
    """

    beta: np.ndarray
    null: np.ndarray
    log_likelihood: np.ndarray
    information: np.ndarray
    score_at_zero: np.ndarray
    information_at_zero: np.ndarray
    certain: np.ndarray


def maxima(numbers: NumbersAlone, spread: np.ndarray) -> Maxima:
    """The maxima of every number's likelihood; spread (q,) are the ranges of the numbers.

    Newton's step with the third derivative (Chebyshev), halved until the likelihood rises.
    """
    q = len(spread)
    beta, certain = np.zeros(q), np.zeros(q, dtype=bool)
    active = np.arange(q)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        now = np.array(numbers.evaluate(active, beta))
        null, at_zero = now[0].copy(), now[1:3].copy()
        for _ in range(MAX_STEPS):
            score, information, third, largest = now[1:, active]
            newton = score / information
            bend = third * newton / information
            step = np.where(np.abs(bend) < 1, newton * (1 - bend / 2), newton)
            sound = (information > 0) & np.isfinite(step) & (np.abs(beta[active]) * spread[active] <= FAR)
            close = sound & (np.abs(step) * spread[active] <= NEAR)
            done = active[close]
            if len(done):
                s = step[close]
                beta[done] += s
                now[0, done] += s * (score[close] - s * (information[close] / 2 + s * third[close] / 6))
                now[2, done] += s * third[close]
                certain[done] = largest[close] <= 1
            active, step = active[sound & ~close], step[sound & ~close]
            if not len(active):
                break
            step = np.clip(step, -LONGEST / spread[active], LONGEST / spread[active])
            trying = active
            for _ in range(MAX_HALVINGS):
                new = np.array(numbers.evaluate(trying, beta[trying] + step))
                # what the likelihood loses by rounding is no fall
                lowest = now[0, trying] - 1e-12 * np.abs(now[0, trying])
                good = np.isfinite(new).all(axis=0) & (new[0] >= lowest)
                beta[trying[good]] += step[good]
                now[:, trying[good]] = new[:, good]
                trying, step = trying[~good], step[~good] / 2
                if not len(trying):
                    break
            active = np.setdiff1d(active, trying) if len(trying) else active
    return Maxima(beta, null, now[0], now[2], at_zero[0], at_zero[1], certain)
