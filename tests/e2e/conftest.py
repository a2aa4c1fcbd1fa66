"""What the tests of the app in a real terminal share."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwtui.config import set_value


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with settings, and one for documents, in which the app opens its library."""
    config = tmp_path / "config" / "settings.toml"
    set_value("documents", str(tmp_path / "documents"), config)
    set_value("welcome", "false", config)
    return tmp_path
