"""Spelling by Hunspell dictionaries, and what a LanguageTool server finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwtui.agentwrite.grammar import find_language_faults
from lwtui.agentwrite.lint import TextPart
from lwtui.agentwrite.spelling import find_dictionary, find_misspellings, open_speller
from lwtui.errors import LwtuiError
from lwtui.models.languagetool import check_language
from tests.support.languagetool import Checker, languagetool

pytest.importorskip("spylls")


def misspelled(text: str, folder: Path, language: str = "en", known: tuple[str, ...] = ()) -> list[str]:
    parts = [TextPart("", text, id="s1")]
    findings = find_misspellings(parts, open_speller(language, folder, known), language)
    return [text[place.start : place.end] for finding in findings for place in finding.places]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("This is teh end of it.", ["teh"]),
        ("Teh end of it.", ["Teh"]),
        ("The miller met Ossolinska at noon. Ossolinska's dog barked.", []),
        ("Ossolinska went home.", ["Ossolinska"]),  # at the beginning of a sentence alone
        ("They don’t know what the man's well-known friend can't do.", []),
        ("The well-knwon man.", ["well-knwon"]),
        ("NASA and the iPhone of 2007b are fine.", []),
        ("Run `pyhton teh.py` at https://exmaple.org or wriet@exmaple.org.\n\n```\nteh cdoe\n```\n", []),
        ("He said: “Teh end”.", ["Teh"]),
        ("中文 and English mix.", []),
        ("teh cat and teh dog", ["teh", "teh"]),
        ("", []),
    ],
)
def test_words_that_are_no_names_are_looked_up(text: str, words: list[str], tmp_path: Path) -> None:
    assert misspelled(text, tmp_path) == words


def test_names_of_the_document_and_own_words_are_correct(tmp_path: Path) -> None:
    text = "Ossolinska went home. The flumgrip is old, and teh end."
    assert misspelled(text, tmp_path, known=("Ossolinska the miller",)) == ["flumgrip", "teh"]
    (tmp_path / "spelling.txt").write_text("# mine\nFlumgrip\n", encoding="utf-8")
    assert misspelled(text, tmp_path, known=("Ossolinska",)) == ["teh"]
    (tmp_path / "spelling.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(LwtuiError, match=r"spelling\.txt"):
        open_speller("en", tmp_path)


def test_a_finding_says_how_often_and_what_may_be_meant(tmp_path: Path) -> None:
    parts = [TextPart("One", "A recieved letter.", id="s1"), TextPart("Two", "It was\nrecieved.", line=9, id="s2")]
    (finding,) = find_misspellings(parts, open_speller("en-US", tmp_path), "en-US")
    assert finding.kind == "spelling" and "2 times" in finding.message and "received" in finding.message
    assert [(place.section_id, place.line) for place in finding.places] == [("s1", 1), ("s2", 10)]


def test_a_dictionary_of_ones_own_comes_first_and_its_region_counts(tmp_path: Path) -> None:
    folder = tmp_path / "dictionaries"
    folder.mkdir()
    for name in ("xx_AA", "xx_XX", "xx-BB"):
        (folder / f"{name}.aff").write_text("SET UTF-8\n")
        (folder / f"{name}.dic").write_text("1\nfoo\n")
    (folder / "xx_CC.dic").write_text("1\nfoo\n")  # without rules
    for language, stem in (
        ("xx", "xx_XX"),
        ("xx-bb", "xx-BB"),
        ("xx_AA", "xx_AA"),
        ("xx-CC", "xx_XX"),
        ("XX", "xx_XX"),
    ):
        found = find_dictionary(language, [folder])
        assert found is not None and found.stem == stem
    assert find_dictionary("yy", [folder]) is find_dictionary("", [folder]) is None
    assert misspelled("foo bar", tmp_path, "xx") == ["bar"]
    with pytest.raises(LwtuiError, match="dictionaries"):
        open_speller("zh", tmp_path)


@pytest.mark.parametrize("path", ["", "/", "/v2", "/v2/check/"])
def test_languagetool_finds_places_also_behind_an_emoji(path: str) -> None:
    text = "A 🙂 smile are here, wich is style. `are` Ossolinska."
    finds = {"are": "grammar", "wich": "misspelling", "style": "style", "Ossolinska": "misspelling"}
    with languagetool(Checker(finds)) as server:
        parts = [TextPart("", "Nothing.", id="s0"), TextPart("", text, id="s1")]
        findings = find_language_faults(parts, server.address + path, "en-US", {"ossolinska"})
        assert {asked["path"] for asked in server.asked} == {"/v2/check"} and len(server.asked) == 2
        assert server.asked[0]["language"] == "en-US" and "`" not in server.asked[1]["text"]
    found = {text[one.places[0].start : one.places[0].end]: one.kind for one in findings}
    assert found == {"are": "grammar", "wich": "spelling", "style": "style"}
    assert findings[0].message == "About are. other?" and findings[0].places[0].section_id == "s1"


def test_a_long_text_is_sent_in_pieces_with_the_right_places() -> None:
    text = "\n\n".join(["All is well here, and it goes on. " * 60] * 30) + "\n\nOne eror."
    with languagetool(Checker({"eror": "misspelling"})) as server:
        (fault,) = check_language(server.address, text, "")
        assert len(server.asked) > 2 and max(len(asked["text"]) for asked in server.asked) <= 20_000
        assert server.asked[0]["language"] == "auto"
    assert text[fault.start : fault.end] == "eror"


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ((200, "<html>"), "none of LanguageTool's"),
        ((200, "[]"), "none of LanguageTool's"),
        ((200, '{"matches": [{"offset": 1}]}'), "none of LanguageTool's"),
        ((500, "It broke\nbadly"), "status 500"),
        ((404, ""), "status 404"),
    ],
)
def test_another_server_is_named(answer: tuple[int, str], named: str) -> None:
    with languagetool(Checker(answer=answer)) as server, pytest.raises(LwtuiError) as caught:
        check_language(server.address, "Text.", "en")
    assert named in str(caught.value) and "[lint]" in str(caught.value) and "\n" not in str(caught.value)


def test_places_outside_the_text_are_left_out_and_an_unknown_language_is_found_out() -> None:
    rows = '{"matches": [{"offset": 90, "length": 5}, {"offset": -1, "length": 1}, {"offset": 0, "length": 4}]}'
    with languagetool(Checker(answer=(200, rows))) as server:
        assert [(one.start, one.end) for one in check_language(server.address, "Text.", "en")] == [(0, 4)]
    with languagetool(Checker(answer=(400, "is not a language code known"))) as server:
        with pytest.raises(LwtuiError):
            check_language(server.address, "Text.", "qx")
        assert [asked["language"] for asked in server.asked] == ["qx", "auto"]
    with pytest.raises(LwtuiError, match="Cannot reach LanguageTool"):
        check_language("http://127.0.0.1:9", "Text.", "en")
    with pytest.raises(LwtuiError, match="LanguageTool"):
        check_language("nonsense", "Text.", "en")
