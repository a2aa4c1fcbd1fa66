"""Decoding bytes to text, and stop strings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lwtui.models.llama_cpp.output import OutputDecoder


def run(pieces: list[bytes], stop: tuple[str, ...] = ()) -> tuple[str, bool]:
    out = OutputDecoder(stop)
    text = ""
    for piece in pieces:
        text += out.add(piece)
        if out.stopped:
            return text, True
    return text + out.close(), out.stopped


def cut(data: bytes, places: list[int]) -> list[bytes]:
    places = sorted(place % (len(data) + 1) for place in places)
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def test_a_character_split_across_tokens_comes_whole() -> None:
    data = "é 你 🍅".encode()
    out = OutputDecoder()
    assert [out.add(bytes([byte])) for byte in data][:2] == ["", "é"]
    assert run([bytes([byte]) for byte in data]) == ("é 你 🍅", False)


def test_invalid_utf8_becomes_a_replacement_character() -> None:
    assert run([b"a\xff", b"b"]) == ("a\ufffdb", False)
    assert run([b"cut \xe4\xbd"]) == ("cut \ufffd", False)


def test_text_is_held_back_only_if_it_may_begin_a_stop_string() -> None:
    out = OutputDecoder(("\n\n#", "END"))
    assert out.add(b"one\n") == "one"
    assert out.add(b"two E") == "\ntwo "
    assert out.add(b"NOUGH") == "ENOUGH"
    assert not out.stopped


def test_a_stop_string_across_pieces_ends_the_text_and_is_not_part_of_it() -> None:
    assert run([b"text\n", b"\n", b"# next"], ("\n\n#",)) == ("text", True)


def test_the_earliest_of_several_stop_strings_counts() -> None:
    assert run([b"a STOP b END c"], ("END", "STOP")) == ("a ", True)


def test_a_partial_stop_string_is_released_at_the_end() -> None:
    assert run([b"text\n\n"], ("\n\n#",)) == ("text\n\n", False)


def test_an_empty_stop_string_stops_nothing() -> None:
    assert run([b"text"], ("",)) == ("text", False)


@given(st.text(max_size=30), st.lists(st.integers(min_value=0), max_size=6))
def test_text_does_not_depend_on_how_it_is_cut(text: str, places: list[int]) -> None:
    data = text.encode("utf-8", "replace")
    assert run(cut(data, places)) == (data.decode(), False)


@given(
    st.text(alphabet="ab\n#é", max_size=30),
    st.lists(st.text(alphabet="ab\n#é", min_size=1, max_size=4), max_size=3),
    st.lists(st.integers(min_value=0), max_size=8),
)
def test_a_stop_string_is_found_as_soon_as_it_is_complete(text: str, stop: list[str], places: list[int]) -> None:
    result, stopped = run(cut(text.encode(), places), tuple(stop))
    assert stopped == any(each in text for each in stop)
    if stopped:
        assert text.startswith(result)
        assert any(text[len(result) :].startswith(each) for each in stop)
        assert not any(each in result for each in stop)
    else:
        assert result == text
