"""What begins during follow-up: exposed from its date on, without immortal time."""

import numpy as np
import pandas as pd
from python.comparisons import weighted_logrank
from python.models import columns_of, cox, note_ratios
from python.view import DAYS_PER_MONTH, FROM_THE_BEGINNING, VIEW, note
from scipy.stats import chi2


def exposures(data):
    """Naive, from a landmark, and exposed from the date on (start-stop rows); the Mantel-Byar test."""
    rule = VIEW["exposure"]
    data = data[data["in_exposure_analysis"] == 1]
    time, event = data["time"].to_numpy(), (data["cause"] == 1).to_numpy()
    exposed_at = data["exposure_1_days"].to_numpy(dtype=float) / DAYS_PER_MONTH
    zero = np.full(len(time), FROM_THE_BEGINNING)

    kept, mark = time > rule["landmark"], rule["landmark"]
    # a first row up to the exposure, a second one after it; whoever is exposed on day 0 has the second one only
    start = np.full(len(time), FROM_THE_BEGINNING if (time == 0).any() else 0.0)
    cut = (exposed_at > 0) & (exposed_at < time)
    rows = pd.concat(
        [
            pd.DataFrame({"entry": start, "time": np.where(cut, exposed_at, time), "event": event & ~cut}).assign(
                exposed=exposed_at <= 0
            ),
            pd.DataFrame({"entry": exposed_at, "time": time, "event": event, "exposed": True})[cut],
        ]
    )
    analyses = {
        "naive": (zero, time, event, ~np.isnan(exposed_at)),
        "landmark": (zero[kept], time[kept] - mark, event[kept], exposed_at[kept] <= mark),
        "time-dependent": tuple(rows[name].to_numpy() for name in ("entry", "time", "event", "exposed")),
    }
    for name in rule["estimable"]:
        entry, until, happened, exposed = analyses[name]
        x = exposed.astype(float)[:, None]
        coef, variance, _ = cox(entry, until, happened, x, np.zeros(len(until)), "efron")
        note_ratios(f"Exposure, {name}", {(rule["label"], ""): x}, coef, variance)
        note(happened.sum(), f"Exposure, {name}", "events")
        note(happened[exposed].sum(), f"Exposure, {name}", "events while exposed")
    if rule["mantel_byar"]:
        entry, until, happened, exposed = analyses["time-dependent"]
        one = np.zeros(len(until))
        statistic, df = weighted_logrank(entry, until, happened, exposed.astype(int), one, {"weights": "log-rank"})
        note(statistic, "Mantel-Byar test", "chi-squared")
        note(chi2.sf(statistic, df), "Mantel-Byar test", "p")


def adjusted(data):
    """Several exposures, each from its own date on, and covariates known at diagnosis, in one model."""
    rule = VIEW["adjusted"]
    data = data[data["in_adjusted_model"] == 1]
    baseline = columns_of(data, rule["covariates"])
    complete = np.ones(len(data), dtype=bool)
    for values in baseline.values():
        complete &= ~np.isnan(values)
    time, event = data["time"].to_numpy(), (data["cause"] == 1).to_numpy()
    exposed_at = np.column_stack([data[e["column"]].to_numpy(dtype=float) for e in rule["exposures"]]) / DAYS_PER_MONTH
    beginning = FROM_THE_BEGINNING if (time[complete] == 0).any() else 0.0
    rows = []
    for i in np.flatnonzero(complete):
        cuts = sorted({t for t in exposed_at[i] if 0 < t < time[i]})
        for start, end in zip([beginning, *cuts], [*cuts, time[i]], strict=True):
            exposed = exposed_at[i] <= max(start, 0.0)  # never: not a number, which is no time
            known = [values[i] for values in baseline.values()]
            rows.append((start, end, bool(event[i]) and end == time[i], *exposed, *known))
    entry, until, happened, *x = zip(*rows, strict=True)
    entry, until, happened, x = np.array(entry), np.array(until), np.array(happened), np.column_stack(x).astype(float)
    names = [(e["label"], "") for e in rule["exposures"]] + list(baseline)
    note_ratios("Exposure, adjusted", names, *cox(entry, until, happened, x, np.zeros(len(rows)), "efron")[:2])
