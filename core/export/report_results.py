"""What came out, for the report: who the patients are, their curves, hazard ratios, competing risks, and what begins later."""

import pandas as pd

from core import competing
from core.analysis import Analysis
from core.charts.wording import (
    format_estimate,
    format_interval,
    format_months,
    format_p,
    format_percent,
)
from core.endpoints import endpoints_of
from core.export.report_parts import Paragraph, or_reason
from core.export.sentences import comparison_sentence, events_of, incidence_sentence, patients_of, treatment_sentence
from core.export.table_one_rows import SECTION, table_one_notes, table_one_rows
from core.export.tables import Table, view_caption
from core.export.view_figures import (
    attrition_figure,
    curve_figure,
    in_sentence,
    ratio_figures,
    treatment_figure,
    two_ratios_figure,
)
from core.exposure_analysis import ExposureAnalysis, chosen_exposure
from core.follow_up import completeness
from core.ratios import joint_model
from core.table_one import described_variables, table_one
from core.view import make_view


def on_page(analysis: Analysis, page: str, **chosen) -> Analysis:
    """The same cohort and choices as another page sees them."""
    values = dict(analysis.view.settings) | chosen
    return Analysis(analysis.registry, make_view(analysis.registry, page, analysis.view.filters, values))


def patients(analysis: Analysis) -> list:
    """How the filters lead to the patients, how completely they were followed, and Table 1."""
    parts = [attrition_figure(analysis)]
    parts += or_reason(lambda: _followed(analysis))
    if not len(analysis.cohort):
        return parts
    by = analysis.by
    everyone = by is not None and by.against_the_rest
    described = analysis.registry.patients if everyone else analysis.cohort.patients
    group = None if by is None else by.values.loc[described.index].reset_index(drop=True)
    variables = described_variables(analysis.registry.dictionary, None if by is None else by.variable)
    table = table_one(described.reset_index(drop=True), variables, group)
    rows = table_one_rows(table)
    notes = table_one_notes(table, group_label=by.label if by is not None else "")
    parts.append(Table("Table 1", rows, view_caption(analysis), notes, section=SECTION))
    return parts


def _followed(analysis):
    row = completeness(analysis.registry, analysis.cohort.mask).iloc[0]
    behind = int(row["n_behind"])
    return Paragraph(
        f"Observed follow-up was {format_percent(row['completeness'])} of what was possible up to the data cut-off "
        f"({analysis.registry.cut_off:%Y-%m-%d}); {patients_of(behind)} not known to have died "
        f"{'was' if behind == 1 else 'were'} last seen before it."
    )


def outcome(analysis: Analysis) -> list:
    """The curves, what they say at chosen times, and the test of the groups."""
    parts = or_reason(lambda: curve_figure(analysis))
    if not analysis.endpoint.competing:
        parts += or_reason(lambda: _survival_table(analysis))
    else:
        parts += or_reason(lambda: _incidence_table(analysis))
    if analysis.by is not None:
        parts += or_reason(lambda: Paragraph(comparison_sentence(analysis)))
    return parts


def _survival_table(analysis):
    interval = f"{analysis.conf_level:.0%} interval"
    median = pd.DataFrame(
        [
            (
                row.stratum,
                int(row.n),
                int(row.n_event),
                format_months(row.median),
                format_interval(row.conf_low, row.conf_high, lambda months: format_months(months, unit=False)),
                format_months(row.follow_up),
            )
            for row in analysis.curve.summary.itertuples(index=False)
        ],
        columns=[_group(analysis), "Patients", _events(analysis), "Median", interval, "Median follow-up"],
    )
    at = pd.DataFrame(
        [
            (row.stratum, f"{row.time:g} months", int(row.n_risk), *_share(row.estimate, row.conf_low, row.conf_high))
            for row in analysis.curve.survival_at(times_of(analysis)).itertuples(index=False)
        ],
        columns=[_group(analysis), "Time", "At risk", analysis.endpoint.free, interval],
    )
    caption = view_caption(analysis)
    return [Table("Median time", median, caption), Table(f"{analysis.endpoint.free} at chosen times", at, caption)]


def _incidence_table(analysis):
    interval = f"{analysis.conf_level:.0%} interval"
    frame = competing.at_times(analysis, times_of(analysis))
    first, second = (_start(competing.cause_in_words(analysis, cause)) for cause in (1, 2))
    rows = [
        (
            row.stratum,
            f"{row.time:g} months",
            int(row.n_risk),
            *_share(row.event_estimate, row.event_conf_low, row.event_conf_high),
            *_share(row.competing_estimate, row.competing_conf_low, row.competing_conf_high),
        )
        for row in frame.itertuples(index=False)
    ]
    columns = [_group(analysis), "Time", "At risk", first, interval, second, f"{interval} "]
    return Table("Cumulative incidence at chosen times", pd.DataFrame(rows, columns=columns), view_caption(analysis))


def ratios(analysis: Analysis) -> list:
    """Covariates one at a time and, where the view has it, in one model."""
    variables = _known(analysis)
    parts = or_reason(lambda: ratio_figures(analysis, variables))
    chosen = dict(analysis.view.settings).get("together", ())
    together = [v for v in analysis.recorded_covariates if v.label in chosen]
    if together:
        parts += or_reason(lambda: _together(analysis, together))
    return parts


def _together(analysis, variables):
    settings = dict(analysis.view.settings)
    within = analysis.registry.dictionary.by_label(settings["together_within"])
    model = joint_model(analysis, variables, ties=settings["ties"], within=within, penalised=settings["firth"])
    labels = {v.name: v.label_with_step for v in variables}
    rows = [
        (
            labels[term.covariate],
            term.level,
            "reference" if term.is_reference else format_estimate(term.estimate, term.conf_low, term.conf_high),
            "" if term.is_reference else format_p(term.p_value),
        )
        for term in model.result.terms.itertuples(index=False)
    ]
    notes = [
        f"{patients_of(model.result.n)}, {model.result.n_event} {events_of(analysis, model.result.n_event)}, "
        f"{model.events_per_coefficient:.1f} for each coefficient."
    ]
    if within is not None:
        notes.append(f"A baseline hazard of its own for each level of {in_sentence(within.label)}.")
    if model.penalised:
        notes.append("Firth's penalised likelihood, profile-likelihood intervals.")
    frame = pd.DataFrame(rows, columns=["Covariate", "Level", "Hazard ratio (95% interval)", "p"])
    return Table("Several covariates in one model", frame, view_caption(analysis), tuple(notes))


def competing_risks(analysis: Analysis) -> list:
    """Two kinds of hazard ratio, or the endpoints of the registry with which something competes."""
    with_competing = [e for e in endpoints_of(analysis.registry) if e.competing]
    if not with_competing:
        return [Paragraph("This registry records no event that competes with another.")]
    if analysis.endpoint.competing:
        seen = on_page(analysis, "outcomes", incidence_of="The event")
        return or_reason(lambda: two_ratios_figure(seen, main_covariates(analysis)))
    parts = [
        Paragraph(
            "With the endpoint of this view nothing competes. The other endpoints of the registry, for the same patients and groups:",
            leads=True,
        )
    ]
    for endpoint in with_competing:
        seen = on_page(analysis, "outcomes", endpoint=endpoint.label)
        parts += or_reason(lambda seen=seen: curve_figure(seen))
        parts += or_reason(lambda seen=seen: Paragraph(incidence_sentence(seen)))
    return parts


def treatment(analysis: Analysis) -> list:
    """The exposure of the view, without immortal time."""
    seen_from = on_page(analysis, "treatment")
    exposure = chosen_exposure(seen_from)
    if exposure is None:
        return [Paragraph("This registry records nothing that begins after diagnosis and has a date.")]
    seen = ExposureAnalysis(seen_from, exposure)
    parts = [
        Paragraph(
            "Whoever is treated has lived long enough to be treated. A label fixed at diagnosis credits the treatment with that time, "
            "in which nobody could die; the estimate below that counts is the time-dependent one.",
            notice=True,
        )
    ]
    parts += or_reason(lambda: treatment_figure(seen))
    parts += or_reason(lambda: Paragraph(treatment_sentence(seen)))
    return parts


def times_of(analysis: Analysis) -> list[float]:
    """The months at which the view reads its curves off."""
    return sorted(float(t) for t in dict(analysis.view.settings).get("at", ())) or [3.0, 6.0, 12.0, 24.0]


def _known(analysis):
    """All covariates on the page of hazard ratios, the main ones elsewhere."""
    return analysis.recorded_covariates if analysis.view.page == "hazard_ratios" else main_covariates(analysis)


def main_covariates(analysis: Analysis) -> list:
    """What the registry's owner put first, if it is known at diagnosis."""
    return [v for v in analysis.registry.dictionary.headline if not v.is_post_baseline]


def _share(estimate, low, high):
    if estimate != estimate:
        return "nobody is followed that long", ""
    none = low != low and high != high
    return format_percent(estimate, 1), "no interval" if none else format_interval(
        low, high, lambda s: format_percent(s, 1)
    )


def _group(analysis):
    return analysis.by.label if analysis.by is not None else "Group"


def _events(analysis):
    return _start(analysis.endpoint.events)


def _start(text):
    return text[:1].upper() + text[1:]
