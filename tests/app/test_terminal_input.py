"""What a terminal sends besides keys never becomes a key, and nothing that it sends ends the app."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver

from lwtui.app import terminal_input
from lwtui.app.keyboard_layouts import latin_key
from lwtui.app.screens.dialogs import Confirm
from lwtui.app.screens.library import LibraryScreen
from lwtui.app.terminal_input import SequenceFilter, TerminalParser, with_parser
from tests.app.person import someone
from tests.app.place import Place

OSC, DCS, APC, PM, SOS, ST = "\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x1b\\"
ANSWERS = [
    f"{OSC}11;rgb:dddd/dddd/dddd{ST}",
    f"{OSC}10;rgb:d0d0/d0d0/d0d0\x07",
    f"{OSC}52;c;ZGRkZA=={ST}",
    f"{OSC}4;1;rgb:dd/dd/dd\x07",
    f"{DCS}>|ghostty 1.2.3d{ST}",
    f"{DCS}1+r544e=787465726d{ST}",
    f"{APC}Gi=31;OK d{ST}",
    f"{PM}d{ST}",
    f"{SOS}d{ST}",
    "\x9d11;rgb:dddd/dddd/dddd\x9c",
    "\x90>|d\x9c",
    "\x9b?62;1;4c",
    "\x1b[?62;22c",
    "\x1b[>1;10;0c",
    "\x1b[?0u",
    "\x1b[0n",
    "\x1b[?997;1n",
    "\x1b[4;600;800t",
    "\x1b[8;24;80t",
    "\x1b[100~",
    "\x1b[?1049;0$z",
    "\x1b[1;1:3A",  # keys that are released
    "\x1b[97;1:3u",
    "\x1b[57399;5:3u",
    "\x1b[9999999;1u",  # no characters
    "\x1b[55296;1u",
    "\x1b[1114112u",
    "\x1b[62999u",
    "\x1bOz",
]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time; a test sets its only element."""
    now = [100.0]
    monkeypatch.setattr(terminal_input, "monotonic", lambda: now[0])
    return now


def keys(*chunks: str) -> list[str]:
    """Return the keys that the chunks become."""
    parser = TerminalParser()
    return key_names(message for chunk in chunks for message in parser.feed(chunk))


def key_names(messages: Iterable[object]) -> list[str]:
    return [message.key for message in messages if isinstance(message, events.Key)]


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_an_answer_of_the_terminal_is_no_key(answer: str) -> None:
    assert keys(f"a{answer}b") == ["a", "b"]
    assert keys("a", *answer, "b") == ["a", "b"]


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("\x1b[97;5u", "ctrl+a"),
        ("\x1b[97;5:1u", "ctrl+a"),
        ("\x1b[97;5:2u", "ctrl+a"),
        ("\x1b[97u", "a"),
        ("\x1b[97;1;97u", "a"),
        ("\x1b[1072::102;5u", "ctrl+f"),
        ("\x1b[1072;5u", "ctrl+f"),
        ("\x1b[1074;1;1074u", "в"),
        ("\x1b[27;5;97~", "ctrl+a"),
        ("\x1b[27;5;13~", "ctrl+enter"),
        ("\x1b[122::121;5u", "ctrl+z"),  # on a German keyboard
        ("\x1b[0;;20320u", "你"),
        ("\x1bO2P", "shift+f1"),
        ("\x1b[3$", "shift+delete"),
        ("\x1b[27;5:2u", "ctrl+escape"),
        ("\x1b[27u", "escape"),
        ("\x1b[1;1:1A", "up"),
        ("\x1b[1;5A", "ctrl+up"),
        ("\x1b[A", "up"),
        ("\x1bOA", "up"),
        ("\x1b[3~", "delete"),
        ("\x1b[3;5~", "ctrl+delete"),
        ("\x1b[15~", "f5"),
        ("\x1b[[A", "f1"),
        ("\x1b[13;2u", "shift+enter"),
        ("\x1ba", "alt+a"),
        ("\x01", "ctrl+a"),
        ("\r", "enter"),
        ("é", "é"),
    ],
)
def test_keys_are_keys_in_every_encoding(sent: str, key: str) -> None:
    assert keys(sent) == [key]
    assert keys(f"{sent}x") == [key, "x"]


def test_escape_is_a_key_once_nothing_follows(clock: list[float]) -> None:
    parser = TerminalParser()
    assert key_names(parser.feed("\x1b")) == key_names(parser.tick()) == []
    clock[0] += 0.2
    assert key_names(parser.tick()) == ["escape"]
    assert key_names(parser.feed("d")) == ["d"]
    assert key_names(parser.feed("\x1b\x1b")) == ["escape"]
    clock[0] += 0.2
    assert key_names(parser.tick()) == ["escape"]
    assert key_names(parser.feed("\x1b]")) == []
    clock[0] += 0.2
    assert key_names(parser.tick()) == ["right_square_bracket"]


def test_an_answer_may_come_in_parts_with_pauses(clock: list[float]) -> None:
    parser = TerminalParser()
    for chunk in ("\x1b", "]11;rgb:dd", "dd/dddd/dddd", "\x1b", "\\"):
        assert "d" not in key_names(parser.feed(chunk))
        clock[0] += 0.2
        assert set(key_names(parser.tick())) <= {"escape"}
    assert key_names(parser.feed("x")) == ["x"]


@pytest.mark.parametrize(
    "chunks",
    [
        ("\x1b[", "?62;22c"),
        ("\x1b]", "11;rgb:dddd/dddd/dddd\x07"),
        ("\x1bP", ">|ghostty d\x1b\\"),
        ("\x1b", "]1", "1;rgb:dddd/dddd/dddd\x07"),
        ("\x9b", "?62;22c"),
    ],
)
def test_an_answer_may_pause_after_its_first_characters(chunks: tuple[str, ...], clock: list[float]) -> None:
    parser = TerminalParser()
    found: list[str] = []
    for chunk in chunks:
        found += key_names(parser.feed(chunk))
        clock[0] += 0.3
        found += key_names(parser.tick())
    assert not {"d", "c"} & {key[-1] for key in found}
    assert key_names(parser.feed("x")) == ["x"]


def test_keys_and_pasted_text_may_pause_after_escape(clock: list[float]) -> None:
    parser = TerminalParser()
    list(parser.feed("\x1b"))
    clock[0] += 0.3
    assert key_names(parser.tick()) == ["escape"]
    messages = [*parser.feed("[200~dd"), *parser.feed("dd\x1b[201~")]
    assert [message.text for message in messages if isinstance(message, events.Paste)] == ["dddd"]
    assert key_names(messages) == []


def test_a_byte_that_is_no_text_does_not_end_the_app() -> None:
    with_parser(LinuxDriver)
    decoder = linux_driver.getincrementaldecoder("utf-8")()
    assert decoder.decode(b"a\x9b\xffb") == "a\ufffd\ufffdb"
    assert linux_driver.XTermParser is TerminalParser


def test_the_rest_of_an_answer_is_not_waited_for_for_ever(clock: list[float]) -> None:
    parser = TerminalParser()
    assert key_names(parser.feed(f"{OSC}11;rgb:dd")) == []
    for _ in range(30):
        clock[0] += 0.1
        list(parser.tick())
        list(parser.feed("d"))
    assert key_names(parser.feed("x")) == ["x"]


def test_pasted_text_is_text_and_nothing_else() -> None:
    parser = TerminalParser()
    pasted = f"one\n{OSC}11;rgb:dddd/dddd/dddd{ST} and a sequence that Textual does not know: \x1b[>1;10;0c"
    for chunks in ([f"\x1b[200~{pasted}\x1b[201~x"], [*"\x1b[200~", *pasted, *"\x1b[201~", "x"]):
        messages = [message for chunk in chunks for message in parser.feed(chunk)]
        (paste,) = [message for message in messages if isinstance(message, events.Paste)]
        assert paste.text == pasted.replace("\x1b", "")
        assert key_names(messages) == ["x"]


def test_the_mouse_is_read_in_both_forms() -> None:
    parser = TerminalParser()
    messages = [*parser.feed("\x1b[<0;10;5M"), *parser.feed("\x1b[<0;10;5m"), *parser.feed("\x1b[M !!")]
    assert [type(message) for message in messages] == [events.MouseDown, events.MouseUp]


@given(st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1), st.sampled_from(ANSWERS))
def test_what_is_typed_around_an_answer_arrives(text: str, answer: str) -> None:
    sequences = SequenceFilter()
    assert "".join(sequences.feed(f"{text}{answer}{text}")) == text + text


def test_shortcuts_work_on_other_keyboard_layouts() -> None:
    assert [latin_key(letter) for letter in "вВіδΣגيd1é"] == ["d", "D", "s", "d", "S", "d", "d", "", "", ""]


async def test_a_letter_of_another_layout_is_a_shortcut_but_text_in_a_field(place: Place) -> None:
    path = place.make()
    async with someone(size=(80, 24)) as person:
        await person.at(LibraryScreen)
        await person.press("в")  # on the key of d
        await person.at(Confirm)
        await person.press("т")  # on the key of n
        await person.at(LibraryScreen)
        assert path.exists()
        await person.press("slash", "в")
        await person.until(lambda: getattr(person.app.focused, "value", "") == "в")


async def test_a_fault_outside_of_the_event_loop_is_one_line_and_exit_code_1(place: Place) -> None:
    async with someone(size=(80, 24)) as person:
        person.app.panic(object())  # type: ignore[arg-type]
        for _ in range(1000):
            if person.app.is_running:
                await asyncio.sleep(0.01)
    assert person.app.return_code == 1
