"""The log: its contents, redaction, and what happens if it cannot be written."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from lwtui import log
from lwtui.log import add_secret, log_file, redact, start_log

KEY = "tok-0123456789abcdefVERYSECRET"
TEXT = "a sentence of the document"


@pytest.fixture(autouse=True)
def own_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use a state folder of the test's own, and restore the loggers afterwards."""
    monkeypatch.setenv("LWTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(log, "_secrets", set())
    root, ours = logging.getLogger(), logging.getLogger("lwtui")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def fail() -> None:
    try:
        raise KeyError(TEXT)
    except KeyError as error:
        raise ValueError(f"no place for {TEXT!r}") from error


def logged_failure(level: str) -> str:
    start_log(level)
    try:
        fail()
    except ValueError as error:
        logging.getLogger("lwtui.somewhere").error("it failed", exc_info=error)
    return log_file().read_text(encoding="utf-8")


def test_tracebacks_are_logged_without_exception_messages() -> None:
    written = logged_failure("warning")
    assert "ERROR lwtui.somewhere: it failed" in written
    assert "in fail" in written and "builtins.KeyError" in written and "builtins.ValueError" in written
    assert written.index("KeyError") < written.index("which led to") < written.rindex("ValueError")
    assert TEXT not in written


def test_at_debug_exception_messages_are_logged() -> None:
    assert written_with_messages(logged_failure("debug"))


def written_with_messages(written: str) -> bool:
    return f"no place for {TEXT!r}" in written and "KeyError" in written


def test_an_exception_that_caused_itself_is_logged_once() -> None:
    start_log()
    error = ValueError("x")
    error.__cause__ = error
    logging.getLogger("lwtui").error("odd", exc_info=(ValueError, error, None))
    assert log_file().read_text().count("builtins.ValueError") == 1


def test_without_records_there_is_no_file() -> None:
    start_log()
    logging.getLogger("lwtui").info("not at this level")
    assert not log_file().exists()


def test_only_lwtui_is_logged_at_debug() -> None:
    start_log("debug")
    logging.getLogger("lwtui.app").debug("ours")
    logging.getLogger("httpx2").info("theirs")
    written = log_file().read_text()
    assert "ours" in written and "theirs" not in written


@pytest.mark.parametrize("level", ["debug", "warning"])
def test_keys_are_redacted(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "value-of-a-variable")
    add_secret(KEY)
    start_log(level)
    try:
        raise ValueError(f"{KEY} and value-of-a-variable and sk-abcdef123456")
    except ValueError as error:
        logging.getLogger("lwtui").error("with %s", KEY, exc_info=error)
    written = log_file().read_text()
    for secret in (KEY, "value-of-a-variable", "sk-abcdef"):
        assert secret not in written
    assert "[key]" in written


def test_a_short_value_is_not_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "on")
    add_secret("a")
    assert redact("a token is on") == "a token is on"


def test_an_unwritable_log_is_ignored(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    start_log()
    logging.getLogger("lwtui").error("lost")
    assert capfd.readouterr() == ("", "")


def test_the_log_is_rotated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_MAX_BYTES", 2000)
    start_log()
    for number in range(400):
        logging.getLogger("lwtui").error("line %d", number)
    files = sorted(log_file().parent.iterdir())
    assert len(files) == 4 and all(file.stat().st_size <= 2000 for file in files)
    assert "line 399" in log_file().read_text()


def test_starting_the_log_twice_writes_records_once() -> None:
    start_log()
    start_log("info")
    logging.getLogger("lwtui").info("once")
    assert log_file().read_text().count("once") == 1
