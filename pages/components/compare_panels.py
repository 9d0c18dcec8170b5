"""Panels of the Compare page: which two views, their curves, the patients that they share, their numbers, and the kept views."""

import streamlit as st

from core.analysis import Analysis
from core.charts.chart import Chart
from core.charts.incidence_chart import incidence_chart
from core.charts.survival_chart import survival_chart
from core.export.tables import view_caption
from core.named_views import MOST_VIEWS, NamedView, to_file
from core.registry import Registry
from core.two_views import TwoViews
from pages.components.figure_download import CAPTION
from pages.components.link import show_report
from pages.components.literal import literal
from pages.components.named import FIRST, READ, SECOND, TROUBLE, in_order, kept_views, load_file, open_again, take_away
from pages.components.panels import baseline_notice, panel, show_chart
from pages.components.tables import text_table

NOW = "What the sidebar says now"
FILE_KEY = "_views_file"


def choose_two(registry: Registry, analysis: Analysis) -> TwoViews | None:
    """The two views that the reader chose; None while none is kept."""
    kept = kept_views(registry)
    if not kept:
        return None
    views = [*kept, NamedView(NOW, analysis.view)]
    names = [named.name for named in views]
    for key in (FIRST, SECOND):
        if st.session_state.get(key) not in names:
            st.session_state.pop(key, None)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = st.selectbox("First", names, 0, key=FIRST)
        second = st.selectbox("Second", names, 1, key=SECOND)
    chosen = [Analysis(registry, next(n.view for n in views if n.name == name)) for name in (first, second)]
    labels = (first, second) if first != second else (f"{first} (first)", f"{second} (second)")
    return TwoViews(labels, *chosen)


def curves_panel(two: TwoViews) -> None:
    """Both curves in one chart."""
    endpoint = two.first.endpoint
    title = f"Cumulative incidence of {endpoint.event}" if two.competes else endpoint.free
    if two.first.endpoint.label != two.second.endpoint.label:
        title = "Free of each view's own event"
    level, kind = two.conf
    how = (
        f"How to read this: one curve for each view, of all its patients, without its grouping; the bands are {level:.0%} "
        f"intervals ({kind}). Whoever is in both views is in both curves."
    )
    # a figure that is downloaded says of whom it is: of the two views, not of what the sidebar says
    captions = (f"{name}: {view_caption(whole)}" for name, whole in zip(two.names, two.whole, strict=True))
    st.session_state[CAPTION] = " ".join(captions)
    with panel(literal(title), how_to_read=how, key="compare_curve_panel"):
        show_chart(_chart(two, title), key="compare_curve")
        for sentence in two.differences:
            st.markdown(f":material/info: {literal(sentence)}")


def _chart(two, title) -> Chart:
    said = dict.fromkeys(baseline_notice(analysis, grouped=False) for analysis in (two.first, two.second))
    draw = incidence_chart if two.competes else survival_chart
    return draw(
        two.curve,
        levels=two.names,
        y_title=title,
        x_title=two.time_title,
        notice=" ".join(sentence for sentence in said if sentence) or None,
        source_mark=two.first.registry.source or None,
    )


def overlap_panel(two: TwoViews) -> None:
    """How many patients the two views share, and what follows from it."""
    only_first, both, only_second = two.overlap
    with panel("Who is in which", key="compare_overlap_panel"):
        text_table(
            [
                (f"Only in {two.names[0]}", only_first),
                ("In both", both),
                (f"Only in {two.names[1]}", only_second),
            ],
            ("View", "Patients"),
        )
        if both:
            st.markdown(
                f"{both} {'patient is' if both == 1 else 'patients are'} in both views, so the two are not independent: their "
                "intervals cannot be compared as those of two groups can, and no test is made."
            )
        else:
            st.markdown("Nobody is in both. To test such groups against each other, group by what tells them apart.")


def numbers_panel(two: TwoViews) -> None:
    """Every headline number of both views and how far they are apart."""
    with panel("Headline numbers", key="compare_numbers_panel"):
        text_table(
            [
                (
                    change.label,
                    "not in this view" if change.before is None else change.before.text,
                    "not in this view" if change.after is None else change.after.text,
                    change.difference_text,
                )
                for change in two.changes
            ],
            ("Number", *two.names, "Second compared with first"),
        )


def kept_panel(registry: Registry) -> None:
    """The kept views: open one again, take one away, all as a file, and a file back."""
    kept = kept_views(registry)
    with panel("Kept views", key="kept_panel"):
        for named in kept:
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.markdown(literal(named.name))
                with st.container(horizontal=True, width="content"):
                    st.button(
                        "Open the view",
                        key=f"_open_{named.name}",
                        type="tertiary",
                        icon=":material/arrow_forward:",
                        on_click=open_again,
                        args=(registry, named.view),
                    )
                    st.button(
                        "Take away",
                        key=f"_take_away_{named.name}",
                        type="tertiary",
                        icon=":material/close:",
                        on_click=take_away,
                        args=(registry, named.name),
                    )
        if kept:
            views = in_order(registry)  # the file is made when it is asked for, without the reader's state
            st.download_button(
                "Download these views",
                data=lambda: to_file(registry, views),
                file_name="calciscope_views.json",
                mime="application/json",
                icon=":material/download:",
                on_click="ignore",
                key="_download_views",
                help="Choices and headline numbers, no patient's data",
            )
            st.caption("They last until this window is closed: a file or the link under Share brings them back later.")
        _say_trouble()
        if len(kept) < MOST_VIEWS:
            st.file_uploader(
                "Load views from a file",
                type="json",
                key=FILE_KEY,
                max_upload_size=1,
                on_change=load_file,
                args=(registry, FILE_KEY),
            )


def _say_trouble():
    if trouble := st.session_state.get(TROUBLE):
        st.error(literal(trouble), icon=":material/error:")
    reports = st.session_state.get(READ, ())
    said = [(name, report) for name, report in reports if report.sentences]
    same = sum(report.is_reproduced for _, report in reports)
    if same:
        said_of = (
            "view shows the same numbers as when it was"
            if same == 1
            else "views show the same numbers as when they were"
        )
        st.caption(f":material/check_circle: {same} loaded {said_of} saved.")
    for name, report in said:
        with st.container(border=True):
            st.markdown(f":material/link_off: **{literal(name)}**")
            show_report(report)
