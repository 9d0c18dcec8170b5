"""CalciScope: start here. ``streamlit run app.py``."""

import streamlit as st

from pages.components.entry import boot
from pages.components.sidebar import draw_sidebar
from pages.components.source import load_registry

st.set_page_config(page_title="CalciScope", page_icon="pages/components/icon.svg", layout="wide")

page = boot()
registry = load_registry()
draw_sidebar(registry, page.url_path or "overview")
page.run()
