"""Path completion."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwtui.app.widgets.path_input import complete_path


def test_a_path_is_completed_to_a_matching_file_or_else_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for folder in ("models", "music", ".hidden", "empty"):
        (tmp_path / folder).mkdir()
    for file in (
        "models/b.gguf",
        "models/a.gguf",
        "models/a.txt",
        "models/.c.gguf",
        "models/e\x1bvil.gguf",
        "mine.gguf",
    ):
        (tmp_path / file).touch()
    (tmp_path / "models" / "a folder.gguf").mkdir()
    for value, found in (
        ("", ""),
        ("~", "~/"),
        ("~/m", "~/mine.gguf"),
        ("~/mo", "~/models/"),
        ("m", "mine.gguf"),
        (f"{tmp_path}/mod", f"{tmp_path}/models/"),
        ("~/models/", "~/models/a.gguf"),
        ("~/models/b", "~/models/b.gguf"),
        ("~/models/b.gguf", ""),  # complete already
        ("~/models/a ", "~/models/a folder.gguf/"),
        ("~/models/e", ""),  # a name that cannot be displayed
        ("~/.h", "~/.hidden/"),
        ("~/empty/", ""),
        ("~/nowhere/x", ""),
        ("~nobody-of-that-name/x", ""),
        ("x\0y", ""),
        ("x\0/y", ""),
    ):
        assert complete_path(value, ".gguf") == found, value
