"""``lwtui models download``, from a hub on the loopback interface."""

import json
import shlex
import signal
import time
from pathlib import Path

import pytest

from lwtui.models.known_ggufs import known_ggufs
from lwtui.models.llama_cpp.demo import demo_path
from lwtui.models.llama_cpp.fit import format_size
from tests.cli.running import CommandResult, Shell
from tests.cli.test_terminal import PtyTerminal
from tests.support.hub import FILE, REVISION, Hub, HubFault

CONTENT = b"GGUF" + bytes(range(256)) * 8192
SOURCE = f"hf:{FILE}"
TOKEN = "hf_0123456789SECRETTOKEN"


def download(shell: Shell, hub: Hub, *arguments: object, **more: str) -> CommandResult:
    return shell.run("models", "download", *arguments, HF_ENDPOINT=hub.address, **more)


def refused(shell: Shell, hub: Hub, exit_code: int, error_code: str, *arguments: object) -> CommandResult:
    """Run a download that fails with that exit code and that ``code`` of its error."""
    return shell.ends(exit_code, error_code, "models", "download", *arguments, HF_ENDPOINT=hub.address)


def models(shell: Shell) -> dict[str, dict[str, object]]:
    shown = json.loads(shell.run("models", "list", "--json").worked().out)
    return {entry["name"]: entry for entry in shown["models"]}


def parts(shell: Shell) -> list[Path]:
    return list((shell.folder / "cache").rglob("*.part"))


def test_without_a_name_the_known_models_are_listed(shell: Shell) -> None:
    out = shell.run("models", "download").worked().out
    for known in known_ggufs():
        assert known.name in out
    assert "LongWriter on Llama 3.1 8B" in out and "Llama 3.1 Community License" in out and "hf:OWNER/REPO" in out
    entries = json.loads(shell.run("models", "download", "--json").worked().out)
    assert [entry["name"] for entry in entries] == [known.name for known in known_ggufs()]
    for entry in entries:
        assert len(entry["revision"]) == 40 and len(entry["sha256"]) == 64 and entry["size"] > 4 * 10**8
        assert not entry["downloaded"]


def test_a_gguf_is_downloaded_and_added(shell: Shell) -> None:
    with Hub(CONTENT) as hub:
        done = download(shell, hub, SOURCE, "--use", HF_TOKEN=TOKEN).worked()
        assert hub.requests[0].path == "/acme/writer-GGUF/resolve/main/writer-Q4_K_M.gguf"
        assert hub.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert "authorization" not in hub.requests[1].headers
        assert hub.sha256 in done.err and "--model writer-Q4_K_M" in done.out
        model = models(shell)["writer-Q4_K_M"]
        path = Path(str(model["path"]))
        assert model["default"] and path.read_bytes() == CONTENT
        assert str(path) in done.out
        assert path == shell.folder / "cache" / "models" / "acme--writer-GGUF" / "writer-Q4_K_M.gguf"
        # Later changes of its settings stay, and nothing is downloaded twice.
        shell.run("config", "set", "models.writer-Q4_K_M.temperature", "0.5").worked()
        again = json.loads(download(shell, hub, SOURCE, "--json").worked().out)
        assert again["fresh"] is False and again["revision"] == REVISION
        assert models(shell)["writer-Q4_K_M"]["temperature"] == 0.5
        assert len(hub.file_requests) == 1
    assert str(path) in shell.run("models", "remove", "writer-Q4_K_M").worked().err
    # The revision is pinned: a lost file can be downloaded again, and no other file is accepted.
    path.unlink()
    with Hub(CONTENT[:-1]) as hub:
        refused(shell, hub, 1, "different-file", SOURCE).failed(1, "writer-Q4_K_M.gguf")
        assert REVISION in hub.requests[0].path
    with Hub(CONTENT) as hub:
        assert hub.sha256 not in download(shell, hub, SOURCE).worked().err  # it was known
    for file in shell.folder.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()


def test_a_known_model_has_a_pinned_hash(shell: Shell) -> None:
    with Hub(CONTENT) as hub:
        done = refused(shell, hub, 1, "different-file", "longwriter-glm4-9b")
        terms, error = done.err.splitlines()
        assert "LongWriter-glm4-9b.Q4_K_M.gguf" in terms and "Apache-2.0" in terms
        assert "LongWriter-glm4-9b.Q4_K_M.gguf" in error
        known = next(known_gguf for known_gguf in known_ggufs() if known_gguf.name == "longwriter-glm4-9b")
        assert hub.requests[0].path == f"/{known.repository}/resolve/{known.revision}/{known.file}"
    assert "longwriter-glm4-9b" not in models(shell) and not parts(shell)


def test_downloading_from_an_address_checks_the_hash(shell: Shell) -> None:
    with Hub(CONTENT) as hub:
        download(shell, hub, hub.file_address, "--sha256", hub.sha256, "--name", "mine", HF_TOKEN=TOKEN).worked()
        assert "authorization" not in hub.requests[0].headers
        wrong = (hub.file_address, "--sha256", "0" * 64, "--name")
        refused(shell, hub, 1, "wrong-file", *wrong, "other").failed(1)
        refused(shell, hub, 2, "already-exists", *wrong, "mine").failed(2, "--name", "--force")
    assert "other" not in models(shell)
    assert Path(str(models(shell)["mine"]["path"])).read_bytes() == CONTENT


def test_ctrl_c_keeps_the_partial_file_and_prints_how_to_resume(shell: Shell) -> None:
    with Hub(CONTENT, [HubFault(delay=0.2), None]) as hub:
        process = shell.start("models", "download", SOURCE, "--name", "mine", "--use", HF_ENDPOINT=hub.address)
        until = time.monotonic() + 30
        while not any(part.stat().st_size > 600_000 for part in parts(shell)):
            assert process.poll() is None and time.monotonic() < until, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (130, "")
        assert "Traceback" not in err
        last = err.splitlines()[-1]
        assert "MB are kept. Resume with: lwtui models download" in last
        kept = parts(shell)[0].stat().st_size
        assert "mine" not in models(shell)
        command = shlex.split(last.partition("Resume with: ")[2])
        assert command[:3] == ["lwtui", "models", "download"]
        done = download(shell, hub, *command[3:]).worked()
        assert done.err.startswith(format_size(kept))  # are already downloaded
        assert hub.file_requests[-1].headers["range"] == f"bytes={kept}-"
    assert models(shell)["mine"]["default"]


def test_on_a_terminal_a_line_shows_speed_and_time_left(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hub(CONTENT, [HubFault(delay=0.06)]) as hub:
        monkeypatch.setattr(Shell, "environment", _with(HF_ENDPOINT=hub.address))
        with PtyTerminal(shell, "models", "download", SOURCE, columns=100) as terminal:
            terminal.until(" of 2 MB, ")
            terminal.until("MB/s, ")
            terminal.until(" s left")
            terminal.until("downloaded and verified")
            assert terminal.end() == 0


def _with(**more: str) -> object:
    own = Shell.environment
    return lambda self, **rest: own(self, **more, **rest)


def test_invalid_names_are_rejected(shell: Shell) -> None:
    done = shell.fails(2, "unknown-model", "models", "download", "longwriter-70b")
    assert "'longwriter-70b'" in done.err and "hf:OWNER/REPO" in done.err
    shell.fails(2, "invalid-name", "models", "download", "longwriter-glm4-9b", "--name", "demo")


def test_errors_of_the_hub_are_reported(shell: Shell) -> None:
    done = shell.fails(2, "invalid-address", "models", "download", SOURCE, HF_ENDPOINT="huggingface")
    assert "HF_ENDPOINT" in done.err
    with Hub(CONTENT, hub_status=404) as hub:
        refused(shell, hub, 1, "not-found", SOURCE).failed(1, "404")
    with Hub(CONTENT, hub_status=401) as hub:
        refused(shell, hub, 1, "forbidden", SOURCE).failed(1, "export HF_TOKEN=…")


def test_a_downloaded_model_can_be_verified(shell: Shell) -> None:
    with Hub(demo_path().read_bytes()) as hub:
        download(shell, hub, "hf:acme/gemma-GGUF/gemma-3-270m.gguf", "--name", "small").worked()
    done = shell.run("models", "verify", "small").worked()
    assert done.out.startswith("ok: small ") and "small needs " in done.out
    path = Path(str(models(shell)["small"]["path"]))
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    assert str(path) in shell.fails(1, "hash-differs", "models", "verify", "small").err
