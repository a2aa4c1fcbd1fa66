"""Several machines on one shared folder: the first does the steps that are not training, the others wait and join.

Each machine keeps a heartbeat in ``RUN/machines/RANK.json``, with a reason if it fails. A machine that sees another one
fail, or fall silent, ends with one line. Times are those of the shared folder, so the machines' clocks may differ.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from time import sleep

from lwtui.errors import LwtuiError
from lwtui.files import write_atomically
from lwtui.translation import _
from lwtui_training.recipe import Recipe
from lwtui_training.steps import OtherMachine, TrainError

BEAT_SECONDS = 2.0
_SILENT_SECONDS = 120.0
_WAIT_SECONDS = 0.3
_started: dict[Path, float] = {}  # by heartbeat file: when this command began, by the clock of the shared folder


def machine_rank() -> int:
    """Return the number of this machine, from 0.

    Raises:
        TrainError: MACHINE_RANK is no number.
    """
    text = os.environ.get("MACHINE_RANK") or "0"
    if not text.isdecimal():
        raise TrainError(_("MACHINE_RANK must be a whole number from 0, not {text!r}.", text=text), code="machine-rank")
    return int(text)


def machines_folder(recipe: Recipe) -> Path:
    """Return the folder of heartbeats, and of the reports of the other machines' processes."""
    return recipe.run_folder / "machines"


@contextmanager
def taking_part(recipe: Recipe) -> Iterator[None]:
    """Tell the other machines that this one is at work, and whether it failed. With one machine, do nothing.

    Raises:
        TrainError: MACHINE_RANK does not fit the recipe.
    """
    if recipe.hardware.machines == 1:
        yield
        return
    rank = machine_rank()
    if rank >= recipe.hardware.machines:
        raise TrainError(
            _(
                "MACHINE_RANK is {rank}, but hardware.machines is {machines}. Ranks count from 0.",
                rank=rank,
                machines=recipe.hardware.machines,
            ),
            code="machine-rank",
        )
    own, ended = machines_folder(recipe) / f"{rank}.json", Event()
    own.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(own, json.dumps({"state": "working", "reason": ""}))
    _started[own] = own.stat().st_mtime

    def beat() -> None:
        while not ended.wait(BEAT_SECONDS):
            with suppress(OSError):
                os.utime(own)

    thread = Thread(target=beat, daemon=True)
    thread.start()
    state, reason = "failed", _("it was stopped")
    try:
        yield
        state, reason = "done", ""
    except LwtuiError as error:
        reason = str(error)
        raise
    finally:
        ended.set()
        thread.join()
        with suppress(OSError):
            write_atomically(own, json.dumps({"state": state, "reason": reason}))


def check_other_machines(recipe: Recipe) -> None:
    """Check that no other machine has failed since this command began.

    Raises:
        TrainError: One has; the message says which one and why.
    """
    own = machines_folder(recipe) / f"{machine_rank()}.json"
    if recipe.hardware.machines == 1 or own not in _started:
        return
    started, now = _started[own], own.stat().st_mtime
    for rank in range(recipe.hardware.machines):
        path = own.with_name(f"{rank}.json")
        if path == own:
            continue
        try:
            report, heard = json.loads(path.read_text(encoding="utf-8")), path.stat().st_mtime
        except (OSError, ValueError):
            report, heard = {"state": "missing"}, started
        if report["state"] == "failed" and heard >= started:
            raise TrainError(
                _("Machine {rank} failed: {reason}", rank=rank, reason=report["reason"]), code="other-machine"
            )
        silent = now - max(heard, started)
        if silent > _SILENT_SECONDS and report["state"] != "done":
            raise TrainError(
                _(
                    "Machine {rank} failed: nothing was heard of it for {seconds:.0f} s. "
                    "Run the command on all machines.",
                    rank=rank,
                    seconds=silent,
                ),
                code="other-machine",
            )


def other_machine(recipe: Recipe, *, joins: bool = False) -> OtherMachine | None:
    """Return what this machine does during a step of the first one, or ``None`` if it is the first one.

    Args:
        recipe: The recipe.
        joins: Whether all machines do their part of the step.
    """
    if recipe.hardware.machines == 1 or machine_rank() == 0:
        return None

    def wait() -> None:
        check_other_machines(recipe)
        sleep(_WAIT_SECONDS)

    return OtherMachine(joins, wait)
