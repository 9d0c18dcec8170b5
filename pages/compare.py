"""Two views side by side: curves over each other, every headline number, and the patients that they share."""

import streamlit as st

from pages.components.compare_panels import choose_two, curves_panel, kept_panel, numbers_panel, overlap_panel
from pages.components.entry import require_app
from pages.components.named import load_link
from pages.components.panels import heading
from pages.components.restore import go_where_asked
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry

require_app()
go_where_asked()
registry = load_registry()
analysis = current_analysis(registry, "compare")
load_link(registry)

heading("What changes between two views?", analysis)
two = choose_two(registry, analysis)
if two is None:
    st.info(
        "Keep a view first: set the filters on any page, press Share, give the view a name and keep it. Then it can be compared "
        "here with another one, or with what the sidebar says now.",
        icon=":material/bookmark_add:",
    )
else:
    curves_panel(two)
    overlap_panel(two)
    numbers_panel(two)
kept_panel(registry)
