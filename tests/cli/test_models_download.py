"""``lwtui models download``, from a hub that is on loopback."""

import json
import shlex
import signal
import time
from pathlib import Path

import pytest

from lwtui.models.known_ggufs import known_ggufs
from lwtui.models.llama_cpp.demo import demo_path
from tests.cli.running import Done, Shell
from tests.cli.test_terminal import Terminal
from tests.support.hub import FILE, REVISION, Fault, Hub

CONTENT = b"GGUF" + bytes(range(256)) * 8192
ASKED = f"hf:{FILE}"
TOKEN = "hf_0123456789SECRETTOKEN"


def get(shell: Shell, hub: Hub, *arguments: object, **more: str) -> Done:
    return shell.run("models", "download", *arguments, HF_ENDPOINT=hub.address, **more)


def models(shell: Shell) -> dict[str, dict[str, object]]:
    return {entry["name"]: entry for entry in json.loads(shell.run("models", "list", "--json").worked().out)}


def parts(shell: Shell) -> list[Path]:
    return list((shell.folder / "cache").rglob("*.part"))


def test_without_a_name_it_lists_what_can_be_had(shell: Shell) -> None:
    out = shell.run("models", "download").worked().out
    for known in known_ggufs():
        assert known.name in out
    assert "LongWriter on Llama 3.1 8B" in out and "Llama 3.1 Community License" in out and "hf:OWNER/REPO" in out
    entries = json.loads(shell.run("models", "download", "--json").worked().out)
    assert [entry["name"] for entry in entries] == [known.name for known in known_ggufs()]
    for entry in entries:
        assert len(entry["revision"]) == 40 and len(entry["sha256"]) == 64 and entry["size"] > 10**9
        assert not entry["downloaded"]


def test_a_gguf_is_downloaded_added_and_kept(shell: Shell) -> None:
    with Hub(CONTENT) as hub:
        done = get(shell, hub, ASKED, "--use", HF_TOKEN=TOKEN).worked()
        assert hub.asked[0].path == "/acme/writer-GGUF/resolve/main/writer-Q4_K_M.gguf"
        assert hub.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert "authorization" not in hub.asked[1].headers
        assert f"{hub.sha256} is what the hub says and what came" in done.err
        assert "writer-Q4_K_M.gguf is here, and right" in done.out and "--model writer-Q4_K_M" in done.out
        model = models(shell)["writer-Q4_K_M"]
        path = Path(str(model["path"]))
        assert model["default"] and path.read_bytes() == CONTENT
        assert path == shell.folder / "cache" / "models" / "acme--writer-GGUF" / "writer-Q4_K_M.gguf"
        # What a person has set for it since stays, and nothing is asked for twice.
        shell.run("config", "set", "models.writer-Q4_K_M.temperature", "0.5").worked()
        again = json.loads(get(shell, hub, ASKED, "--json").worked().out)
        assert again["fresh"] is False and again["revision"] == REVISION
        assert models(shell)["writer-Q4_K_M"]["temperature"] == 0.5
        assert len(hub.bodies) == 1
    assert str(path) in shell.run("models", "remove", "writer-Q4_K_M").worked().err
    # Pinned to its revision: a file that is lost comes back as it was, and no other is taken for it.
    path.unlink()
    with Hub(CONTENT[:-1]) as hub:
        get(shell, hub, ASKED).failed(1, "The hub has another writer-Q4_K_M.gguf")
        assert REVISION in hub.asked[0].path
    with Hub(CONTENT) as hub:
        assert "was not known" not in get(shell, hub, ASKED).worked().err
    for file in shell.folder.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()


def test_a_model_of_the_catalogue_has_its_profile_and_its_hash(shell: Shell) -> None:
    with Hub(CONTENT) as hub:
        done = get(shell, hub, "longwriter-glm4-9b")
        assert done.code == 1 and "The hub has another LongWriter-glm4-9b.Q4_K_M.gguf" in done.err
        assert done.err.startswith("LongWriter-glm4-9b.Q4_K_M.gguf is under its own terms: Apache-2.0")
        known = next(one for one in known_ggufs() if one.name == "longwriter-glm4-9b")
        assert hub.asked[0].path == f"/{known.repository}/resolve/{known.revision}/{known.file}"
    assert "longwriter-glm4-9b" not in models(shell) and not parts(shell)


def test_an_address_with_its_hash(shell: Shell) -> None:
    with Hub(CONTENT) as hub:
        get(shell, hub, hub.file_address, "--sha256", hub.sha256, "--name", "mine", HF_TOKEN=TOKEN).worked()
        assert "authorization" not in hub.asked[0].headers
        get(shell, hub, hub.file_address, "--sha256", "0" * 64, "--name", "other").failed(1, "is not that file")
        get(shell, hub, hub.file_address, "--sha256", "0" * 64, "--name", "mine").failed(2, "--name", "--force")
    assert "other" not in models(shell)
    assert Path(str(models(shell)["mine"]["path"])).read_bytes() == CONTENT


def test_ctrl_c_keeps_what_has_come_and_says_how_to_go_on(shell: Shell) -> None:
    with Hub(CONTENT, [Fault(pace=0.2), None]) as hub:
        process = shell.start("models", "download", ASKED, "--name", "mine", "--use", HF_ENDPOINT=hub.address)
        until = time.monotonic() + 30
        while not any(part.stat().st_size > 600_000 for part in parts(shell)):
            assert process.poll() is None and time.monotonic() < until, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (130, "")
        assert "Traceback" not in err
        last = err.splitlines()[-1]
        assert "MB are kept. Go on with: lwtui models download" in last
        kept = parts(shell)[0].stat().st_size
        assert "mine" not in models(shell)
        command = shlex.split(last.partition("Go on with: ")[2])
        assert command[:3] == ["lwtui", "models", "download"]
        done = get(shell, hub, *command[3:]).worked()
        assert "of it are here already" in done.err
        assert hub.bodies[-1].headers["range"] == f"bytes={kept}-"
    assert models(shell)["mine"]["default"]


def test_on_a_terminal_a_line_tells_how_fast_and_how_long(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hub(CONTENT, [Fault(pace=0.06)]) as hub:
        monkeypatch.setattr(Shell, "environment", _with(HF_ENDPOINT=hub.address))
        with Terminal(shell, "models", "download", ASKED, columns=100) as terminal:
            terminal.until(" of 2 MB, ")
            terminal.until("MB/s, ")
            terminal.until(" s left")
            terminal.until("is here, and right")
            assert terminal.end() == 0


def _with(**more: str) -> object:
    own = Shell.environment
    return lambda self, **rest: own(self, **more, **rest)


def test_what_is_asked_for_wrongly(shell: Shell) -> None:
    shell.run("models", "download", "longwriter-70b").failed(2, "nothing called 'longwriter-70b'", "hf:OWNER/REPO")
    shell.run("models", "download", "longwriter-glm4-9b", "--name", "demo").failed(2, "cannot be a model's name")


def test_a_hub_that_is_no_address_and_a_hub_that_is_not_there(shell: Shell) -> None:
    shell.run("models", "download", ASKED, HF_ENDPOINT="huggingface").failed(2, "HF_ENDPOINT is no address")
    with Hub(CONTENT, hub_status=404) as hub:
        get(shell, hub, ASKED).failed(1, "has no such file (404)")
    with Hub(CONTENT, hub_status=401) as hub:
        get(shell, hub, ASKED).failed(1, "export HF_TOKEN=…")


def test_a_model_that_was_downloaded_writes(shell: Shell) -> None:
    with Hub(demo_path().read_bytes()) as hub:
        get(shell, hub, "hf:acme/gemma-GGUF/gemma-3-270m.gguf", "--name", "small").worked()
    done = shell.run("models", "verify", "small").worked()
    assert done.out.startswith("ok: small answers") and "small needs " in done.out
    path = Path(str(models(shell)["small"]["path"]))
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    shell.run("models", "verify", "small").failed(1, "is not the file that was downloaded")
