"""Processes with local models compute by turns."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import sleep

import pytest

from lwtui.models.llama_cpp import turns
from lwtui.models.llama_cpp.turns import Turns, shared_turns


def never() -> bool:
    return False


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        sleep(0.005)
    raise AssertionError("it did not come")


def is_locked(path: Path) -> bool:
    """Return whether somebody holds the lock."""
    code = "import sys; from lwtui.system import *; lock_descriptor(open_lock_file(sys.argv[1]))"
    return subprocess.run([sys.executable, "-c", code, path], stderr=subprocess.DEVNULL, check=False).returncode != 0


def test_who_waits_goes_before_who_has_just_had_a_turn(tmp_path: Path) -> None:
    ours, others = Turns(tmp_path), Turns(tmp_path)
    order: list[str] = []

    def other() -> None:
        with others.turn(never):
            order.append("other")

    with ours.turn(never):
        order.append("ours")
        thread = threading.Thread(target=other)
        thread.start()
        wait_until(lambda: is_locked(tmp_path / "next.lock"))
        assert order == ["ours"]
    with ours.turn(never):
        order.append("ours")
    thread.join()
    assert order == ["ours", "other", "ours"]


def test_no_two_have_a_turn_at_once(tmp_path: Path) -> None:
    inside, most, turns_taken = 0, 0, 0

    def work(own: Turns) -> None:
        nonlocal inside, most, turns_taken
        for _ in range(30):
            with own.turn(never) as is_on:
                assert is_on
                inside += 1
                most = max(most, inside)
                sleep(0.0005)
                inside -= 1
                turns_taken += 1

    threads = [threading.Thread(target=work, args=(Turns(tmp_path),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, turns_taken) == (1, 90)


def test_a_wait_can_be_stopped(tmp_path: Path) -> None:
    ours, others = Turns(tmp_path), Turns(tmp_path)
    with others.turn(never), ours.turn(lambda: True) as is_on:
        assert not is_on
    with ours.turn(never) as is_on:
        assert is_on


def test_the_turn_of_a_killed_process_ends(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from lwtui.models.llama_cpp.turns import Turns\n"
        "with Turns(Path(sys.argv[1])).turn(lambda: False):\n    print('on', flush=True)\n    time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"on"
        process.kill()
    with Turns(tmp_path).turn(never) as is_on:
        assert is_on


def test_a_process_that_does_not_end_its_turn_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, others = Turns(tmp_path), Turns(tmp_path)
    monkeypatch.setattr(ours, "_patience", 0.05)
    sleeps: list[float] = []
    with others.turn(never):
        with ours.turn(never) as is_on:
            assert is_on
        monkeypatch.setattr(turns, "sleep", sleeps.append)
        with ours.turn(never) as is_on:
            assert is_on
        assert sleeps == []
    with ours.turn(never), others.turn(lambda: True) as is_on:
        assert not is_on  # there are turns again


@pytest.mark.parametrize(
    ("threads", "cores", "gpu_layers", "shared"), [(2, 2, 0, True), (5, 8, 0, True), (4, 8, 0, False), (8, 8, 9, False)]
)
def test_models_with_room_beside_each_other_take_no_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, cores: int, gpu_layers: int, shared: bool
) -> None:
    monkeypatch.setattr(turns, "user_runtime_path", lambda *_, **__: tmp_path)
    assert (shared_turns(threads, cores, gpu_layers) is not None) is shared


def test_a_folder_that_cannot_be_made_means_no_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lwtui").touch()
    monkeypatch.setattr(turns, "user_runtime_path", lambda *_, **__: tmp_path / "lwtui")
    assert shared_turns(2, 2, 0) is None
