"""Citation keys, and what is taken from the authors and dates that files name."""

from __future__ import annotations

from typing import Any

import pytest

from lwtui.sources.csl import clean_item, date_parts, item_from, names_of
from lwtui.sources.keys import make_key


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Ann Gray", [("Gray", "Ann")]),
        ("Gray, Ann", [("Gray", "Ann")]),
        ("Gray, A. B.", [("Gray", "A. B.")]),
        ("Ann Gray; Bo Li", [("Gray", "Ann"), ("Li", "Bo")]),
        ("Gray, Ann; Li, Bo", [("Gray", "Ann"), ("Li", "Bo")]),
        ("Ann Gray and Bo Li", [("Gray", "Ann"), ("Li", "Bo")]),
        ("Ann Gray, Bo Li, Cy Ng", [("Gray", "Ann"), ("Li", "Bo"), ("Ng", "Cy")]),
        ("Ann Gray & Bo Li", [("Gray", "Ann"), ("Li", "Bo")]),
        ("Ludwig van Beethoven", [("Beethoven", "Ludwig van")]),
        ("World Health Organization of the Hills", ["World Health Organization of the Hills"]),
        ("UNESCO", ["UNESCO"]),
        ("李明", ["李明"]),
        ("李明、王芳", ["李明", "王芳"]),
        ("ann", ["ann"]),
        ("", []),
        (" ; , ", []),
    ],
)
def test_authors_are_divided(author: str, names: list[Any]) -> None:
    wanted = [{"literal": name} if isinstance(name, str) else {"family": name[0], "given": name[1]} for name in names]
    assert names_of(author) == wanted


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("2020", [2020]),
        ("2020-03-04", [2020, 3, 4]),
        ("2020-03-04T10:11:12Z", [2020, 3, 4]),
        ("D:20200304101112+01'00'", [2020, 3, 4]),
        ("20200304", [2020, 3, 4]),
        ("March 4, 2020", [2020]),
        ("4 March 1999", [1999]),
        ("2020/3", [2020, 3]),
        ("2020-13-40", [2020]),
        ("2020年3月", [2020]),
        ("1970-01-01T00:00:00Z", []),
        ("yesterday", []),
        ("", []),
        ("123456", []),
    ],
)
def test_dates_are_read_as_far_as_they_go(text: str, parts: list[int]) -> None:
    assert date_parts(text) == parts


@pytest.mark.parametrize(
    ("author", "year", "title", "wanted", "key"),
    [
        ("Ann Gray", "2020", "Tea", "", "gray2020"),
        ("Åsa Öberg", "2020", "", "", "oberg2020"),
        ("Jan Łoś", "", "", "", "los"),
        ("Groß, Ilse", "1999", "", "", "gross1999"),
        ("World Tea Organization", "2001", "", "", "organization2001"),
        ("UNESCO", "2001", "", "", "unesco2001"),
        ("李明", "2001", "茶叶", "", "source2001"),
        ("", "2001", "The Tea of the Hills", "", "tea2001"),
        ("", "", "The Tea of the Hills", "", "tea-hills"),
        ("", "", "茶叶", "", "source-1"),
        ("", "", "", "", "source-1"),
        ("Ann Gray", "2020", "Tea", "Smith:2019_x", "smith-2019-x"),
        ("Ann Gray", "2020", "Tea", "李2019", "2019"),
        ("Ann Gray", "2020", "Tea", "…", "gray2020"),
        ("x" * 300, "2020", "", "", "x" * 24 + "2020"),
    ],
)
def test_keys_come_from_author_year_and_title(author: str, year: str, title: str, wanted: str, key: str) -> None:
    assert make_key(item_from("book", author=author, issued=year, title=title), wanted, ()) == key


def test_keys_are_unique() -> None:
    item = item_from("book", author="Ann Gray", issued="2020")
    taken: list[str] = []
    for _ in range(30):
        taken.append(make_key(item, "", taken))
    assert len(set(taken)) == 30 and taken[:3] == ["gray2020", "gray2020b", "gray2020c"]
    assert make_key({}, "tea", ["tea", "tea-2"]) == "tea-3"
    assert make_key({}, "", ["source-1"]) == "source-2"


@pytest.mark.parametrize(
    ("given", "item"),
    [
        (3, {}),
        ({"title": "Tea\x1b[31m\nof old", "evil": 1, "volume": 3}, {"title": "Tea of old", "volume": "3"}),
        ({"title": ["x"], "author": "Gray", "issued": "2020"}, {}),
        ({"author": [{"family": "Gray"}, {}, {"suffix": "Jr"}, 3]}, {"author": [{"family": "Gray"}]}),
        ({"issued": {"date-parts": [["2020", "3"], [2021, 14]]}}, {"issued": {"date-parts": [[2020, 3], [2021]]}}),
        ({"issued": {"raw": "May 2020"}}, {"issued": {"date-parts": [[2020]]}}),
        ({"issued": {"literal": "in spring"}}, {"issued": {"literal": "in spring"}}),
        ({"issued": {"date-parts": [[float("inf")], []]}}, {}),
        ({"title": "x" * 9_000}, {"title": "x" * 2_000}),
    ],
)
def test_an_item_holds_what_is_known_and_well_formed(given: object, item: dict[str, Any]) -> None:
    assert clean_item(given) == item
