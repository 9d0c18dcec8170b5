"""CalciScope: start here. ``streamlit run app.py``."""

import streamlit as st

from pages.components.arrival import set_address_right
from pages.components.entry import boot, freeze_what_stays
from pages.components.sidebar import draw_sidebar
from pages.components.source import draw_source, load_registry, registry_if_there, without_values_in_the_log

st.set_page_config(page_title="CalciScope", page_icon="pages/components/icon.svg", layout="wide")

page = boot()
name = page.url_path or "overview"
draw_source(name)
with without_values_in_the_log():
    registry = registry_if_there() if name == "data" else load_registry()
    if registry is not None:
        set_address_right(registry, name)
        draw_sidebar(registry, name)
    page.run()
freeze_what_stays(name)
