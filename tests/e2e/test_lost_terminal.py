"""A terminal that goes away without a signal, as that of a lost connection may."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from select import select

import pytest

from lwtui.config import set_value

pytestmark = [pytest.mark.posix, pytest.mark.timeout(300)]


def test_the_app_ends_when_its_terminal_is_gone(tmp_path: Path) -> None:
    settings = tmp_path / "config" / "settings.toml"
    set_value("documents", str(tmp_path / "documents"), settings)
    set_value("welcome", "false", settings)
    ours, theirs = os.openpty()
    environment = os.environ | {
        "TERM": "xterm-256color",
        "LWTUI_CONFIG_DIR": str(settings.parent),
        "LWTUI_STATE_DIR": str(tmp_path / "state"),
        "LWTUI_CACHE_DIR": str(tmp_path / "cache"),
    }
    app = subprocess.Popen(
        [sys.executable, "-m", "lwtui"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,  # without a controlling terminal, there is no SIGHUP
    )
    os.close(theirs)
    try:
        shown = b""
        while b"Library" not in shown:
            assert select([ours], [], [], 120)[0], shown[-500:]
            shown += os.read(ours, 65536)
        os.close(ours)
        assert app.wait(60) == 0
    finally:
        app.kill()
