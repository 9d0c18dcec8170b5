"""Fisher's exact test for tables of any size, without simulation."""

import itertools

import numpy as np
from scipy.special import gammaln

from core.errors import NotEstimable

TIE = 1e-7  # tables whose probability is this close to the observed one are as likely, as in R's fisher.test
MOST_STEPS = 3e7  # elementary steps, about half a second; beyond it the test is refused


def fisher_exact(table) -> float:
    """The two-sided p value of a table of counts: the probability, with all margins fixed, of every table that is at most
    as likely as the observed one.

    Empty rows and columns do not matter; with fewer than two of either left the p value is 1. Raises NotEstimable when
    the table is too large to be counted through.

    The tables are built row by row. A partial table is settled as soon as its most likely completion is still unlikely
    enough (all its completions count) or its least likely one is already too likely (none does); partial tables with the
    same remaining margins and the same probability are carried as one: the network of Mehta and Patel, J Am Stat Assoc
    1983;78:427.
    """
    table = np.asarray(table, dtype=np.int64)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return 1.0
    if table.shape[1] > table.shape[0]:
        table = table.T
    log_factorial = gammaln(np.arange(table.sum() + 1) + 1.0)
    row_totals, column_totals = np.sort(table.sum(axis=1)), np.sort(table.sum(axis=0))
    limit = log_factorial[row_totals].sum() - log_factorial[table].sum() + TIE
    # what remains of the largest column follows from the others
    grid = tuple(column_totals[:-1] + 1)
    fillings = [_fillings(total, column_totals, log_factorial) for total in row_totals]
    _refuse_beyond(sum(len(filling) for filling, _ in fillings) * np.prod(grid, dtype=float))
    bounds = _bounds(fillings, grid)
    return min(1.0, _mass(fillings, bounds, row_totals, column_totals, limit, log_factorial))


def _fillings(total, column_totals, log_factorial):
    """Every way to spread a row over the columns: counts in all columns but the last, and the log of its weight."""
    ranges = [range(min(total, column) + 1) for column in column_totals[:-1]]
    _refuse_beyond(np.prod([len(r) for r in ranges], dtype=float))
    counts = np.array(list(itertools.product(*ranges)), dtype=np.int64)
    last = total - counts.sum(axis=1)
    fits = (last >= 0) & (last <= column_totals[-1])
    counts, last = counts[fits], last[fits]
    return counts, log_factorial[total] - log_factorial[counts].sum(axis=1) - log_factorial[last]


def _bounds(fillings, grid):
    """For each stage and each remainder of the columns: log weight of the least and the most likely completion."""
    least, most = np.full(grid, np.inf), np.full(grid, -np.inf)
    least.flat[0] = most.flat[0] = 0.0
    bounds = [(least.ravel(), most.ravel())]
    for counts, weights in reversed(fillings):
        next_least, next_most = np.full(grid, np.inf), np.full(grid, -np.inf)
        for count, weight in zip(counts, weights, strict=True):
            after = tuple(slice(None, size - taken) for size, taken in zip(grid, count, strict=True))
            before = tuple(slice(taken, None) for taken in count)
            np.minimum(next_least[before], least[after] + weight, out=next_least[before])
            np.maximum(next_most[before], most[after] + weight, out=next_most[before])
        least, most = next_least, next_most
        bounds.append((least.ravel(), most.ravel()))
    return bounds[::-1]


def _mass(fillings, bounds, row_totals, column_totals, limit, log_factorial):
    """The probability of all tables whose log weight is at most the limit."""
    grid = tuple(column_totals[:-1] + 1)
    steps = np.array([int(np.prod(grid[i + 1 :])) for i in range(len(grid))])
    remaining = int(row_totals.sum())
    every_table = log_factorial[remaining] - log_factorial[column_totals].sum()
    left, past, ways = column_totals[None, :-1], np.zeros(1), np.ones(1)
    mass, spent = 0.0, 0.0
    for (counts, weights), total, (least, most) in zip(fillings, row_totals, bounds[1:], strict=True):
        spent += len(left) * float(len(counts))
        _refuse_beyond(spent)
        remaining -= int(total)
        open_left, open_past, open_ways = [], [], []
        for count, weight in zip(counts, weights, strict=True):
            fits = (left >= count).all(axis=1)
            new, here, number = left[fits] - count, past[fits] + weight, ways[fits]
            node = new @ steps
            possible = np.isfinite(most[node])
            counted = possible & (here + most[node] <= limit)
            rest = remaining - new[counted].sum(axis=1)
            completions = log_factorial[remaining] - log_factorial[new[counted]].sum(axis=1) - log_factorial[rest]
            mass += float(np.sum(number[counted] * np.exp(here[counted] + completions - every_table)))
            undecided = possible & ~counted & (here + least[node] <= limit)
            open_left.append(new[undecided])
            open_past.append(here[undecided])
            open_ways.append(number[undecided])
        left, past, ways = _merged(
            np.concatenate(open_left), np.concatenate(open_past), np.concatenate(open_ways), steps
        )
        if not len(left):
            break
    return mass


def _merged(left, past, ways, steps):
    """Partial tables with the same remainder and the same weight as one."""
    if not len(left):
        return left, past, ways
    node, rounded = left @ steps, np.round(past, 9)
    order = np.lexsort((rounded, node))
    node, rounded = node[order], rounded[order]
    first = np.flatnonzero(np.concatenate([[True], (np.diff(node) != 0) | (np.diff(rounded) != 0)]))
    return left[order][first], past[order][first], np.add.reduceat(ways[order], first)


def _refuse_beyond(steps):
    if steps > MOST_STEPS:
        raise NotEstimable("This table is too large for Fisher's exact test. Gather levels or groups.")
