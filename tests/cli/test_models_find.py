"""``lwtui models find`` prints the commands that add models."""

from __future__ import annotations

import json
import shlex

from lwtui.cli.checks import server_checks
from tests.cli.running import Shell, endpoint
from tests.support.fault_server import FaultServer


def test_the_printed_command_adds_the_model_of_a_server(shell: Shell) -> None:
    nasty = "qwen3:8b; touch pwned"
    with FaultServer(models=[{"id": nasty, "object": "model", "owned_by": "library"}]) as server:
        port = ["--port", str(server.port)]
        (found,) = json.loads(shell.run("models", "find", *port, "--json").worked().out)
        assert found == {
            "server": "Ollama",
            "base_url": server.base_url,
            "wants_key": False,
            "models": [{"id": nasty, "added": False, "name": "qwen3-8b-touch-pwned"}],
        }
        before = shell.run("models", "find", *port).worked()
        assert f"Ollama at 127.0.0.1:{server.port}\n" in before.out and before.err == ""
        (line,) = (line for line in before.out.splitlines() if "models add" in line)
        command, *arguments = shlex.split(line)
        assert command == "lwtui"
        shell.run(*arguments).worked()
        after = shell.run("models", "find", *port).worked().out
        assert "models add" not in after and "1 of its models is already in the settings" in after
        (found,) = json.loads(shell.run("models", "find", *port, "--json").worked().out)
        assert found["models"] == [{"id": nasty, "added": True, "name": ""}]


def test_without_a_server_a_message_or_an_empty_list_is_printed(shell: Shell) -> None:
    done = shell.run("models", "find", "--port", "9").worked()
    assert done.out == "" and len(done.err.splitlines()) == 1 and "models add" in done.err
    assert json.loads(shell.run("models", "find", "--port", "9", "--json").worked().out) == []
    shell.run("models", "find", "--port", "70000").failed(2, "--port", "'70000'")


def test_the_doctor_reports_servers_in_one_line() -> None:
    with endpoint() as one, FaultServer(models=[{"id": f"m{number}"} for number in range(30)]) as many:
        (check,) = server_checks([9, many.port])
        assert check.status == "ok" and f"with 30 at 127.0.0.1:{many.port}" in check.detail
        assert "lwtui models find" in check.remedy
        assert "2 servers" in server_checks([one.port, many.port])[0].detail
    assert server_checks([9]) == []


def test_a_long_list_is_shortened(shell: Shell) -> None:
    with FaultServer(models=[{"id": f"m{number}"} for number in range(30)]) as server:
        lines = shell.run("models", "find", "--port", str(server.port)).worked().out.splitlines()
    assert len(lines) == 14 and lines[-1] == "  and 18 more; --json lists all"
