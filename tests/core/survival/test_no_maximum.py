"""A likelihood that only grows has no ratio, wherever rounding happens to stop the climb."""

import numpy as np
import pandas as pd
import pytest

from core.errors import NotEstimable
from core.survival import Outcome, cox, cox_each
from core.survival.cox import SEPARATED

rng = np.random.default_rng(20261101)


def apart_in_time(n_early, n_late):
    """Everybody of the early group has the event before anybody of the late group does."""
    time = np.concatenate([np.arange(1, n_early + 1), 20 + np.arange(n_late)])
    group = pd.Series(["early"] * n_early + ["late"] * n_late)
    return Outcome(time, np.ones(len(time), dtype=int)), group


@pytest.mark.parametrize("n_early", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("n_late", [1, 2, 3, 5, 8, 13])
def test_groups_that_follow_each_other_have_no_ratio(n_early, n_late):
    outcome, group = apart_in_time(n_early, n_late)
    frame = group.to_frame("group")
    as_number = (group == "late").astype(float).to_frame("group")
    for covariates in (frame, as_number):
        terms = cox_each(outcome, covariates).terms
        assert terms["coef"].isna().all(), f"{n_early} before {n_late}: {terms['coef'].tolist()}"
        assert terms["note"].iloc[-1] == SEPARATED
        with pytest.raises(NotEstimable, match="No hazard ratio can be estimated"):
            cox(outcome, covariates)


@pytest.mark.parametrize("n_early", [3, 8])
def test_a_sound_covariate_beside_them_keeps_its_ratio(n_early):
    outcome, group = apart_in_time(n_early, 12)
    other = pd.Series(rng.normal(size=len(outcome)))
    terms = cox(outcome, pd.DataFrame({"group": group, "other": other})).terms.set_index("covariate")
    assert terms.loc["group", "coef"].isna().all()
    # in the limit the groups are never at risk together: a model stratified by them
    alone = cox(outcome, other.to_frame("other"), stratify=group).terms
    assert terms.loc["other", "coef"] == pytest.approx(alone["coef"].iloc[0], rel=1e-8)
