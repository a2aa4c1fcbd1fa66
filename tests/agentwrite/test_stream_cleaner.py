"""Answers become clean text that joins the existing text, however they are divided into pieces."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lwtui.agentwrite.stream_cleaner import StreamCleaner, heading_key

STANDS = "The dog sat on the wide mat. It slept well until noon."


def cleaned(
    answer: str | Iterable[str],
    existing: str = "",
    title: str = "Good Soil",
    *,
    exact: bool = False,
    plain: bool = False,
) -> str:
    """Return the text that is appended to ``existing``."""
    cleaner = StreamCleaner(existing, title, exact=exact, plain=plain)
    return "".join([*map(cleaner.add, [answer] if isinstance(answer, str) else answer), cleaner.close()])


# ---- plain prose ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "prose"),
    [
        (
            "Do this:\n\n1. **Pack:** take two pairs of warm socks.\n2. Then buy a good map of it.\n\nGo.",
            "Do this:\n\nPack: take two pairs of warm socks.\nThen buy a good map of it.\n\nGo.",
        ),
        ("要做的事：\n1、带上两双厚羊毛袜。\n2、地图。", "要做的事：\n带上两双厚羊毛袜。\n地图。"),
        ("Bring:\n* socks\n* a good map of the whole island", "Bring:\n* socks\n* a good map of the whole island"),
        (
            "It was:\n12. Mai 1945 war der letzte Tag davon.",
            "It was:\n12. Mai 1945 war der letzte Tag davon.",
        ),
        ("Il dit :\n- Tu viens avec nous ce soir au port ?", "Il dit :\n- Tu viens avec nous ce soir au port ?"),
        (
            "Do:\n- **Pack** two pairs of warm socks.\n    - and a hat\n- **Go** there.",
            "Do:\nPack two pairs of warm socks.\n    - and a hat\nGo there.",
        ),
        ("### Things\n\nBring socks.", "Bring socks."),
        (
            "It blows.\n\n### 1. Storms\n\n- **Stay in:** nobody sails in such a sea.\n- **Wait** for calm."
            "\n\n### Rain\n\nIt rains.",
            "It blows.\n\nStorms:\nStay in: nobody sails in such a sea.\nWait for calm.\n\nIt rains.",
        ),
        ("先看天气。\n\n**雷暴**\n\n- 进屋", "先看天气。\n\n雷暴：\n- 进屋"),
        ("He came in.\n- Good day, he said.\n3. Mai war es.", "He came in.\n- Good day, he said.\n3. Mai war es."),
        ("It fell to:\n-5 degrees, *cold*.", "It fell to:\n-5 degrees, *cold*."),
        ("Run:\n```\n- a\n```", "Run:\n```\n- a\n```"),
    ],
)
def test_plain_prose_has_no_headings_no_bold_and_no_marks_of_lists(answer: str, prose: str) -> None:
    assert cleaned(answer, plain=True) == prose
    assert cleaned(list(answer), plain=True) == prose
    assert cleaned(answer, plain=False) == answer


# ---- headings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "heading",
    [
        "## Good Soil",
        "# Good Soil",
        "### Good Soil",
        "## Some Other Heading",
        "**Good Soil**",
        "**Good soil:**",
        "**Another**",
        "Good Soil",
        "good soil:",
        "3. Good Soil",
        "“Good Soil”",
    ],
)
def test_a_repeated_section_heading_is_removed(heading: str) -> None:
    assert cleaned(f"{heading}\n\nIt holds water.") == "It holds water."
    assert cleaned(f"\n\n  {heading}\nIt holds water.") == "It holds water."


@pytest.mark.parametrize(
    "label", ["Good Soil: ", "Good soil： ", "**Good Soil:** ", "**Good Soil**: ", "3. Good Soil: "]
)
def test_a_section_heading_before_the_first_sentence_is_removed(label: str) -> None:
    answer = f"{label}It holds water: a lot."
    assert cleaned(answer) == cleaned(list(answer)) == "It holds water: a lot."


@pytest.mark.parametrize("line", ["Introduction", "Overview:", "结论", "Introduction to refugee problems in Sudan"])
def test_a_heading_for_any_text_or_a_part_of_one_is_no_prose(line: str) -> None:
    others = frozenset({heading_key("Introduction to refugee problems in Sudan and South Sudan")})
    answer = f"{line}\n\n refugees flee."
    for step in (1, 7, 500):
        cleaner = StreamCleaner("", "Policy", exact=False, plain=True, others=others)
        pieces = [answer[at : at + step] for at in range(0, len(answer), step)]
        assert "".join([*map(cleaner.add, pieces), cleaner.close()]) == "refugees flee."


@pytest.mark.parametrize("line", ["Finding a Suitable Partner", "A Suitable Partner", "**A Suitable Partner**"])
def test_a_first_line_that_is_part_of_the_heading_is_no_prose(line: str) -> None:
    title, answer = "The Process of Finding a Suitable Partner", f"{line}\n\nIt takes time."
    for step in (1, 7, 500):
        cleaner = StreamCleaner("", title, exact=False, plain=True)
        pieces = [answer[at : at + step] for at in range(0, len(answer), step)]
        assert "".join([*map(cleaner.add, pieces), cleaner.close()]) == "It takes time."


@pytest.mark.parametrize("step", [1, 2, 500])
def test_a_rule_before_any_text_is_removed(step: int) -> None:
    answer = "---\n\nIt rained.\n\n---\n\n- and it snowed."
    cleaner = StreamCleaner("", "Weather", exact=False, plain=True)
    pieces = [answer[at : at + step] for at in range(0, len(answer), step)]
    assert "".join([*map(cleaner.add, pieces), cleaner.close()]) == "It rained.\n\n---\n\n- and it snowed."


@pytest.mark.parametrize(
    ("title", "answer"),
    [
        ("Opening: Dear Hiring Manager", "Dear Hiring Manager,\n\nI write to you."),
        ("Greeting: Ladies and Gentlemen", "Ladies and gentlemen,\n\nwelcome."),
        ("开场白：尊敬的各位领导、各位来宾、各位同事", "尊敬的各位领导、各位来宾、各位同事：\n\n大家好。"),
        ("Anna asks: Where were you then?", "“Where were you then?”\n\nHe said nothing."),
        ("Diary Entry for Monday, 3 March 2024", "Monday, 3 March 2024\n\nIt rained."),
        ("Why Once Upon a Time Works", "Once upon a time\nthere was a king."),
    ],
)
def test_a_first_line_that_is_no_heading_stays_though_the_heading_has_it(title: str, answer: str) -> None:
    for step in (1, 7, 500):
        cleaner = StreamCleaner("", title, exact=False, plain=True)
        pieces = [answer[at : at + step] for at in range(0, len(answer), step)]
        assert "".join([*map(cleaner.add, pieces), cleaner.close()]) == answer


@pytest.mark.parametrize("line", ["Introductions are hard", "Dear Sir or Madam,", "Introduction", "Policy on"])
def test_a_first_line_that_says_something_stays(line: str) -> None:
    plain = line != "Introduction"
    cleaner = StreamCleaner("", "Policy on water", exact=False, plain=plain)
    assert (cleaner.add(f"{line}\n\nText.") + cleaner.close()).startswith(line)


def test_a_chinese_section_heading_before_the_first_sentence_is_removed() -> None:
    assert cleaned("好的土壤：它能保水。", title="好的土壤") == "它能保水。"
    assert cleaned("好的土壤是这样的：它能保水。", title="好的土壤") == "好的土壤是这样的：它能保水。"


@pytest.mark.parametrize(
    "answer",
    [
        "Good soil: it holds water.",
        "Good soil:",
        "Good soil is this: It holds water.",
        "Good soil is dark.\nIt holds water.",
        "### What it is\n\nIt holds water.",
        "*Good* soil holds water.",
        "**Good** soil holds water.\n\nMore.",
        "- one\n- two",
        "Good Soil",
        "12 kinds of soil hold water.",
    ],
)
def test_other_beginnings_stay(answer: str) -> None:
    assert cleaned(answer) == answer


def test_headings_on_section_level_move_one_level_down() -> None:
    answer = "Text.\n# One\n## Two\n### Three\n#### Four\n  ## Five\n#hash and C# stay\n    # code stays"
    expected = "Text.\n### One\n### Two\n### Three\n#### Four\n### Five\n#hash and C# stay\n    # code stays"
    assert cleaned(answer) == expected


def test_code_blocks_have_no_headings() -> None:
    answer = "Text.\n```sh\n# install it\nmake\n```\n# One\n~~~\n## two\n~~~\n## Three"
    assert cleaned(answer) == "Text.\n```sh\n# install it\nmake\n```\n### One\n~~~\n## two\n~~~\n### Three"
    assert cleaned("# run it\n```\n# One", "Text.\n```sh\n# install it\n", exact=True) == "# run it\n```\n### One"


def test_a_hash_within_a_line_is_no_heading() -> None:
    assert cleaned(["It is called C", "# by most", "\n", "#", " Heading"]) == "It is called C# by most\n### Heading"


# ---- continuing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("existing", "answer", "together"),
    [
        ("It rained.", "Then it stopped.", "It rained. Then it stopped."),
        ("It rained. ", "Then it stopped.", "It rained. Then it stopped."),
        ("It rained.\n\n", "\n\nThen it stopped.", "It rained.\n\nThen it stopped."),
        ("It rained and", "it stopped.", "It rained and it stopped."),
        ("It rained", ", then it stopped.", "It rained, then it stopped."),
        ("It rained.", "“Stop!”", "It rained. “Stop!”"),
        ("It rained.", "(It stopped.)", "It rained. (It stopped.)"),
        ("It rained.", "- one\n- two", "It rained.\n\n- one\n- two"),
        ("It rained.", "1. one", "It rained.\n\n1. one"),
        ("It rained.", "### More\n\nIt stopped.", "It rained.\n\n### More\n\nIt stopped."),
        ("It rained.", "1984 was dry.", "It rained. 1984 was dry."),
        ("雨下了。", "后来停了。", "雨下了。后来停了。"),
        ("雨下了", "后来停了。", "雨下了后来停了。"),
        ("It rained.", "## Good Soil\n\nIt stopped.", "It rained. It stopped."),
    ],
)
def test_an_answer_joins_the_existing_text(existing: str, answer: str, together: str) -> None:
    assert existing + cleaned(answer, existing) == together
    assert existing + cleaned(list(answer), existing) == together


@pytest.mark.parametrize(
    "restated", ["It slept well until noon.", STANDS, "mat. It slept well until noon.", "until noon."]
)
def test_repeated_last_words_are_dropped(restated: str) -> None:
    together = f"{STANDS} Then it woke."
    for existing in (STANDS, f"{STANDS} ", f"{STANDS}\n\n"):
        for answer in (f"{restated} Then it woke.", f"\n{restated}\n\nThen it woke."):
            for pieces in ([answer], list(answer)):
                assert " ".join((existing + cleaned(pieces, existing)).split()) == (
                    together if len(restated) >= 12 else f"{STANDS} {restated} Then it woke."
                )


def test_a_whole_paragraph_may_be_restated() -> None:
    existing = " ".join(f"Sentence number {index} says this and that." for index in range(30))
    restated = existing[-1100:].split(". ", 1)[1]
    assert cleaned([*f"{restated} And on."], existing) == " And on."


def test_an_answer_that_only_repeats_adds_nothing() -> None:
    assert cleaned("It slept well until noon.", STANDS) == ""


def test_partial_matches_within_words_stay() -> None:
    assert cleaned("It slept well until dusk.", STANDS) == " It slept well until dusk."
    assert cleaned("It slept well until noonday.", STANDS) == " It slept well until noonday."


def test_a_base_models_continuation_is_not_changed() -> None:
    assert cleaned([" was", " wet"], "The mat", exact=True) == " was wet"
    assert cleaned(["ting. "], "It was wet", exact=True) == "ting. "
    assert cleaned([" was"], "The mat ", exact=True) == "was"
    assert cleaned(["\n\nNext"], "The mat.\n\n", exact=True) == "Next"
    assert cleaned(["It slept well until noon. Then"], STANDS, exact=True) == "It slept well until noon. Then"


def test_a_base_model_that_begins_the_next_section_continues_this_one() -> None:
    for pieces in (["## Water\n\nPour it."], list("\n## Water\n\nPour it.")):
        assert cleaned(pieces, "The mat.\n\n", exact=True) == "Pour it."
    assert cleaned("### Part\n\nPour it.", "The mat.\n\n", exact=True) == "Pour it."
    assert cleaned("#hash\n\nPour it.", "The mat.\n\n", exact=True) == "#hash\n\nPour it."
    assert cleaned("**Note:** pour it.", "The mat.\n\n", exact=True) == "**Note:** pour it."
    assert cleaned("## Water", "The mat.\n\n", exact=True) == ""


# ---- what must not come through ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dirt", ["\x1b[31m", "\x1b]0;title\x07", "\x00", "\x07", "\u202e", "\x9b1m", "\x1bP+q\x1b\\", "\r"]
)
def test_control_characters_are_removed_however_they_are_divided(dirt: str) -> None:
    answer = f"It holds{dirt} water.{dirt}\nAnd air."
    expected = "It holds water.\nAnd air." if dirt != "\r" else "It holds\n water.\nAnd air."
    for index in range(len(answer)):
        assert cleaned([answer[:index], answer[index:]]) == expected
    assert cleaned(list(answer)) == expected


# ---- pieces -----------------------------------------------------------------------------------------------------

_MARKS = (
    "#",
    "##",
    "###",
    "**",
    "*",
    "```",
    "`",
    "-",
    "- ",
    "1",
    ".",
    "1. ",
    "~~~",
    ">",
    "|",
    "[",
    "m",
    "\x1b",
    "\x1b[31m",
)
_PROSE = ("Good", "Soil", "good soil", "It slept well", " until noon.", "mat. ", STANDS, "雨", "。")
_TEXTS = st.lists(st.sampled_from((*_MARKS, *_PROSE, " ", "\n", "\n\n", "\r")), max_size=12).map("".join)
_STANDING = ("", "\n", STANDS, f"{STANDS} ", f"{STANDS}\n\n", "Text.\n```\n# x\n", "雨下了。", "half a wo")


@given(
    answer=_TEXTS,
    existing=st.sampled_from(_STANDING),
    exact=st.booleans(),
    cuts=st.sets(st.integers(1, 60)),
)
@example(answer="It slept well until noon. Then", existing=STANDS, exact=False, cuts={25})
def test_any_division_into_pieces_gives_the_same_text(answer: str, existing: str, exact: bool, cuts: set[int]) -> None:
    whole = cleaned(answer, existing, exact=exact)
    edges = [0, *sorted(cut for cut in cuts if cut < len(answer)), len(answer)]
    pieces = [answer[a:b] for a, b in pairwise(edges)]
    assert cleaned(pieces, existing, exact=exact) == whole
    assert cleaned(list(answer), existing, exact=exact) == whole


@given(st.text(), st.text(max_size=40), st.booleans())
def test_any_text_is_cleaned(answer: str, existing: str, exact: bool) -> None:
    text = cleaned(answer, existing, exact=exact)
    assert text == cleaned(list(answer), existing, exact=exact)
    assert not any(ord(character) < 32 and character not in "\n\t" for character in text)
    assert not any(line.startswith(("# ", "## ")) for line in ("x" + text if existing else text).split("\n")[1:]) or (
        "```" in existing + text or "~~~" in existing + text
    )
