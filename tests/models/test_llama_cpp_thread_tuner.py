"""How many threads compute a token, on machines that are quiet, busy, or change."""

from __future__ import annotations

from collections.abc import Callable

from lwtui.models.llama_cpp.thread_tuner import ThreadPace


def threads_used(pace: ThreadPace, machine: Callable[[int], float], steps: int, size: int = 1) -> list[int]:
    used = []
    for _ in range(steps):
        used.append(pace.threads)
        pace.took(machine(pace.threads), size)
    return used


def quiet(threads: int) -> float:
    return 0.04 / threads


def busy(threads: int) -> float:
    return 0.05 if threads == 1 else 0.3 * threads


def test_a_quiet_machine_uses_all_its_threads_and_tries_fewer_only_once() -> None:
    used = threads_used(ThreadPace(4), quiet, 2000)
    assert used[:6] == [4] * 6
    assert used.count(4) >= 1990


def test_a_busy_machine_uses_one_and_looks_whether_it_still_is() -> None:
    used = threads_used(ThreadPace(2), busy, 2000)
    assert used[:12] == [2] * 6 + [1] * 6
    assert used.count(1) > 1900
    assert used[100:].count(2) > 0


def test_what_changes_is_followed_both_ways() -> None:
    pace = ThreadPace(4)
    threads_used(pace, quiet, 50)
    assert threads_used(pace, busy, 200)[100:].count(1) > 80
    assert threads_used(pace, quiet, 1500)[1000:].count(4) > 480


def test_steps_of_other_sizes_are_not_compared() -> None:
    pace = ThreadPace(2)
    threads_used(pace, quiet, 50)
    used = threads_used(pace, lambda threads: 8 * quiet(threads), 100, size=8)
    assert used.count(2) >= 94


def test_one_core_has_nothing_to_choose() -> None:
    assert set(threads_used(ThreadPace(1), busy, 100)) == {1}
