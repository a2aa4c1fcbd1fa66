"""How many threads compute a token, on machines that are idle, busy, or changing."""

from __future__ import annotations

from collections.abc import Callable

from lwtui.models.llama_cpp.thread_tuner import ThreadTuner


def threads_used(tuner: ThreadTuner, machine: Callable[[int], float], steps: int, size: int = 1) -> list[int]:
    used = []
    for _ in range(steps):
        used.append(tuner.threads)
        tuner.record(machine(tuner.threads), size)
    return used


def quiet(threads: int) -> float:
    return 0.04 / threads


def busy(threads: int) -> float:
    return 0.05 if threads == 1 else 0.3 * threads


def test_an_idle_machine_uses_all_threads_and_tries_fewer_only_once() -> None:
    used = threads_used(ThreadTuner(4), quiet, 2000)
    assert used[:6] == [4] * 6
    assert used.count(4) >= 1990


def test_a_busy_machine_uses_one_thread_and_keeps_checking() -> None:
    used = threads_used(ThreadTuner(2), busy, 2000)
    assert used[:12] == [2] * 6 + [1] * 6
    assert used.count(1) > 1900
    assert used[100:].count(2) > 0


def test_the_tuner_follows_changes_both_ways() -> None:
    tuner = ThreadTuner(4)
    threads_used(tuner, quiet, 50)
    assert threads_used(tuner, busy, 200)[100:].count(1) > 80
    assert threads_used(tuner, quiet, 1500)[1000:].count(4) > 480


def test_steps_of_different_sizes_are_not_compared() -> None:
    tuner = ThreadTuner(2)
    threads_used(tuner, quiet, 50)
    used = threads_used(tuner, lambda threads: 8 * quiet(threads), 100, size=8)
    assert used.count(2) >= 94


def test_one_core_leaves_no_choice() -> None:
    assert set(threads_used(ThreadTuner(1), busy, 100)) == {1}
