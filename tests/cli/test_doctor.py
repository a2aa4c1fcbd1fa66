import json
from collections.abc import Iterator

import pytest

from tests.cli.running import KEY, CommandResult, Shell, endpoint
from tests.support.fault_server import Fault, FaultServer
from tests.support.gguf_file import write_header


def results(done: CommandResult) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(done.out)["checks"]}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with endpoint() as running:
        yield running


def test_on_a_working_machine_nothing_fails(shell: Shell, server: FaultServer) -> None:
    shell.settings(f'documents = "docs"\n[models.writer]\nmodel = "m-1"\nbase_url = "{server.base_url}"\n')
    done = shell.run("doctor", "--json").worked()
    found = results(done)
    assert json.loads(done.out)["ok"] is True
    for name in ("Python", "settings", "config folder", "cache folder", "documents folder", "default model"):
        assert found[name]["status"] == "ok", found[name]
    assert found["llama-cpp-python"]["status"] == found["demo model"]["status"] == "ok"
    assert found["model writer"]["status"] == "ok"
    assert all(set(check) == {"name", "status", "detail", "remedy"} for check in found.values())


def test_checks_change_nothing(shell: Shell) -> None:
    before = sorted(shell.folder.rglob("*"))
    shell.run("doctor").worked()
    assert sorted(shell.folder.rglob("*")) == before


def test_each_check_prints_a_line(shell: Shell) -> None:
    lines = shell.run("doctor").worked().out.splitlines()
    assert lines[0].startswith("ok    Python")
    assert {line[:4] for line in lines} <= {"ok  ", "warn"}


def test_failed_checks_say_what_to_do(shell: Shell) -> None:
    (shell.folder / "text.gguf").write_text("not a model")
    (shell.folder / "file").touch()
    shell.settings(
        f'model = "gone"\ndocuments = "{shell.folder}/file/documents"\n'
        '[models.away]\nbase_url = "http://127.0.0.1:9/v1"\n'
        '[models.text]\nprovider = "llama_cpp"\npath = "text.gguf"\n'
        '[models.missing]\nprovider = "llama_cpp"\npath = "missing.gguf"\n'
    )
    done = shell.run("doctor", "--json")
    found = results(done)
    assert done.code == 1 and done.err == "" and json.loads(done.out)["ok"] is False
    for name, words in (
        ("default model", "no model named 'gone'"),
        ("documents folder", "is not writable"),
        ("model away", "Cannot reach"),
        ("model text", "not a GGUF"),
        ("model missing", "No such file"),
    ):
        assert found[name]["status"] == "fail" and words in found[name]["detail"], found[name]
    assert found["documents folder"]["remedy"] == "lwtui config set documents FOLDER"


def test_the_check_of_a_gguf_shows_its_memory(shell: Shell) -> None:
    small = {"general.architecture": "llama", "llama.block_count": 2, "llama.embedding_length": 64}
    small |= {"llama.attention.head_count": 8, "llama.context_length": 4096}
    write_header(shell.folder / "small.gguf", small, {"token_embd.weight": 10_000})
    write_header(shell.folder / "large.gguf", small, {"token_embd.weight": 10**12})
    (shell.folder / "cut.gguf").write_bytes((shell.folder / "small.gguf").read_bytes()[:100])
    tables = (f'[models.{name}]\nprovider = "llama_cpp"\npath = "{name}.gguf"\n' for name in ("small", "large", "cut"))
    shell.settings("".join(tables))
    found = results(shell.run("doctor", "--json"))
    assert found["model small"]["status"] == "ok" and "with a context of 4096" in found["model small"]["detail"]
    assert found["model large"]["status"] == "warn" and "needs 1000." in found["model large"]["detail"]
    assert "free: use a smaller quantization" in found["model large"]["detail"]
    assert found["model cut"]["status"] == "fail" and "cut short" in found["model cut"]["detail"]
    listed = shell.run("models").worked().out
    assert "with a context of 4096)" in listed and "smaller quantization)" in listed and "cannot be read" in listed


def test_unreadable_settings_are_a_failed_check(shell: Shell) -> None:
    shell.settings("model = ")
    done = shell.run("doctor", "--json")
    assert done.code == 1
    assert results(done)["settings"]["status"] == "fail" and "not valid TOML" in results(done)["settings"]["detail"]


def refuse_all(server: FaultServer, fault: Fault) -> None:
    """Make every request fail, including that for the list of models."""

    async def refuse(seen: object, writer: object) -> None:
        from tests.support import fault_server

        await fault_server.send_response(writer, fault.status, fault.body)  # type: ignore[arg-type]

    server._serve = refuse  # type: ignore[method-assign, assignment]


def test_a_rejected_key_fails_and_is_not_shown(shell: Shell, server: FaultServer) -> None:
    refuse_all(server, Fault.http(401, message=f"{KEY} is not known"))
    shell.settings(f'[models.writer]\nbase_url = "{server.base_url}"\nkey_env = "MY_KEY"\n')
    done = shell.run("doctor", "--json", MY_KEY=KEY)
    assert done.code == 1
    assert results(done)["model writer"]["status"] == "fail"
    assert "does not accept the key" in results(done)["model writer"]["detail"]
    assert KEY not in done.out + done.err


def test_an_endpoint_without_a_list_of_models_is_a_warning(shell: Shell) -> None:
    with FaultServer(models=None) as server:
        shell.settings(f'[models.writer]\nbase_url = "{server.base_url}"\n')
        done = shell.run("doctor", "--json").worked()
    assert results(done)["model writer"]["status"] == "warn"
    assert results(done)["model writer"]["remedy"] == "lwtui models verify writer"


def test_a_model_that_the_endpoint_does_not_list_is_a_warning(shell: Shell, server: FaultServer) -> None:
    shell.settings(f'[models.writer]\nmodel = "m-9"\nbase_url = "{server.base_url}"\n')
    found = results(shell.run("doctor", "--json").worked())["model writer"]
    assert found["status"] == "warn" and "'m-9'" in found["detail"] and found["remedy"] == "It has: m-1."


def test_a_machine_without_a_keyring_is_a_warning(shell: Shell) -> None:
    done = shell.run("doctor", "--json", PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring").worked()
    assert results(done)["keyring"]["status"] == "warn"


def test_settings_that_the_app_rejects_are_failed_checks(shell: Shell) -> None:
    shell.settings("theme = 'nope'\n[keys]\nwrite = 'f1'\n[roles]\ncritic = 'gone'\n")
    done = shell.run("doctor")
    assert done.code == 1
    lines = [line for line in done.out.splitlines() if line.startswith("FAIL  settings")]
    for line, problem in zip(lines, ("no theme named 'nope'", "F1 would be both", "critic: There is no"), strict=True):
        assert problem in line and line.endswith("lwtui config edit")
