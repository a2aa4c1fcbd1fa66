"""Vim's keys as a state machine, and once in the editor."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lwtui.app.screens.writing import WritingScreen
from lwtui.app.widgets.vim import Vim, VimMode
from lwtui.config import set_value
from tests.app.person import someone
from tests.app.place import Place


@dataclass
class Paper:
    """A text with a cursor, in memory."""

    text: str
    place: int = 0
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    held: bool = False
    kept: int = 0
    saves: int = 0

    def put_cursor(self, place: int) -> None:
        assert 0 <= place <= len(self.text)
        self.place = place

    def mark(self, start: int, end: int, cursor: int) -> None:
        assert 0 <= start <= end <= len(self.text)
        self.place = cursor

    def swap(self, start: int, end: int, text: str) -> None:
        assert 0 <= start <= end <= len(self.text)
        self.before.append(self.text)
        self.text = self.text[:start] + text + self.text[end:]
        self.place = start + len(text)

    def hold(self) -> None:
        self.kept = self.kept if self.held else len(self.before)
        self.held = True

    def release(self) -> None:
        if self.held:  # all changes since then are one step
            del self.before[self.kept + 1 :]
        self.held = False

    def save(self) -> None:
        self.saves += 1

    def undo(self) -> None:
        if self.before:
            self.after.append(self.text)
            self.text = self.before.pop()
            self.place = min(self.place, len(self.text))

    def redo(self) -> None:
        if self.after:
            self.before.append(self.text)
            self.text = self.after.pop()
            self.place = min(self.place, len(self.text))


def typed(vim: Vim, paper: Paper, keys: str) -> None:
    """Press keys written as in Vim's manual: ``<Esc>``, ``<Enter>``, ``<C-r>``; in insert mode, others are typed."""
    for key in re.findall(r"<[^>]+>|.", keys, re.DOTALL):
        name = {"<Esc>": "escape", "<Enter>": "enter", "<C-r>": "ctrl+r", "<BS>": "backspace"}.get(key, key)
        character = key if len(key) == 1 else None
        if not vim.feed(name, character) and vim.mode is VimMode.INSERT and character:
            paper.swap(paper.place, paper.place, character)


def run(text: str, keys: str) -> tuple[str, Vim, Paper]:
    """Apply keys to a text in which ``|`` marks the cursor."""
    at = text.index("|")
    paper = Paper(text.replace("|", "", 1), at)
    vim = Vim(paper)
    typed(vim, paper, keys)
    return paper.text[: paper.place] + "|" + paper.text[paper.place :], vim, paper


@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [
        # motions
        ("one |two", "h", "one| two"),
        ("|one", "h", "|one"),
        ("|one", "9l", "on|e"),
        ("a|bcd\nx\nefgh", "jj", "abcd\nx\ne|fgh"),
        ("abcd\nx\nefg|h", "2k", "abc|d\nx\nefgh"),
        ("|one two-three", "w", "one |two-three"),
        ("|one two-three", "3w", "one two-|three"),
        ("|one\n\ntwo", "w", "one\n|\ntwo"),
        ("|one 番茄 x", "ww", "one 番茄 |x"),
        ("one two-thr|ee", "b", "one two-|three"),
        ("one two-thr|ee", "bbb", "one |two-three"),
        ("one\n\n|two", "b", "one\n|\ntwo"),
        ("|one two", "e", "on|e two"),
        ("on|e two", "e", "one tw|o"),
        ("  one t|wo", "0", "|  one two"),
        ("  one t|wo", "^", "  |one two"),
        ("|one two\nx", "$", "one tw|o\nx"),
        ("a\nb\n |c", "gg", "|a\nb\n c"),
        ("|a\nb\n c", "G", "a\nb\n |c"),
        ("|a\nb\nc", "2G", "a\n|b\nc"),
        ("|a\nb\n\nc", "}", "a\nb\n|\nc"),
        ("a\n\nb|b", "{", "a\n|\nbb"),
        # operators
        ("|one two", "x", "|ne two"),
        ("on|e", "9x", "o|n"),
        ("|one two three", "dw", "|two three"),
        ("|one two three", "2dw", "|three"),
        ("|one two three", "d2w", "|three"),
        ("one |two\nthree", "dw", "one| \nthree"),
        ("|one two", "de", "| two"),
        ("one t|wo", "db", "one |wo"),
        ("one t|wo\nx", "d$", "one |t\nx"),
        ("one t|wo\nx", "D", "one |t\nx"),
        ("one t|wo", "d0", "|wo"),
        ("a\n|b\nc", "dd", "a\n|c"),
        ("a\nb\n|c", "dd", "a\n|b"),
        ("|a\nb\nc", "2dd", "|c"),
        ("|a", "dd", "|"),
        ("|a\nb\nc", "dj", "|c"),
        ("a\nb\n|c", "dgg", "|"),
        ("|one two", "cwten<Esc>", "te|n two"),
        ("one |two\nx", "Cten<Esc>", "one te|n\nx"),
        ("a\n|bb\nc", "ccx<Esc>", "a\n|x\nc"),
        ("|one two", "ywP", "one| one two"),
        ("a\n|b\nc", "yyjp", "a\nb\nc\n|b"),
        ("|a\nb", "ddp", "b\n|a"),
        ("|a\nb", "yy2P", "|a\na\na\nb"),
        ("|ab", "xp", "b|a"),
        ("|番茄 x", "dw", "|x"),
        # insert
        ("|ab", "ix<Esc>", "|xab"),
        ("|ab", "ax<Esc>", "a|xb"),
        ("a|b", "Ix<Esc>", "|xab"),
        ("|ab", "Ax<Esc>", "ab|x"),
        ("|a\nb", "ox<Esc>", "a\n|x\nb"),
        ("a\n|b", "Ox<Esc>", "a\n|x\nb"),
        ("a\n|", "ix<Esc>", "a\n|x"),
        # selecting
        ("|one two", "ved", "| two"),
        ("|one two", "vlly$p", "one twoon|e"),
        ("a\n|b\nc\nd", "Vjd", "a\n|d"),
        ("|one two", "vecten<Esc>", "te|n two"),
        ("|one two", "vw<Esc>", "one |two"),
        ("one |two", "vbx", "|wo"),
        # undo
        ("|one two", "dwu", "|one two"),
        ("|one two", "dwu<C-r>", "|two"),
        ("|abc", "xxx2u", "|bc"),
        # searching
        ("|one two one", "/one<Enter>", "one two |one"),
        ("|one two one", "/one<Enter>n", "|one two one"),
        ("|one two One", "/One<Enter>", "one two |One"),
        ("|one two One", "/onx<BS>e<Enter>", "one two |One"),
        ("one |two one", "/one<Enter>N", "|one two one"),
        ("|one two", "d/tw<Enter>", "|two"),
        ("|one two", "/nothing<Enter>", "|one two"),
        ("|one two", "/on<Esc>x", "|ne two"),
        # unknown commands do nothing
        ("|one", "dqx", "|ne"),
        ("|one", "3<Esc>x", "|ne"),
        ("|one", "gqx", "|ne"),
    ],
)
def test_keys_act_as_in_vim(before: str, keys: str, after: str) -> None:
    assert run(before, keys)[0] == after


def test_the_status_has_the_mode_and_the_incomplete_command() -> None:
    paper = Paper("one two")
    vim = Vim(paper)
    for keys, status in (
        ("2", "NORMAL 2"),
        ("d", "NORMAL 2d"),
        ("3", "NORMAL 2d3"),
        ("g", "NORMAL 2d3g"),
        ("<Esc>", "NORMAL"),
        ("v", "VISUAL"),
        ("V", "VISUAL LINE"),
        ("<Esc>i", "INSERT"),
        ("<Esc>/ab", "/ab"),
    ):
        typed(vim, paper, keys)
        assert vim.status == status


def test_keys_without_a_meaning_in_vim_are_not_consumed() -> None:
    vim = Vim(Paper("one"))
    assert not vim.feed("escape")
    assert not vim.feed("f5")
    assert not vim.feed("ctrl+s")
    assert vim.feed("ctrl+r")
    assert vim.feed("q", "q")  # a letter is never text in normal mode
    vim.feed("i", "i")
    assert not vim.feed("a", "a")
    assert not vim.feed("enter", "\r")


@settings(max_examples=300, derandomize=True)
@given(
    st.text("ab -.\n番🐈", max_size=30),
    st.lists(st.sampled_from([*"hjklwbe0$^GgxdcypPiaoOAIDCuvVnN/{}29", "<Esc>", "<Enter>", "<C-r>"]), max_size=25),
)
def test_the_cursor_never_leaves_the_text(text: str, keys: list[str]) -> None:
    paper = Paper(text)
    vim = Vim(paper)
    typed(vim, paper, "".join(keys))
    assert 0 <= paper.place <= len(paper.text)


def test_an_insertion_is_one_undo_step_with_its_command() -> None:
    for keys in ("cwnew words<Esc>u", "C<Esc>u", "onew<Esc>u", "Inew <Esc>u", "cwa<Esc>Ab<Esc>uu", "cwa<Esc>u<C-r>u"):
        assert run("|one two\nthree", keys)[0].replace("|", "") == "one two\nthree", keys
    assert run("|one two", "cwa<Esc>Ab<Esc>u")[0].replace("|", "") == "a two"


def test_only_colon_w_saves() -> None:
    for keys, saves, text in (
        (":w<Enter>x", 1, "ne"),
        (":q<Enter>", 0, "one"),
        (":ww<BS><Enter>", 1, "one"),
        (":w<Esc>x", 0, "ne"),
    ):
        _, vim, paper = run("|one", keys)
        assert (paper.saves, paper.text, vim.mode) == (saves, text, VimMode.NORMAL), keys
    assert run("|one", "2d:w")[1].status == ":w"


async def test_the_editor_handles_vims_keys_and_shows_the_mode(place: Place) -> None:
    set_value("vim", "true")
    path = place.make(100, 100, texts={1: "One two three.\n\n番茄 🐈 end.", 2: "Second."})
    async with someone(path, size=(80, 24)) as person:
        await person.at(WritingScreen)
        await person.press("home", "enter")
        await person.sees("NORMAL")
        await person.press("w", "d", "w")
        await person.until(lambda: place.read(path)["s1"] == "One three.\n\n番茄 🐈 end.")
        await person.press("G", "w", "v")
        await person.sees("VISUAL")
        assert person.editor.selected_text == "🐈"
        await person.press("y", "A")
        await person.sees("INSERT")
        await person.type("!")
        await person.press("enter")
        await person.type("x")
        await person.press("escape", "p", "u", "u", "ctrl+r")
        assert person.editor.text.startswith("One three.\n\n番茄 🐈 end.!")
        await person.press("g", "g", "slash")
        await person.type("end")
        await person.sees("/end")
        await person.press("enter")
        assert person.editor.cursor_location == (2, 5)
        await person.press("ctrl+f")  # the app's own keys still work
        await person.sees("Replace with")
        await person.press("escape", "escape")
        assert person.rows.has_focus
        await person.press("down", "enter", "x")
        await person.until(lambda: place.read(path)["s2"] == "econd.")
        await person.press("c", "w")
        await person.type("Third, and more,")
        await person.press("enter", "backspace", "f", "escape", "u")  # one undo step
        assert person.editor.text == "econd."
        await person.press("ctrl+r")
        assert person.editor.text == "Third, and more,f."
        await person.press("i", "o", "f3", "f3", "f", "escape", "u")  # with a visit to the outline in between
        assert person.editor.text == "Third, and more,fo."
        await person.press("colon", "w")
        await person.sees(":w")
        await person.press("enter")
        await person.gets_notice("saved")
