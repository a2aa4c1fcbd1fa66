"""Machines that fail: disks that are full at any write, folders that cannot be written, clocks that jump."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from lwtui.documents.store import Document
from tests.cli.running import PLAN_JSON, TITLES, ScriptedWriter, Shell, endpoint, headings, model_options
from tests.cli.test_bad_input import unwritable
from tests.cli.test_terminal import PtyTerminal
from tests.faults import forked
from tests.faults.conftest import Tried
from tests.faults.scale import times

# Does with a document what a writing run does, while no file may become larger than so many bytes; then there is room
# again. Prints how often the disk was full, and what is in the document in the end.
ON_A_SMALL_DISK = """
import json, resource, sys
from pathlib import Path
from lwtui.documents.model import Brief, Plan, PlannedSection, Provenance, Status
from lwtui.models.usage import Usage
from lwtui.documents.store import Document
from lwtui.errors import DocumentError

def allow(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def attempt(change):
    try:
        change()
    except DocumentError as error:
        assert "\\\\n" not in str(error) and ("full" in str(error) or "Free" in str(error)), str(error)
        return 1
    return 0

def run(path, size):
    plan = Plan("Tomatoes", tuple(PlannedSection(f"Part {n}", "about it", 300, f"s{n}") for n in (1, 2, 3)))
    allow(size)
    try:
        document, full = Document.create(path, Brief("Tomatoes", 900), plan), 0
    except DocumentError as error:
        assert "full" in str(error) and "\\\\n" not in str(error), str(error)
        assert not path.exists()
        return [1, []]
    wanted = []
    for n in (1, 2, 3):
        id, text = f"s{n}", ""
        full += attempt(lambda: document.begin(id, Provenance("m"), 0))
        if document.section(id).status is not Status.WRITING:
            allow(resource.RLIM_INFINITY)  # nothing could be begun: there is room first
            document.begin(id, Provenance("m"), 0)
            allow(size)
        for piece in range(12):
            words = f"Sentence {piece} of part {n} is as long as it has to be to fill a small disk soon. " * 8
            full += attempt(lambda: document.append(id, words))
            full += attempt(document.flush)
            text += words
        full += attempt(lambda: document.finish(id, Status.DONE, Usage(1, 2)))
        wanted.append(text)
    full += attempt(lambda: document.edit("s1", wanted[0] + "By hand."))
    allow(resource.RLIM_INFINITY)
    document.close()
    with Document.open(path) as again:
        kept = [section.text for section in again.sections()]
        assert kept in (wanted, [wanted[0] + "By hand.", *wanted[1:]]), (size, [len(one) for one in kept])
        assert {section.status for section in again.sections()} == {Status.DONE}
        assert not again.read_only
    return [full, [len(one) for one in kept]]

for size in map(int, sys.argv[2:]):
    print(json.dumps(run(Path(sys.argv[1]) / f"{size}.lw", size)), flush=True)
"""


def test_a_disk_that_is_full_at_any_write_loses_nothing(tmp_path: Path, tried: Tried) -> None:
    sizes = range(0, 1_000_000, times(20_000, 2_000))
    command = [sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path), *map(str, sizes)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(sizes)
    assert results[0] == [1, []] and results[-1][0] == 0
    assert len([full for full, kept in results if full and kept]) > len(sizes) // 4
    assert not [one for one in tmp_path.iterdir() if one.suffix != ".lw"]
    failures = sum(full for full, _ in results)
    tried("the disk is full at any write of a run", "nothing lost, told in one line", failures)


def test_a_home_that_cannot_be_written_is_told_and_does_not_hinder(shell: Shell, tried: Tried) -> None:
    (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))
    with unwritable(shell.folder / "locked") as locked, endpoint() as server:
        here = {"HOME": str(locked), "LWTUI_CACHE_DIR": f"{locked}/cache", "LWTUI_CONFIG_DIR": f"{locked}/config"}
        write = ("write", "Tomatoes", "--plan", "plan.json", "--output", "out.md", *model_options(server))
        shell.run(*write, **here).worked()
        assert headings((shell.folder / "out.md").read_text()) == TITLES
        assert len(shell.run("plan", "Tomatoes", *model_options(server), **here).worked().out) > 100
        shell.run("export", "out.lw", "--to", "txt", **here).worked()
        shell.run("config", "set", "theme", "nord", **here).failed(2, "Cannot write", "permissions")
        shell.run("models", "add", "a", "--base-url", "http://127.0.0.1:9/v1", **here).failed(2, "Cannot write")
        shell.run("write", "Tomatoes", "--plan", "plan.json", *model_options(server), **here).failed(1, "Cannot")
        checks = json.loads(shell.run("doctor", "--json", **here).out)["checks"]
        assert {one["name"] for one in checks if one["status"] == "fail"} >= {"config folder", "cache folder"}
        app = Shell(shell.folder)
        app.environment = lambda **more: Shell.environment(shell, **(here | more))  # type: ignore[method-assign]
        with PtyTerminal(app, "out.lw", columns=100) as terminal:
            terminal.until("Soil and Pots")
            terminal.type("\x11")
            assert terminal.end() == 0
    tried("a home that cannot be written", "works with files elsewhere, else told in one line", 8)


JUMPING = f"{__name__}:jumping_clock"


def jumping_clock() -> None:
    """From now on the time of day jumps to and fro: by hours, days and years, and back before 1980."""
    real, jumps = time.time, itertools.cycle((0, 3600, -3600, 86_400, -1e9, 3e8, -86_400, 0.5, -0.5, -1.7e9))
    time.time = lambda: real() + next(jumps)
    time.time_ns = lambda: int(time.time() * 1e9)


def test_a_clock_that_jumps_harms_nothing(shell: Shell, tried: Tried) -> None:
    (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))
    with endpoint(ScriptedWriter(delay=0.02)) as server:
        write = ("write", "Tomatoes", "--plan", "plan.json", "--output", "out.md", *model_options(server))
        run = forked.start(shell, *write, before=JUMPING)
        while not (shell.folder / "out.lw-wal").exists():
            assert run.wait(0) is None
            time.sleep(0.01)
        run.wait(0.2)
        run.kill()
        run = forked.start(
            shell, "write", "--resume", "out.lw", "--output", "out.md", *model_options(server), before=JUMPING
        )
        assert run.end() == 0, forked.errors(shell)
    assert headings((shell.folder / "out.md").read_text()) == TITLES
    os.utime(shell.folder / "out.lw", (0, 4e9))
    with Document.open(shell.folder / "out.lw") as document:
        assert 155 <= document.words <= 190
        assert len(document.revisions(document.sections()[0].id)) >= 1
    tried("a clock that jumps by up to decades", "the document is whole", 2)
