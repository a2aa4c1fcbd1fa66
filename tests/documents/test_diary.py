"""The diary: words by day, the goal, and what happens to a damaged file."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from lwtui.documents.diary import Diary, WordCount
from lwtui.files import FileLock

TODAY = date(2026, 12, 1)


def test_words_are_added_up_by_day(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "state" / "diary.json")
    for words, back in ((100, 0), (20, 0), (-30, 0), (50, 2), (0, 1)):
        assert diary.add(words, TODAY - timedelta(back))
    assert [(day.day.day, day.words) for day in diary.days(3, TODAY)] == [(29, 50), (30, 0), (1, 90)]
    assert [day.words for day in Diary(tmp_path / "state" / "diary.json").days(1, TODAY)] == [90]


def test_a_streak_counts_days_that_reached_the_goal(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary.json")
    for back, words in enumerate((10, 500, 600, 499, 700)):
        diary.add(words, TODAY - timedelta(back))
    assert diary.streak(500, TODAY) == 2  # today is not over
    diary.add(490, TODAY)
    assert diary.streak(500, TODAY) == 3
    assert diary.streak(0, TODAY) == 0
    assert diary.streak(5000, TODAY) == 0


def test_a_document_adds_what_it_gains_while_it_is_open(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary.json")
    count = WordCount(diary, 1000)
    count.take(1010, TODAY - timedelta(1))
    count.take(1030, TODAY)
    count.take(1025, TODAY)
    assert count.session == 25
    assert [day.words for day in diary.days(2, TODAY)] == [10, 15]


def test_words_that_could_not_be_stored_are_stored_later(tmp_path: Path) -> None:
    diary = Diary(tmp_path / "diary.json")
    count = WordCount(diary, 0)
    lock = FileLock.acquire(tmp_path / "diary.json")
    count.take(10, TODAY)
    assert (count.session, diary.days(1, TODAY)[0].words) == (0, 0)
    lock.release()
    count.take(15, TODAY)
    assert (count.session, diary.days(1, TODAY)[0].words) == (15, 15)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"2026-12-01": "9"}', b'{"x": 3}', b'{"2026-12-01": true}']
)
def test_a_damaged_file_counts_as_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "diary.json").write_bytes(content)
    diary = Diary(tmp_path / "diary.json")
    assert diary.days(1, TODAY)[0].words == 0
    assert diary.add(5, TODAY)
    assert diary.days(1, TODAY)[0].words == 5
