"""The date that a sentence names, in several languages and as exact as the text has it."""

from __future__ import annotations

import pytest

from lwtui.text.dates import NamedDate, find_date


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada was born in Turin in 1901.", "1901"),
        ("It opened on 3 May 1901.", "1901-05-03"),
        ("It opened on May 3rd, 1901, in rain.", "1901-05-03"),
        ("From September 1939 on, it was closed.", "1939-09"),
        ("Signed 2024-02-29.", "2024-02-29"),
        ("Am 12. März 1848 begann es.", "1848-03-12"),
        ("Am 12.03.1848 begann es.", "1848-03-12"),
        ("Le 14 juillet 1789, la Bastille tombe.", "1789-07-14"),
        ("El 2 de mayo de 1808 hubo un levantamiento.", "1808-05-02"),
        ("Il 25 aprile 1945 finì.", "1945-04-25"),
        ("Она родилась 9 мая 1945 года.", "1945-05-09"),
        ("她生于1901年5月3日。", "1901-05-03"),
        ("一九四九年成立。", "1949"),
        ("二〇〇八年，北京举办了奥运会。", "2008"),
        ("二零零八年", "2008"),
        ("二○○八年", "2008"),
        ("２００８年", "2008"),
        ("公元前221年，秦统一六国。", "221 BCE"),
        ("Caesar fell in 44 BC.", "44 BCE"),
        ("The mill is from the 12th century.", "1100s"),
        ("Die Mühle ist aus dem 12. Jahrhundert.", "1100s"),
        ("19世纪的建筑。", "1800s"),
        ("In the summer of 1914 they met; by 3 August 1914 it was over.", "1914-08-03"),
        ("The town has 1900 inhabitants.", None),
        ("He paid 1,901 lire for it.", None),
        ("In 12.5 percent of cases it fails.", None),
        ("It is 1500.5 metres high.", None),
        ("The march lasted 1000 days.", None),
        ("", None),
    ],
)
def test_the_date_of_a_sentence(text: str, shown: str | None) -> None:
    found = find_date(text)
    assert (str(found) if found else None) == shown


def test_a_bare_year_counts_where_a_date_is_meant() -> None:
    assert find_date("1901") is None and find_date("1901", is_date=True) == NamedDate(1901)
    assert find_date("1,901 lire", is_date=True) is None


def test_dates_are_in_the_order_of_time() -> None:
    texts = ["In 1901.", "On 3 May 1901.", "In April 1901.", "In 44 BC.", "in the 19th century"]
    ordered = sorted(date for text in texts if (date := find_date(text)))
    assert list(map(str, ordered)) == ["44 BCE", "1800s", "1901", "1901-04", "1901-05-03"]
