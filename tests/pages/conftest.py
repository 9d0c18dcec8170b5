"""Streamlit's own test harness, through the entry script as a reader comes in."""

import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def app(monkeypatch):
    """Opens a page of the dashboard: ``app("survival", folder, **query)``."""

    def open_page(page="overview", folder=None, /, **query):
        if folder is not None:
            monkeypatch.setenv("CALCISCOPE_REGISTRY", str(folder))
        elif "CALCISCOPE_REGISTRY" in os.environ:
            monkeypatch.delenv("CALCISCOPE_REGISTRY")
        at = AppTest.from_file(ROOT / "app.py", default_timeout=60)
        for key, value in query.items():
            at.query_params[key] = value
        at.run()
        if page != "overview":
            at.switch_page(f"pages/{page}.py").run()
        return at

    return open_page
