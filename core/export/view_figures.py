"""The figures of a view as they stand in a report: the curves, the hazard ratios, and how the filters lead to the cohort."""

from dataclasses import replace

from core import competing
from core.analysis import Analysis
from core.cautions import after_baseline
from core.charts.attrition_chart import attrition_chart
from core.charts.chart import Chart
from core.charts.estimates_chart import estimates_chart
from core.charts.forest_chart import forest_chart
from core.charts.forest_rows import forest_rows
from core.charts.incidence_chart import incidence_chart
from core.charts.notice import with_notice
from core.charts.ratio_rows import ratio_rows
from core.charts.survival_chart import survival_chart
from core.charts.wording import format_p_statement, in_sentence
from core.errors import NotEstimable
from core.export.figures import Figure
from core.export.tables import view_caption
from core.exposure_analysis import ExposureAnalysis
from core.settings import RISK_TABLES, SHOWS
from core.treatment import LANDMARK, NAIVE, TIME_DEPENDENT

MOST_BANDS = 4
MOST_ROWS = 24  # of a forest plot on a page
PLOT_HEIGHT = 290  # pixels of a curve's plot, so that a page has room for what is said of it


def curve_figure(analysis: Analysis) -> Figure:
    """Kaplan-Meier curves by group, or cumulative incidence where something competes. Raises NotEstimable as the curves do."""
    by = f" by {in_sentence(analysis.by.label)}" if analysis.by else ""
    levels = tuple(analysis.by.levels) if analysis.by else ("All",)
    notice = notice_of(analysis)
    few = analysis.strata is None or analysis.strata.nunique() <= MOST_BANDS
    if analysis.endpoint.competing:
        what = competing.cause_in_words(analysis, competing.EVENT)
        title = f"Cumulative incidence of {what}{by}"
        chart = incidence_chart(
            competing.incidence(analysis),
            levels=levels,
            y_title=f"Cumulative incidence of {what}",
            x_title=analysis.time_title,
            notes=_test_note(analysis, competing.comparison),
            notice=notice,
            source_mark=analysis.registry.source or None,
            conf_band=few,
            height=PLOT_HEIGHT,
        )
    else:
        settings = dict(analysis.view.settings)
        show = settings.get("show", SHOWS[0])
        what = dict(
            zip(
                SHOWS, (analysis.endpoint.free, f"Cumulative incidence of {analysis.endpoint.event}", show), strict=True
            )
        )[show]
        title = f"{what}{by}"
        chart = survival_chart(
            analysis.curve,
            levels=levels,
            view=dict(zip(SHOWS, ("survival", "incidence", "hazard"), strict=True))[show],
            y_title=what,
            x_title=analysis.time_title,
            at_risk="simple" if settings.get("risk_table") == RISK_TABLES[1] else "extended",
            notes=_test_note(analysis, lambda view: view.comparison),
            notice=notice,
            source_mark=analysis.registry.source or None,
            conf_band=few,
            show_median=few,
            height=PLOT_HEIGHT,
        )
    return Figure(chart, title, view_caption(analysis))


def ratio_figure(analysis: Analysis, variables) -> Figure:
    """Hazard ratios of covariates known at diagnosis, each in a model of its own. Raises NotEstimable as the models do."""
    known = [v for v in variables if not v.is_post_baseline]
    result = analysis.hazard_ratios(known, ties=dict(analysis.view.settings).get("ties", "efron"))
    rows = forest_rows(result.terms, {v.name: v.label_with_step for v in known}, overall=result.overall)
    name = "Cause-specific hazard ratio" if analysis.endpoint.competing else "Hazard ratio"
    chart = forest_chart(rows, x_title=f"{name} (95% CI), log scale")
    return _titled(analysis, chart, f"{name}s for {_what(analysis)}, each covariate on its own")


def ratio_figures(analysis: Analysis, variables) -> list[Figure]:
    """The same in as many figures as can be read on paper."""
    parts: list[list] = [[]]
    rows = 0
    for variable in (v for v in variables if not v.is_post_baseline):
        more = 1 if variable.is_numeric else 1 + len(variable.levels)
        if rows + more > MOST_ROWS and parts[-1]:
            parts.append([])
            rows = 0
        parts[-1].append(variable)
        rows += more
    made = [ratio_figure(analysis, part) for part in parts]
    if len(made) == 1:
        return made
    return [replace(figure, title=f"{figure.title} ({i} of {len(made)})") for i, figure in enumerate(made, 1)]


def two_ratios_figure(analysis: Analysis, variables) -> Figure:
    """Cause-specific and subdistribution ratios side by side. Raises NotEstimable as the models do."""
    known = [v for v in variables if not v.is_post_baseline]
    frame = competing.ratios(analysis, known)
    rows = ratio_rows(frame, {v.name: v.label_with_step for v in known}, {v.name: v.reference for v in known})
    chart = forest_chart(rows, ratio_title="Ratio (95% CI)", lower="less of it", higher="more of it")
    return _titled(analysis, chart, f"Two hazard ratios for {_what(analysis)}")


def attrition_figure(analysis: Analysis) -> Figure:
    """How the filters lead from all patients to these."""
    return _titled(analysis, attrition_chart(analysis.attrition), "From all patients to these")


def notice_of(analysis: Analysis, *, grouped: bool = True) -> str | None:
    """The caution about what is known only after diagnosis; None where it does not apply."""
    return " ".join(caution.text for caution in after_baseline(analysis, grouped=grouped)) or None


def _titled(analysis, chart: Chart, title: str) -> Figure:
    return Figure(with_notice(chart, notice_of(analysis, grouped=False)), title, view_caption(analysis))


def _what(analysis):
    return analysis.endpoint.event if analysis.endpoint.competing else in_sentence(analysis.endpoint.label)


def _test_note(analysis, test_of) -> tuple[str, ...]:
    if analysis.by is None or analysis.by.is_post_baseline:
        return ()  # a test at face value is no headline
    try:
        test = test_of(analysis)
    except NotEstimable as reason:
        return (str(reason),)
    return (f"{test.method}: {format_p_statement(test.p_value)}",)


def treatment_figure(seen: ExposureAnalysis) -> Figure:
    """The three analyses of an exposure. Raises NotEstimable when nobody is left."""
    order = seen.estimates.set_index("analysis").loc[[TIME_DEPENDENT, LANDMARK, NAIVE]].reset_index()
    labels = {
        TIME_DEPENDENT: "Time-dependent: exposed from its date on",
        LANDMARK: f"Landmark: exposed by month {seen.landmark_months}",
        NAIVE: "Naive: ever exposed, as a fixed label",
    }
    events = seen.analysis.endpoint.events
    chart = estimates_chart(order, labels=labels, headline=TIME_DEPENDENT, muted=NAIVE, events=events)
    return _titled(seen.analysis, chart, f"{seen.exposure.label}: three analyses of the same patients")
