"""STS courses, and whatever else begins after diagnosis, without immortal time."""

import streamlit as st

from core.exposure_analysis import ExposureAnalysis, chosen_exposure, undated_count
from pages.components.controls import choose, has_effect
from pages.components.entry import require_app
from pages.components.panels import heading
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry
from pages.components.treatment_panels import (
    assumed_panel,
    curves_panel,
    estimates_panel,
    explain_nothing,
    model_panel,
    no_effect_panel,
    thresholds_panel,
    timelines_panel,
)

require_app()
registry = load_registry()
top = st.container()
missing = st.container()
controls = st.container(horizontal=True, vertical_alignment="bottom")
exposure = chosen_exposure(current_analysis(registry, "treatment"))
counted = undated_count(registry)
if exposure is not None:
    with controls:
        with st.container(width=270):
            choose(registry, "exposure")
        if has_effect(registry, "counted_from"):
            choose(registry, "counted_from")
        with st.container(width=240):
            choose(registry, "landmark_at")
analysis = current_analysis(registry, "treatment")
exposure = chosen_exposure(analysis)

with top:
    heading("Do the treated do better, or do those who live longer get more treatment?", analysis)
if counted is not None:
    with missing:
        assumed_panel(analysis, counted)
if exposure is not None:
    seen = ExposureAnalysis(analysis, exposure)
    estimates_panel(seen)
    no_effect_panel(seen, with_controls=counted is None)
    timelines_panel(seen)
    curves_panel(seen)
    thresholds_panel(seen)
    model_panel(seen)
elif counted is None:
    explain_nothing(analysis)
