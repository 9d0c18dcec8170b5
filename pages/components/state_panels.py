"""Where patients are over time: resolved, dead, or neither, all together and by group."""

import streamlit as st

from core import competing
from core.analysis import Analysis
from core.cautions import AFTER_BASELINE
from core.charts.notice import with_notice
from core.charts.stacked_chart import stacked_chart
from core.charts.wording import in_sentence
from core.conventions import SMALL_RISK_SET
from core.endpoints import OVERALL, competing_end, endpoints_of, event_name
from pages.components.literal import literal
from pages.components.panels import baseline_notice, panel, show_cautions, show_chart

MOST_MULTIPLES = 6


def states_panel(analysis: Analysis) -> None:
    """Where patients are over time, all together and by group, whatever endpoint is chosen."""
    resolves = analysis.registry.dictionary.meaning("resolution_date") is not None
    above = "resolution" if resolves else competing_end(analysis.registry)
    how = (
        f"How to read this: at each time the bands add up to 100%; {literal(endpoints_of(analysis.registry)[0].events)} grow from "
        "below"
        + (f", {above} from above" if above else "")
        + f", and between them is who has come to neither. Right of the dashed line fewer than {SMALL_RISK_SET} are "
        "still followed."
    )
    shown = None
    event = event_name(analysis.registry)
    event = "died" if event == OVERALL.event else event
    title = literal(f"Resolved, {event}, or neither" if resolves else f"{event[:1].upper()}{event[1:]}, or not")
    with panel(title, how_to_read=how, key="states_panel"):
        found = competing.states_of(analysis)
        st.markdown(literal(_states_sentence(found)))
        shown = {
            "states": [(state.name, state.part) for state in found.states],
            "free": found.free,
            "x_title": "Months from diagnosis",
            "end": float(found.outcome.time.max()),
        }
        whole = competing.state_incidence(analysis, found, by_group=False)
        mark = analysis.registry.source or None
        chart = stacked_chart(whole, "All", source_mark=mark, **shown)
        notice = baseline_notice(analysis, grouped=False)
        show_chart(with_notice(chart, notice, above="24 + 20 * legend_rows"), key="states_all")
        show_cautions(analysis, (AFTER_BASELINE,), on_figure=True)
    if analysis.by is None or shown is None:
        return
    with panel(f"The same by {literal(in_sentence(analysis.by.label))}", key="states_groups_panel"):
        by_group = competing.state_incidence(analysis, found, by_group=True)
        show_cautions(analysis, (AFTER_BASELINE,))
        with st.grid(columns="auto", min_column_width=300):
            for i, level in enumerate(by_group.strata[:MOST_MULTIPLES]):
                with st.container():  # the figure and its download share a cell
                    show_chart(
                        stacked_chart(by_group, level, title=str(level), legend=False, height=210, **shown),
                        key=f"states_{i}",
                    )
        if len(by_group.strata) > MOST_MULTIPLES:
            st.caption(f"The first {MOST_MULTIPLES} of {len(by_group.strata)} groups.")


def _states_sentence(found) -> str:
    ends = {state.name for state in found.states if state.part == "end"}
    said = [f"{n:,} {'came to ' if name in ends else ''}{name[:1].lower()}{name[1:]}" for name, n in found.counts]
    sentence = f"Of {len(found.rows):,} patients: {', '.join(said[:-1])}; {said[-1]} when last seen."
    if found.n_died_after:
        who = "1 of the resolved" if found.n_died_after == 1 else f"{found.n_died_after:,} of the resolved"
        sentence += f" {who} died later: resolved here, and a death in overall mortality."
    return sentence
