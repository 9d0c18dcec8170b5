"""The second engine on the screen: lifelines computes the headline numbers again for who asks for it."""

import pandas as pd
import streamlit as st

from core.analysis import Analysis
from core.charts.wording import format_number
from core.errors import NotEstimable
from core.second_engine import Confirmation, confirm
from pages.components.kept import kept
from pages.components.literal import literal
from pages.components.tables import text_table


@st.fragment
def confirmation(analysis: Analysis, variables=()) -> None:
    """The numbers of the page beside those of lifelines, for who opens it; ``variables`` adds hazard ratios.

    On demand, and without running the page again: lifelines takes up to a second where the page takes a few hundredths.
    """
    opener = st.expander(
        "Check these numbers with a second engine, lifelines",
        icon=":material/verified:",
        key="_confirm",
        on_change="rerun",
    )
    if not opener.open:
        return
    with opener:
        try:
            analysis.require_patients()
        except NotEstimable as reason:
            st.caption(literal(str(reason)))
            return
        found = _confirmed(analysis.registry.fingerprint, analysis.view, tuple(v.name for v in variables), analysis)
        _say_verdict(found)
        for sentence in found.explained:
            st.markdown(f"- {literal(sentence)}")
        text_table(
            [
                (
                    _in_words(row.quantity, analysis.registry.dictionary),
                    row.where,
                    _number(row.ours),
                    _number(row.theirs),
                    _verdict(row.agrees),
                    row.note,
                )
                for row in found.checks.itertuples(index=False)
            ],
            ("Quantity", "Where", "CalciScope", found.engine, "Same", "Note"),
        )


def _say_verdict(found):
    if not found.n_compared:
        st.markdown("lifelines cannot compute any of these numbers, so nothing is confirmed.")
    elif found.agrees:
        st.markdown(f"Confirmed by {found.engine}: {found.n_compared} numbers, {_largest(found.largest)}.")
    else:
        st.warning(
            f"{found.engine} gives another result for some of these numbers ({_largest(found.largest)}). "
            "Look below before using them.",
            icon=":material/report:",
        )


@kept(256)
def _confirmed(fingerprint: str, view, names: tuple[str, ...], _analysis) -> Confirmation:
    """Kept by registry and view: the same view is never confirmed twice."""
    curve = test = ratios = covariates = None
    try:
        if not _analysis.endpoint.competing:  # lifelines gets cumulative incidence wrong where times are tied
            curve = _analysis.curve
            test = None if _analysis.within is not None else _analysis.comparison
    except NotEstimable:
        pass  # what is not on the screen needs no confirmation
    ties = dict(view.settings).get("ties", "efron")
    if names:
        variables = [_analysis.registry.dictionary[name] for name in names]
        try:
            ratios, covariates = _analysis.hazard_ratios(variables, ties=ties), _analysis.covariates(variables)
        except NotEstimable:
            ratios = covariates = None
    grouped, level = _analysis.grouped, _analysis.conf_level
    if grouped is _analysis or ratios is None:
        return confirm(grouped.outcome, grouped.strata, curve, test, ratios, covariates, conf_level=level)
    curves = confirm(grouped.outcome, grouped.strata, curve, test, None, None, conf_level=level)
    models = confirm(_analysis.outcome, None, None, None, ratios, covariates, conf_level=level)
    checks = pd.concat([curves.checks, models.checks], ignore_index=True)
    return Confirmation(checks, tuple(dict.fromkeys([*curves.explained, *models.explained])), curves.engine)


def _largest(difference: float) -> str:
    for bound, words in ((1e-9, "one in a billion"), (1e-6, "one in a million")):
        if difference < bound:
            return f"difference below {words}"
    return f"largest difference {difference:.6f}"


def _in_words(quantity: str, dictionary) -> str:
    """ "Hazard ratio: Age" for "Hazard ratio: age": the engine knows columns, a reader labels."""
    what, _, name = quantity.partition(": ")
    return f"{what}: {dictionary[name].label}" if name in dictionary else quantity


def _number(value) -> str:
    return "" if value != value else format_number(value, 6)


def _verdict(agrees) -> str:
    try:
        return "yes" if agrees else "no"
    except TypeError:  # not compared
        return "not compared"
