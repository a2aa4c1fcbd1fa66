"""Stock phrases: shipped lists for English and Chinese, and lists of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwtui.agentwrite.lint import TextPart
from lwtui.agentwrite.word_lists import find_stock_phrases, load_phrases
from lwtui.errors import ConfigError


def found(text: str, language: str = "en", own: Path | None = None) -> list[str]:
    findings, score = find_stock_phrases([TextPart("One", text)], load_phrases(language, own))
    assert score.count == sum(finding.message.count("once") or len(finding.places) for finding in findings)
    return [finding.places[0].quote for finding in findings]


@pytest.mark.parametrize(
    ("text", "language", "phrases"),
    [
        ("The bridge stands as a testament to hope.", "en", ["stands as a testament"]),
        ("It’s important to note that bees\nDELVE  INTO flowers.", "en", ["It’s important to note", "DELVE INTO"]),
        ("It is not just a tool but a friend.", "en-US", ["not just a tool but"]),
        ("Undelve intoxicated tapestry office", "en", []),  # no whole words
        ("It is not just a tool. It has a handle but", "en", []),  # a gap ends with the sentence
        ("值得注意的是，茶很重要。", "zh", ["值得注意的是"]),
        ("在当今这个快节奏的时代，他嘴角勾起一抹微笑。", "zh-CN", ["嘴角勾起一抹", "在当今这个快节奏的时代"]),
        ("The bridge stands as a testament to hope.", "de", []),  # no list
        ("", "en", []),
    ],
)
def test_phrases_are_found_as_whole_words(text: str, language: str, phrases: list[str]) -> None:
    assert sorted(found(text, language)) == sorted(phrases)


def test_own_lists_are_used_in_every_language(tmp_path: Path) -> None:
    assert found("Er war irgendwie da.", "de", tmp_path / "none") == []
    (tmp_path / "mine.txt").write_text("# fillers\nirgendwie\n\n  sozusagen \n...\n", encoding="utf-8")
    assert found("Er war Irgendwie da, sozusagen.", "de", tmp_path) == ["Irgendwie", "sozusagen"]
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\x00x")
    with pytest.raises(ConfigError, match=r"bad\.txt"):
        load_phrases("de", tmp_path)


def test_a_longer_phrase_counts_once_and_the_score_is_per_thousand() -> None:
    text = "It stands as a testament to time. " + "word " * 93
    findings, score = find_stock_phrases([TextPart("", text), TextPart("", text)], load_phrases("en"))
    (finding,) = findings
    assert finding.message == "“stands as a testament” occurs 2 times" and len(finding.places) == 2
    assert (score.count, score.per_1000) == (2, 10.0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_shipped_lists_have_no_doubles_and_name_their_sources(language: str) -> None:
    from importlib.resources import files

    lines = (files("lwtui.agentwrite.word_lists") / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    phrases = [line for line in lines if line and not line.startswith("#")]
    assert len(phrases) == len(set(phrases)) > 60
    assert "Signs of AI writing" in "\n".join(lines)
    assert len(load_phrases(language)) == len(phrases)
