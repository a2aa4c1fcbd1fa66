"""Citations are found in a text, and a model's numbers become citations, however its answer is divided into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lwtui.agentwrite.stream_cleaner import StreamCleaner
from lwtui.sources.citation_cleaner import CitationCleaner
from lwtui.sources.citations import cite, find_citations
from lwtui.sources.prose import without_code
from lwtui.text import sentence_ends
from tests.sources.made import SHOWN, SOURCES


def cleaned(answer: str, step: int = 0, existing: str = "") -> tuple[str, list[str]]:
    """Return what becomes of an answer that comes in pieces of ``step`` characters, and what was dropped."""
    cleaner = CitationCleaner(SHOWN, SOURCES, existing)
    pieces = [answer[at : at + step] for at in range(0, len(answer), step)] if step else [answer]
    ready = [cleaner.add(cleaner.cut_lists(piece)) for piece in pieces]
    text = "".join([*ready, cleaner.add(cleaner.close_lists()), cleaner.close()])
    return text, list(cleaner.take_dropped())


def section_text(answer: str, step: int) -> str:
    """Return what becomes of an answer at the beginning of a section."""
    cleaner = StreamCleaner("", "History", exact=False, citations=CitationCleaner(SHOWN, SOURCES, ""))
    pieces = [answer[at : at + step] for at in range(0, len(answer), step)]
    return "".join([*map(cleaner.add, pieces), cleaner.close()])


@pytest.mark.parametrize("step", [1, 7, 500])
@pytest.mark.parametrize(
    "line", ["[2] The Tea of Li", "[1][2] Tea houses (1801)", "【2】茶馆的历史", "[2, p. 7] Tea\t"]
)
def test_a_first_line_that_is_a_passages_number_and_title_is_a_heading(line: str, step: int) -> None:
    assert section_text(f"{line}\n\nTea grew [2].", step) == "Tea grew [@li2019]."


@pytest.mark.parametrize("step", [1, 7, 500])
def test_a_sentence_that_begins_with_a_citation_stays(step: int) -> None:
    assert section_text("[2] says that tea is good.\nIt is.", step) == "[@li2019] says that tea is good.\nIt is."
    assert section_text("[2] lists\n\n- tea", step) == "[@li2019] lists\n\n- tea"
    assert section_text("[2] says so", step) == "[@li2019] says so"


@pytest.mark.parametrize("step", [0, 1, 7])
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("[2] The ferry leaves at nine. It is slow.", "The ferry leaves at nine [@li2019]. It is slow."),
        ("[1] Old Dr. Gray sold 3.5 t! So it was.", "Old Dr. Gray sold 3.5 t [@gray2020, p. 3]! So it was."),
        ("[@li2019] Tea grew.\n\n[2][1] It rained.", "Tea grew [@li2019].\n\nIt rained [@li2019; @gray2020, p. 3]."),
        ("[2] Tea grew [1]. Then", "Tea grew [@gray2020, p. 3; @li2019]. Then"),
        ("[2] Tea grew. [2] Then it rained.", "Tea grew. [@li2019] Then it rained."),
        ("[2]渡轮九点开。第二句。", "渡轮九点开[@li2019]。第二句。"),
        ("【2】 茶很好！\n[1] 茶树高三米。还有。", "茶很好[@li2019]！\n茶树高三米[@gray2020, p. 3]。还有。"),
        ("- [2] Tea grows.\n- [1] Rain falls", "- Tea grows [@li2019].\n- Rain falls [@gray2020, p. 3]"),
        ('[2] He said "go." They went.', 'He said "go." [@li2019] They went.'),
        ("[2] It has:\n- tea", "It has [@li2019]:\n- tea"),
        # A line of its own goes to the next sentence, or to nothing.
        ("Tea grew.\n\n[2]\n\nIt rained.", "Tea grew.\n\nIt rained [@li2019]."),
        ("Tea grew.\n[2]\n\nIt rained. So", "Tea grew.\n\nIt rained [@li2019]. So"),
        ("[2]\nIt rained.\n\n[1] [2]\n[2]\n", "It rained [@li2019].\n\n"),
        ("[2]\n[1]\nIt rained.", "It rained [@li2019; @gray2020, p. 3]."),
        ("Tea grew.\n\n[2]\n- tea\n\n```\n[1]\n```\n", "Tea grew.\n\n- tea\n\n```\n[1]\n```\n"),
        ("Tea grew.\n\n[2]\n| a | b |", "Tea grew.\n\n| a | b |"),
        # These stay: it is the subject of the sentence, or is no prose.
        ("[2] says that tea is good.", "[@li2019] says that tea is good."),
        ("[2]指出，茶很好。", "[@li2019]指出，茶很好。"),
        ("Tea grew. [2] It rained.", "Tea grew. [@li2019] It rained."),
        ("```\n[2] The ferry leaves.\n```\n", "```\n[2] The ferry leaves.\n```\n"),
        (f"[2] The {'long ' * 300}sentence. End.", f"[@li2019] The {'long ' * 300}sentence. End."),
    ],
)
def test_a_citation_that_begins_a_paragraph_goes_to_the_end_of_its_sentence(answer: str, text: str, step: int) -> None:
    assert cleaned(answer, step)[0] == text


def test_a_list_of_references_keeps_the_citations_that_begin_its_lines() -> None:
    cleaner = CitationCleaner(SHOWN, SOURCES, keep_lists=True)
    assert cleaner.add("[2] The Tea of Li. Quay Press.\n") + cleaner.close() == "[@li2019] The Tea of Li. Quay Press.\n"


def test_a_citation_that_begins_a_continuation_belongs_to_the_text_before_it() -> None:
    assert cleaned("[2] It rained.", existing="Tea grew. ")[0] == "[@li2019] It rained."
    assert cleaned("[2] It rained.", existing="Tea grew.\n\n")[0] == "It rained [@li2019]."


@pytest.mark.parametrize("step", [0, 1, 7])
def test_a_passage_that_is_copied_with_its_number_and_title_is_text(step: int) -> None:
    titles = ["Tea (1801) of Li", "On gray2020"]
    answer = (
        "[1] (On gray2020, p. 3) Tea was grown in 1801.\n\n[2] (tea (1801) of li) It was sold at p. 4 [2].\n\n"
        f"[3] (On gray2020, pp. 5-6) {'It rained in 1802. ' * 30}\n[1] (Another work, p. 3) Tea in 1803."
    )
    answer = f"On gray2020, p. 3: Tea came.\n\n**Tea (1801) of Li:** Tea went.\nOn gray2020 it says so.\n\n{answer}"
    cleaner = CitationCleaner(SHOWN, SOURCES, titles=titles)
    pieces = [answer[at : at + step] for at in range(0, len(answer), step)] if step else [answer]
    text = "".join([*map(cleaner.cut_lists, pieces), cleaner.close_lists()])
    assert text == (
        "Tea came.\n\nTea went.\nOn gray2020 it says so.\n\n"
        f"Tea was grown in 1801.\n\nIt was sold at p. 4 [2].\n\n{'It rained in 1802. ' * 30}\n"
    )
    assert cleaner.take_dropped() == ("[1] (Another work, p. 3) Tea in 1803.",)


CITED = [
    ("Tea grew [1]. Then [2, 3] more.", "Tea grew [@gray2020, p. 3]. Then [@li2019; @gray2020, p. 5] more."),
    ("Tea grew[1].", "Tea grew [@gray2020, p. 3]."),
    ("Tea grew.[1] Then", "Tea grew. [@gray2020, p. 3] Then"),
    ("Tea [1-3]. Tea [1], [2].", "Tea [@gray2020, pp. 3, 5; @li2019]. Tea [@gray2020, p. 3; @li2019]."),
    ("Tea [1][3], [2;3] and [2 and 3].", "Tea [@gray2020, pp. 3, 5; @li2019] and [@li2019; @gray2020, p. 5]."),
    ("茶叶很好[2]。还有【2†source】和［２］。", "茶叶很好[@li2019]。还有[@li2019]和[@li2019]。"),
    ("A [^2], b (passage 2), c [Passage 2] d (see source 2).", "A [@li2019], b [@li2019], c [@li2019] d [@li2019]."),
    ("As ([2]) shows [2, p. 7].", "As [@li2019] shows [@li2019]."),
    ("[2] says that tea is good.", "[@li2019] says that tea is good."),
    ("| tea | 12 [2] |", "| tea | 12 [@li2019] |"),
    ("It costs $5 and [2] here, `code` too [2]", "It costs $5 and [@li2019] here, `code` too [@li2019]"),
    ("Tea (Gray, 2020, p. 9) and (Gray 2020), 茶（李，2019）。", "Tea [@gray2020] and [@gray2020], 茶[@li2019]。"),
    ("Tea [gray2020] and [@gray2020, p. 3].", "Tea [@gray2020] and [@gray2020, p. 3]."),
    ("Tea [2]—and [2]; also [2]: yes", "Tea [@li2019]—and [@li2019]; also [@li2019]: yes"),
]
KEPT = [
    "`a[1]`, ``b[2]``, a[1] = 2, arr_x[1], x2[1], list[0].append(2), i[1] += 3",
    "See [1](https://tea.example), [text][1], ![1] and \\[1\\].",
    "$x[1]$ and $$y_{[2]}$$ and \\(z[3]\\)",
    "```python\nrow = a[1]\n```\nand\n\n~~~\nb[2]\n~~~\n",
    "$$\na[1]\n$$\nand\n\n\\[\nb[2]\n\\]\n",
    "[1998] stays, as [sic], [x] and [Editor's note] do.",
    "- [ ] buy tea\n- [x] drink tea",
    "The fire (London, 1851), the war (May, 1854), the fair (Paris 1889), 1,200 (of 3) and (a).",
    "See https://tea.example/a[1] and b.",
    "## Sources\n\nThe Nile rises in the south, and its sources are many.",
    "References to tea are many.\n\nNotes on tea are few.",
]
DROPPED = [
    ("Nothing [7]. And [0], [12].", "Nothing. And.", ["[7]", "[0]", "[12]"]),
    ("Tea [1][9] and [2,8].", "Tea [@gray2020, p. 3] and [@li2019].", ["[9]", "[8]"]),
    (
        "Tea ([9]) is [@foo2020] good [@li2019; @bar, p. 3].",
        "Tea is good [@li2019].",
        ["[9]", "@foo2020", "@bar, p. 3"],
    ),
    ("Tea (Smith et al., 2019) and [Jones, 2001].", "Tea and.", ["(Smith et al., 2019)", "[Jones, 2001]"]),
    ("Tea (Smith, 2019) grew, 茶（张伟等，2019）。", "Tea grew, 茶。", ["(Smith, 2019)", "（张伟等，2019）"]),
    ("Tea [citation needed].", "Tea.", ["[citation needed]"]),
    ("[9] And tea.\n[8] Or", "And tea.\nOr", ["[9]", "[8]"]),
]
LISTS = [
    "## References\n\n1. Smith, J. (2020). Tea.\n2. Gray.",
    "参考文献\n[1] 张三. 茶. 2019.\n[2] 李四. 茶2.",
    "**参考资料：**\n- 《茶经》，陆羽\n",
    "[^1]: Smith, On tea.\n[^2]: Gray.\n",
    "**Sources:** [1], [2]",
    "Works Cited\n\nSmith, John. *Tea*. Press, 2001.\nGray, A. Tea. 2020.\n",
    "### Quellen\n- [1] Gray\n- [2] Li\n",
    "Literaturverzeichnis:\n\n* Müller, H.: Tee. Berlin 1999.\n  Zweite Auflage.\n\n* Gray.\n",
    "REFERENCES\n----------\n(1) Smith\n(2) Gray",
    "[1] Smith, J. (2020). Tea. Press.\n\n[2] Gray, A. (2020). The tea trade.",
    "---\n\n**References**\n\n1. Gray",
    "Bibliographie\n\n– Dupont, Le thé, Paris, 1998.",
]


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize(("answer", "text"), CITED)
def test_numbers_become_citations(answer: str, text: str, step: int) -> None:
    assert cleaned(answer, step) == (text, [])


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize("answer", KEPT)
def test_what_is_no_citation_stays(answer: str, step: int) -> None:
    assert cleaned(answer, step) == (answer, [])


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize(("answer", "text", "dropped"), DROPPED)
def test_what_stands_for_nothing_is_dropped(answer: str, text: str, dropped: list[str], step: int) -> None:
    assert cleaned(answer, step) == (text, dropped)


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize("listed", LISTS)
def test_a_list_of_references_is_cut(listed: str, step: int) -> None:
    text, dropped = cleaned(f"Tea is good [2].\n\n{listed}", step)
    assert text.rstrip() == "Tea is good [@li2019]."
    assert dropped


@pytest.mark.parametrize("step", [0, 1])
def test_text_after_a_list_of_references_stays(step: int) -> None:
    answer = "## References\n\n- Smith, 2019\n- Gray\n\n### Next\n\nTea [2] is good."
    assert cleaned(answer, step)[0] == "### Next\n\nTea [@li2019] is good."


def test_an_answer_goes_on_within_code() -> None:
    assert cleaned("b[2]\n```\nSo [2]", existing="```\na[1]\n")[0] == "b[2]\n```\nSo [@li2019]"


@given(st.text(alphabet="ab [](){}@$`\\#12,;.-\n:*茶参考文献2019Smith", max_size=60), st.integers(1, 9))
def test_the_pieces_make_no_difference(answer: str, step: int) -> None:
    assert cleaned(answer, step) == cleaned(answer)


@given(st.text(alphabet="ab [](){}@$`\\#12,;.-\n:*茶", max_size=60))
def test_no_citation_of_an_unknown_source_is_left(answer: str) -> None:
    assert {citation.key for citation in find_citations(cleaned(answer)[0])} <= set(SOURCES)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Tea [@a].", [("a", "", "@a")]),
        (
            "Tea [see @a, p. 12; also @b-c2, pp. 3-5].",
            [("a", "p. 12", "see @a, p. 12"), ("b-c2", "pp. 3-5", "also @b-c2, pp. 3-5")],
        ),
        ("Gray [-@a, ch. 2] says", [("a", "ch. 2", "-@a, ch. 2")]),
        ("Tea [@a;@b].", [("a", "", "@a"), ("b", "", "@b")]),
        ("`[@a]` and $[@a]$ and \\[@a] and [@a](b)", []),
        ("```\n[@a]\n```\n\n    [@a]\n\nx", []),
        ("mail me@a.b or [me@a.b]", []),
        ("- item\n\n    [@a] goes on", [("a", "", "@a")]),
    ],
)
def test_citations_are_found(text: str, found: list[tuple[str, str, str]]) -> None:
    citations = find_citations(text)
    assert [(c.key, c.locator, text[c.start : c.end]) for c in citations] == found
    assert all(text[c.group[0]] == "[" and text[c.group[1] - 1] == "]" for c in citations)


def test_without_brackets_only_known_keys_are_citations() -> None:
    assert [c.key for c in find_citations("As @gray2020 says to @alice.", {"gray2020"})] == ["gray2020"]
    assert find_citations("As @gray2020 says.") == []


@pytest.mark.parametrize(
    ("locator", "pages"), [("p. 12", (12,)), ("pp. 3-5, 9", (3, 4, 5, 9)), ("第12页", (12,)), ("ch. 2", ()), ("", ())]
)
def test_a_locator_names_pages(locator: str, pages: tuple[int, ...]) -> None:
    (citation,) = find_citations(f"[@a, {locator}]")
    assert citation.pages == pages


def test_passages_are_cited_by_source_and_page() -> None:
    assert cite(SHOWN) == "[@gray2020, pp. 3, 5; @li2019]"
    assert cite([]) == ""


def test_code_is_blanked_out_in_place() -> None:
    text = "a `b` $c$ d\n\n    code\n    more\n\n```\ne\n```\nf $5 or $6"
    prose = without_code(text)
    assert len(prose) == len(text)
    assert prose.split() == ["a", "d", "f", "$5", "or", "$6"]


def test_a_citation_after_the_full_stop_belongs_to_the_sentence() -> None:
    text = "Tea grew. [@a, p. 3] Then it fell.[see @b] And rose."
    assert [text[:end][-3:] for end in sentence_ends(text)] == [" 3]", "@b]", "se."]
