"""Where the tests find the project and its registries."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def sample_folder() -> Path:
    return ROOT / "data" / "sample"


@pytest.fixture(scope="session")
def pbc_folder(tmp_path_factory) -> Path:
    """R's pbc data written as a registry folder."""
    folder = tmp_path_factory.mktemp("registries") / "pbc"
    subprocess.run([sys.executable, ROOT / "tests" / "registries" / "write_pbc.py", folder], check=True)
    return folder
