"""Every definition and convention, generated from the constants in force."""

import streamlit as st

from core.conventions import CONVENTIONS
from core.endpoints import endpoints_of
from pages.components.entry import require_app
from pages.components.literal import literal
from pages.components.panels import heading
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry
from pages.components.tables import definitions, dictionary_table

require_app()
registry = load_registry()
analysis = current_analysis(registry, "methods")

heading("How are these numbers made?", analysis)
st.caption(
    "Every choice behind the numbers, as the program applies it. Each result is tested against R's survival package."
)
st.subheader("Endpoints", anchor=False)
st.caption("With the choices that the sidebar now shows.")
definitions([(e.label, analysis.definition_of(e), "") for e in endpoints_of(registry)])
st.subheader("Conventions", anchor=False)
definitions([(c.topic, c.choice, c.reason) for c in CONVENTIONS])
st.subheader("Variables", anchor=False)
st.caption(f"As the dictionary of {literal(registry.name)} describes them.")
dictionary_table(registry)
