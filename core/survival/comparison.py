"""What a test of two or more strata reports."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, eq=False)
class TestResult:
    """A test's statistic, compared with the chi-squared distribution on df degrees of freedom.

    method      the test in words
    groups      stratum n observed expected: one row a stratum; in a weighted test both are sums of weights
    n_excluded  rows left out because their stratum is missing
    """

    __test__ = False  # not a test case, whatever pytest takes it for

    method: str
    statistic: float
    df: int
    p_value: float
    groups: pd.DataFrame
    n_excluded: int = 0
