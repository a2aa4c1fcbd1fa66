"""Every screen in Chinese: no text on it is left in English, in a small window and in a large one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(900)
@pytest.mark.slow
def test_no_screen_shows_english_in_chinese(tmp_path: Path) -> None:
    # The language is chosen once per process.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", "--basetemp", str(tmp_path / "t")]
    done = subprocess.run(
        [*command, "--snapshot-warn-unused", "tests/app/test_snapshots.py"],
        cwd=ROOT,
        env=os.environ | {"LWTUI_TEST_LANGUAGE": "zh"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
