"""LaTeX export: fonts for the letters that LaTeX's own font lacks, and nothing about fonts where it has all."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lwtui.documents.export import export
from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.documents.store import Document


def exported(folder: Path, text: str, language: str) -> tuple[str, list[str]]:
    """Return the LaTeX of a document with this text, and the notes of the export."""
    section = PlannedSection("Part", "", 10, "a")
    with Document.create(folder / "book.lw", Brief("Write it", 10, language), Plan("Title", (section,))) as document:
        document.edit("a", text)
        notes = export(document, folder / "book.tex")
    return (folder / "book.tex").read_text(encoding="utf-8"), notes


@pytest.mark.parametrize(
    ("text", "language", "fonts"),
    [
        ("Café, naïve, “quotes” — $\\alpha$.", "en", set()),
        ("The letter α.", "en", {"Libertinus Serif"}),
        ("Привет.", "ru", {"Libertinus Serif"}),
        ("Wickham 林文", "en", {"Noto Serif CJK SC"}),
        ("番茄喜欢土壤。", "zh", {"Noto Serif CJK SC"}),
        ("番茄喜歡土壤。", "zh-TW", {"Noto Serif CJK TC"}),
        ("トマトは土が好き。", "ja", {"Noto Serif CJK JP"}),
        ("토마토는 흙을 좋아한다.", "ko", {"Noto Serif CJK KR"}),
        ("番茄 α", "zh", {"Noto Serif CJK SC", "Libertinus Serif"}),
    ],
)
def test_fonts_are_named_for_the_letters_that_need_them(
    tmp_path: Path, text: str, language: str, fonts: set[str]
) -> None:
    latex, notes = exported(tmp_path, text, language)
    known = ("Libertinus Serif", *(f"Noto Serif CJK {suffix}" for suffix in ("SC", "TC", "JP", "KR")))
    assert {font for font in known if font in latex} == fonts
    assert bool(notes) == any("CJK" in font for font in fonts)


@pytest.mark.skipif(shutil.which("lualatex") is None, reason="needs lualatex")
def test_lualatex_has_a_font_for_each_character(tmp_path: Path) -> None:
    exported(tmp_path, "Words, α, Привет, **番茄** and `土壤`.\n\n```python\nprint('番茄')\n```", "zh")
    command = ["lualatex", "-interaction=nonstopmode", "-halt-on-error", "book.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", errors="replace", check=False)
    log = (tmp_path / "book.log").read_text(encoding="utf-8", errors="replace")
    if "None of these fonts was found" in log or "luatexja-fontspec.sty' not found" in log:
        pytest.skip("needs luatexja and fonts")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Missing character" not in log
