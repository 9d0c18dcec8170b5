"""Bring your own registry: upload, look, say what is what, check, open."""

import streamlit as st

from pages.components.entry import require_app
from pages.components.intake_check import check_panel
from pages.components.intake_files import look_panel, now_open, upload_panel
from pages.components.intake_follow_up import follow_up_panel
from pages.components.intake_help import help_panel, templates
from pages.components.intake_variables import variables_panel

require_app()
st.header("Bring your own registry", anchor=False)
st.caption(
    "A file with one row per patient becomes a registry in five steps. It stays in the server's memory while this window is "
    "open: it is never written to disk, never put into a link, and never shown to anybody else."
)
st.caption(
    "There is nothing to share on this page. Once your registry is open, Share on any other page makes the link to what you "
    "see there; whoever opens it is asked for the same file."
)
now_open()
table = upload_panel()
if table is not None:
    look_panel(table)
    mapping = follow_up_panel(table)
    mapping = variables_panel(table, mapping)
    check_panel(table, mapping)
templates()
help_panel()
