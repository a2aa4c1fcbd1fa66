"""How whole sentences are joined in any language."""

from __future__ import annotations

import pytest

from lwtui.translation import sentences, without_context


@pytest.mark.parametrize(
    ("texts", "joined"),
    [
        ((), ""),
        (("", ""), ""),
        (("Saved.", "", "Go on."), "Saved. Go on."),
        (("已保存。", "请继续！", "好吗？", "是。"), "已保存。请继续！好吗？是。"),
        (("Timeout.", "请重试。"), "Timeout. 请重试。"),
    ],
)
def test_sentences_are_joined_as_their_language_does(texts: tuple[str, ...], joined: str) -> None:
    assert sentences(*texts) == joined


@pytest.mark.parametrize("text", ["Polish", "language|Polish"])
def test_a_context_is_not_shown(text: str) -> None:
    assert without_context(text) == "Polish"
