import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import KEY, ScriptedWriter, Shell, endpoint, model_options
from tests.support.fault_server import Fault
from tests.support.ollama import Ollama

ADD = ["models", "add", "writer", "--base-url", "http://127.0.0.1:9/v1"]
# A keyring in a file that the tests can read.
KEYRING = """
import json, os
from pathlib import Path
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 1
    file = Path(os.environ["HOME"]) / "keyring.json"

    def _read(self):
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def get_password(self, service, name):
        return self._read().get(f"{service}/{name}")

    def set_password(self, service, name, password):
        self.file.write_text(json.dumps(self._read() | {f"{service}/{name}": password}))

    def delete_password(self, service, name):
        self.file.write_text(json.dumps({k: v for k, v in self._read().items() if k != f"{service}/{name}"}))
"""


@pytest.fixture
def keyring(shell: Shell) -> dict[str, str]:
    """Return an environment in which ``keyring.json`` in the home folder is the system's keyring."""
    (shell.folder / "filekeyring.py").write_text(KEYRING)
    return {
        "PYTHON_KEYRING_BACKEND": "filekeyring.Keyring",
        "PYTHONPATH": f"{shell.folder}:{Path(__file__).parents[2]}",
    }


def listed(shell: Shell) -> dict[str, dict[str, object]]:
    shown = json.loads(shell.run("models", "list", "--json").worked().out)
    return {entry["name"]: entry for entry in shown["models"]}


def test_the_demo_model_is_always_listed(shell: Shell) -> None:
    assert shell.run("models").worked().out.startswith("* demo  Gemma 3 270M")
    assert listed(shell)["demo"]["default"] is True


def test_an_endpoint_is_added_listed_used_and_removed(shell: Shell) -> None:
    with endpoint() as server:
        shell.run("models", "add", "writer", "--base-url", server.base_url, "--model", "m-1", "--use").worked()
        assert listed(shell)["writer"] == {
            "name": "writer",
            "provider": "openai",
            "default": True,
            "model": "m-1",
            "base_url": server.base_url,
        }
        assert f"* writer  m-1 at 127.0.0.1:{server.port}" in shell.run("models", "list").worked().out
        shell.run("plan", "Tomatoes").worked()
        assert server.calls[0].json["model"] == "m-1"
    shell.run("models", "remove", "writer").worked()
    assert list(listed(shell)) == ["demo"]
    assert listed(shell)["demo"]["default"] is True


def test_a_model_can_have_its_own_key_variable(shell: Shell) -> None:
    with endpoint() as server:
        add = ["models", "add", "writer", "--base-url", server.base_url, "--model", "m-1", "--key-env", "MY_KEY"]
        shell.run(*add).worked()
        shell.run("plan", "Tomatoes", "--model", "writer", MY_KEY=KEY).worked()
        assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
    assert listed(shell)["writer"]["key_env"] == "MY_KEY"


def test_a_key_from_standard_input_is_stored_only_in_the_keyring(shell: Shell, keyring: dict[str, str]) -> None:
    with endpoint() as server:
        add = ["models", "add", "writer", "--base-url", server.base_url, "--model", "m-1", "--key-stdin"]
        done = shell.run(*add, stdin=f"{KEY}\n", **keyring).worked()
        assert KEY not in done.out + done.err + shell.config.read_text()
        kept = json.loads((shell.folder / "keyring.json").read_text())
        assert kept == {f"lwtui/writer at {server.base_url.removesuffix('/v1')}": KEY}
        shell.run("plan", "Tomatoes", "--model", "writer", **keyring).worked()
        assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
    shell.run("models", "remove", "writer", **keyring).worked()
    assert json.loads((shell.folder / "keyring.json").read_text()) == {}


def test_a_key_is_never_sent_to_another_address(shell: Shell, keyring: dict[str, str]) -> None:
    shell.run(*ADD, "--key-stdin", stdin=KEY, **keyring).worked()
    with endpoint() as other:
        shell.run("plan", "Tomatoes", "--model", "writer", "--base-url", other.base_url, **keyring).worked()
        assert "authorization" not in other.calls[0].headers


def test_no_key_on_standard_input_adds_nothing(shell: Shell, keyring: dict[str, str]) -> None:
    shell.fails(2, "no-key", *ADD, "--key-stdin", stdin="\n", **keyring)
    assert list(listed(shell)) == ["demo"]


def test_without_a_keyring_no_key_can_be_stored(shell: Shell) -> None:
    none = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done = shell.fails(2, "no-keyring", *ADD, "--key-stdin", stdin=KEY, **none)
    assert "LWTUI_API_KEY" in done.err
    assert list(listed(shell)) == ["demo"]


def test_a_gguf_is_added_by_its_path(shell: Shell) -> None:
    (shell.folder / "small.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    own = ["--kv-type", "q8_0", "--flash-attention", "on", "--gpu-layers", "0", "--threads", "3"]
    shell.run("models", "add", "small", "--path", "small.gguf", "--profile", "base", *own).worked()
    small = listed(shell)["small"]
    assert small["path"] == str(shell.folder / "small.gguf")
    assert [small[name] for name in ("kv_type", "flash_attention", "gpu_layers", "threads")] == ["q8_0", "on", 0, 3]
    done = shell.fails(2, "invalid-choice", "config", "set", "models.small.kv_type", "q4_0")
    assert all(part in done.err for part in ("'kv_type'", "f16, q8_0", "'q4_0'"))


@pytest.mark.parametrize("contents", [None, b"", b"<html>Not found"])
def test_a_file_that_is_not_a_gguf_is_not_added(shell: Shell, contents: bytes | None) -> None:
    if contents is not None:
        (shell.folder / "small.gguf").write_bytes(contents)
    shell.run("models", "add", "small", "--path", "small.gguf").failed(1, "small.gguf")
    assert list(listed(shell)) == ["demo"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "a", "--base-url", "http://h/v1", "--context-length", "0"], ["--context-length"]),
        (["add", "a", "--base-url", "http://h/v1", "--context-length", "kk"], ["--context-length", "32768", "32k"]),
        (["add", "a", "--base-url", "http://h/v1", "--temperature", "nan"], ["--temperature"]),
        (["add", "a", "--base-url", "http://h/v1", "--profile", "poet"], ["--profile"]),
    ],
)
def test_invalid_values_are_reported(shell: Shell, arguments: list[str], words: list[str]) -> None:
    shell.run("models", *arguments).failed(2, *words)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["add", "demo", "--path", "a.gguf"], "invalid-name", ["'demo'"]),
        (["add", "a b", "--path", "a.gguf"], "invalid-name", ["'a b'"]),
        (["add", "../a", "--path", "a.gguf"], "invalid-name", ["'../a'"]),
        (["add", "a.gguf", "--path", "a.gguf"], "invalid-name", ["'a.gguf'"]),
        (["add", "a"], "conflicting-options", ["--base-url", "--path"]),
        (
            ["add", "a", "--path", "a.gguf", "--base-url", "http://h/v1"],
            "conflicting-options",
            ["--base-url", "--path"],
        ),
        (["add", "a", "--path", "a.gguf", "--key-env", "K"], "conflicting-options", ["--key-env", "--path"]),
        (["add", "a", "--base-url", "127.0.0.1:x"], "invalid-address", ["127.0.0.1:x"]),
        (
            ["add", "a", "--base-url", "http://h/v1", "--key-env", "K", "--key-stdin"],
            "conflicting-options",
            ["--key-env", "--key-stdin"],
        ),
        (["add", "a", "--base-url", "http://h/v1", "--gpu-layers", "0"], "conflicting-options", ["--gpu-layers"]),
        (
            ["add", "a", "--path", "a.gguf", "--kv-type", "q8_0", "--flash-attention", "off"],
            "q8-needs-flash-attention",
            ["--kv-type", "--flash-attention"],
        ),
        (["remove", "a"], "unknown-model", ["'a'"]),
        (["remove", "demo"], "unknown-model", ["'demo'"]),
        (["verify", "a"], "unknown-model", ["'a'", "demo"]),
    ],
)
def test_invalid_options_are_reported(shell: Shell, arguments: list[str], code: str, words: list[str]) -> None:
    done = shell.fails(2, code, "models", *arguments)
    assert all(word in done.err for word in words)


def test_a_key_given_as_a_variable_name_is_not_printed(shell: Shell) -> None:
    done = shell.fails(2, "not-a-variable", *ADD, "--key-env", "sk-0123456789SECRET")
    assert "--key-env" in done.err and "SECRET" not in done.err


def test_a_model_is_replaced_only_with_force(shell: Shell) -> None:
    shell.run(*ADD).worked()
    assert "--force" in shell.fails(2, "already-exists", *ADD, "--model", "new").err
    assert listed(shell)["writer"]["model"] == "writer"
    shell.run(*ADD, "--model", "new", "--force").worked()
    assert listed(shell)["writer"]["model"] == "new"


def test_verifying_prints_the_speed(shell: Shell) -> None:
    with endpoint() as server:
        server._answer = ScriptedWriter(delay=0.02).sentences
        shell.run("models", "add", "writer", "--base-url", server.base_url, "--model", "m-1").worked()
        done = shell.run("models", "verify", "writer").worked()
        assert server.calls[0].json["max_tokens"] < 100
    assert re.match(r"ok: writer .* 0\.\d+ s.* \d+ tokens/s", done.out)


def test_verifying_prints_the_context_length_that_the_server_gives(shell: Shell) -> None:
    with Ollama() as server:
        shell.run("models", "add", "q", "--base-url", server.base_url, "--model", "qwen3:8b").worked()
        told = shell.run("models", "verify", "q").worked().out
        assert told.startswith("ok: q ") and "32,768 tokens of context" in told
        shell.run("config", "set", "models.q.context_length", "8k").worked()
        assert "8,000 tokens of context" in shell.run("models", "verify", "q").worked().out


def test_verifying_reports_errors(shell: Shell) -> None:
    with endpoint(faults=[Fault.http(401, message="bad key")]) as server:
        shell.run("models", "add", "writer", "--base-url", server.base_url, "--model", "m-1").worked()
        shell.fails(1, "wrong-key", "models", "verify", "writer", LWTUI_API_KEY=KEY)
    shell.fails(1, "connection-refused", "models", "verify", "writer")


def test_reasoning_parameters_and_headers_are_added_and_shown(shell: Shell) -> None:
    more = ["--reasoning-effort", "low", "--reasoning-tokens", "4k", "--extra-body", '{"top_k": 40}']
    shell.run(*ADD, *more, "--extra-header", "X-Title: book", "--extra-header", "X-Key: $MY_KEY").worked()
    shell.run("config", "set", "models.writer.plan.reasoning_effort", "high").worked()
    entry = listed(shell)["writer"]
    assert entry["extra_headers"] == {"X-Title": "book", "X-Key": "$MY_KEY"} and entry["extra_body"] == {"top_k": 40}
    assert entry["roles"] == {"plan": {"reasoning_effort": "high"}}
    assert "reasoning low and at most 4,000 tokens, plan: high" in shell.run("models").worked().out
    shown = shell.run("config", "get", "models.writer.plan.reasoning_effort").worked().out
    assert shown.strip() == "high"
    fails = shell.fails(2, "secret-in-settings", *ADD, "--force", "--extra-header", "X-Key: 0123abcd4711")
    assert "4711" not in fails.err


def test_anthropics_own_api_is_added_by_one_option(shell: Shell) -> None:
    shell.run("models", "add", "claude", "--anthropic", "--model", "claude-sonnet-4-5").worked()
    entry = listed(shell)["claude"]
    assert (entry["provider"], entry["base_url"]) == ("anthropic", "https://api.anthropic.com/v1")


def test_a_one_off_address_does_not_change_the_settings(shell: Shell) -> None:
    before = shell.config.read_text()
    with endpoint() as server:
        shell.run("plan", "Tomatoes", *model_options(server)).worked()
    assert shell.config.read_text() == before


def test_the_file_keyring_of_these_tests_works(shell: Shell, keyring: dict[str, str]) -> None:
    script = "import keyring; keyring.set_password('a', 'b', 'c'); print(keyring.get_password('a', 'b'))"
    environment = shell.environment(**keyring)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "c\n"
