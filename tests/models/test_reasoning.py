"""What a model thinks and what it answers are told apart, however the server mixes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.models.base import AnswerVoided, ReasoningPiece, TextPiece
from lwtui.models.reasoning import ReasoningSplitter, opens_reasoning, without_reasoning

TEXT = "The harbor wakes.\n\nBoats leave it."


def split(*pieces: str, thinking: bool = False) -> tuple[str, str]:
    """Return the answer and the reasoning."""
    splitter, text, reasoning = ReasoningSplitter(thinking=thinking), "", ""
    for part in [*(part for piece in pieces for part in splitter.add(piece)), *splitter.close()]:
        match part:
            case TextPiece(piece):
                text += piece
            case ReasoningPiece(piece):
                reasoning += piece
            case AnswerVoided():
                text, reasoning = "", reasoning + text
    return text, reasoning


PAIRS = [
    ("<think>", "</think>"),
    ("<think >", "</think >"),
    ("< think>", "< / think>"),
    ("<Think>", "</THINK>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel|>analysis<|message|>", "<|end|>"),
    ("<|start|>assistant<|channel|>commentary to=x<|message|>", "<|call|>"),
]


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_reasoning_in_every_spelling_is_no_text(opening: str, closing: str) -> None:
    for answer in (
        f"{opening}Let me see.{closing}\n\n{TEXT}",
        f"  \n{opening}\n\n{closing}\n{opening}Let me see.{closing}{TEXT}",
    ):
        for pieces in ([answer], list(answer)):
            text, reasoning = split(*pieces)
            assert (text, reasoning.strip()) == (TEXT, "Let me see.")
    assert split(f"Sure.\n{opening}Let me see.{closing}{TEXT}")[0] == f"Sure.\n{TEXT}"
    assert split(f"{opening}Let me see.") == ("", "Let me see.")  # it never came to an answer


@pytest.mark.parametrize(("opening", "closing"), PAIRS[:-2])
def test_all_before_a_lone_closing_tag_was_reasoning(opening: str, closing: str) -> None:
    answer = f"Okay, the user wants a text.\nI count.\n{closing}\n\n{TEXT}"
    for pieces in ([answer], list(answer)):
        assert split(*pieces) == (TEXT, "Okay, the user wants a text.\nI count.\n")
    if opening != "<seed:think>":
        assert opens_reasoning(f"<|im_start|>assistant\n{opening}\n")
    assert split("Let me see.", closing, TEXT, thinking=True) == (TEXT, "Let me see.")


def test_a_stray_closing_tag_after_reasoning_takes_nothing_back() -> None:
    for answer in (f"<think>Let me see.</think>{TEXT}\n</think>", f"<think>Let me see.</think>\n</think>\n{TEXT}"):
        for pieces in ([answer], list(answer)):
            assert split(*pieces)[0].strip() == TEXT


def test_of_the_channels_of_harmony_only_the_final_one_is_the_answer() -> None:
    answer = (
        f"<|channel|>analysis<|message|>We write.<|end|><|start|>assistant<|channel|>final<|message|>{TEXT}<|return|>"
    )
    for pieces in ([answer], list(answer)):
        assert split(*pieces) == (TEXT, "We write.")
    assert split(f"<|channel|>analysis<|message|>We write.<|channel|>final<|message|>{TEXT}") == (TEXT, "We write.")
    assert split(f"We write.<|end|><|start|>assistant<|channel|>final<|message|>{TEXT}") == (TEXT, "We write.")
    solved = f"<|begin_of_thought|>Hm.<|end_of_thought|>\n<|begin_of_solution|>{TEXT}<|end_of_solution|>"
    assert split(solved) == split(*solved) == (TEXT, "Hm.")
    assert split(f"<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>{TEXT}<|END_RESPONSE|>") == (TEXT, "Hm.")


@pytest.mark.parametrize(
    "end",
    ["<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<end_of_turn>", "<|im_start|>", "[INST]", "<｜end▁of▁sentence｜>"],
)
def test_the_answer_ends_at_a_mark_of_the_chat_template(end: str) -> None:
    answer = f"{TEXT}{end}\n<|im_start|>user\nThanks"
    assert split(answer) == split(*answer) == (TEXT, "")
    assert split(f"{end}{TEXT}") == (TEXT, "")  # a leftover of the prompt


@pytest.mark.parametrize(
    "text",
    [
        "Models write `<think>` and `</think>` around it.",
        "The model writes </think> when it is done.",
        "Llama 2 wraps it in [INST] and [/INST], and the token <|endoftext|> separates texts.",
        "[Think] first, then act.",
        "They wrote <|channel|>final<|message|> before it.",
        "An example:\n\n```\n<think>\nLet me see.\n</think>\n<|im_end|>\n```\n\nThat was it.",
        "He wrote <b>bold</b> and a < b, [1] and ◁ too.",
        "A line that ends with <|im",
        "if a <think>b</think> c",
        "array[THINK",
        "",
    ],
)
def test_other_text_is_not_changed(text: str) -> None:
    if "a <think>" not in text:
        assert split(text) == split(*text) == (text, "")
    else:  # an opening tag within a line is text; what only closes is not
        assert "if a <think>b" in split(text)[0] + split(text)[1]


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<", "|", "a\n", "`", "<|im_end|>", "[THINK]", "x "]), max_size=9)
)
def test_the_division_into_pieces_changes_nothing(parts: list[str]) -> None:
    whole = "".join(parts)
    text, _ = split(whole)
    assert split(*whole)[0] == text == without_reasoning(whole)
    assert split(*parts)[0] == text
