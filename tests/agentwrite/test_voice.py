"""The voice of sample texts: what is measured, the note that comes of it, and how another text differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwtui.agentwrite.voice import VOICE, Voice, compare_voices, measure_voice, voice_note, voice_of, with_voice
from lwtui.documents.model import Note
from lwtui.errors import LwtuiError

TERSE = (
    "I went down to the harbor. It was cold. I saw no one. The boats were gone; I knew why. "
    "I took the rope and made it fast. My hands hurt. I did not mind. We had been here before. "
) * 6
WINDING = (
    "The harbor, which lies where the river at last gives up its name to the sea, is a place that has never quite "
    "decided whether it is a town or a habit, and the people who live there, when they speak of it at all, speak of "
    "it as one speaks of weather! “You know how it is,” she says, “and you know that it does not change.”\n\n"
) * 5
CHINESE = "他走到码头。天很冷，他没有看见人。船都走了；他知道为什么。他拿起绳子，系好。他的手很疼。" * 8


def voice(text: str) -> Voice:
    measured = measure_voice([text])
    assert measured is not None
    return measured


@pytest.mark.parametrize(
    ("text", "language", "person", "tense"),
    [(TERSE, "en", "first", "past"), (WINDING, "en", "third", "present"), (CHINESE, "zh", "third", "")],
    ids=["terse", "winding", "chinese"],
)
def test_habits_are_measured(text: str, language: str, person: str, tense: str) -> None:
    found = voice(text)
    assert (found.language, found.person, found.tense) == (language, person, tense)
    assert found.length > 150 and found.figures.sentence_length > 3


def test_marks_dialogue_and_turns_are_measured() -> None:
    assert voice(TERSE).marks["semicolon"] > 10 and voice(TERSE).marks["exclamation mark"] == 0
    assert voice(WINDING).figures.dialogue > 0.15 and voice(WINDING).marks["exclamation mark"] > 5
    assert voice(CHINESE).marks["semicolon"] > 0
    assert voice("\n\n".join([WINDING, TERSE])).turns


def test_a_short_sample_has_no_voice(tmp_path: Path) -> None:
    assert measure_voice(["Too short."]) is measure_voice([]) is None
    (tmp_path / "short.md").write_text("Too short.")
    with pytest.raises(LwtuiError, match="too short"):
        voice_of([tmp_path / "short.md"])
    with pytest.raises(LwtuiError, match="gone"):
        voice_of([tmp_path / "gone.md"])


def test_the_note_has_figures_and_passages_and_is_a_style_note() -> None:
    note = voice_note(voice(WINDING), [WINDING])
    assert (note.title, note.kind, note.always) == (VOICE, "style", True)
    assert "Dialogue makes up" in note.text and "present tense" in note.text
    assert note.text.count("Passage: “The harbor, which lies") == 1  # both passages are the same
    terse = voice_note(voice(TERSE), [TERSE]).text
    assert "first person" in terse and "no dialogue" in terse and len(terse) < 4_000
    other = Note("Tone", "Dry.")
    first = with_voice([other], note)
    again = with_voice(first, voice_note(voice(TERSE), [TERSE]))
    assert [one.title for one in again] == ["Tone", VOICE] and again[1].text == terse


def test_a_text_is_compared_with_a_voice() -> None:
    assert compare_voices(voice(TERSE), voice(TERSE)) == []
    lines = "\n".join(compare_voices(voice(TERSE), voice(WINDING)))
    assert "sentences of" in lines and "present tense, where the voice has past" in lines and "dialogue" in lines
    assert compare_voices(voice(CHINESE), voice(CHINESE)) == []
