"""Documents written through real servers, where they are installed.

``LWTUI_TEST_GGUF`` names a chat model whose template is ChatML, such as starter-small. llama-server and litellm have to
be on the PATH.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
GGUF = os.environ.get("LWTUI_TEST_GGUF", "")
WORDS = 40

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not GGUF, reason="LWTUI_TEST_GGUF names no model"),
]


@pytest.fixture(scope="module")
def servers() -> ModuleType:
    """Return ``bench/servers.py`` as a module."""
    spec = importlib.util.spec_from_file_location("bench_servers", ROOT / "bench" / "servers.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for it
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("has_system", [True, False])
@pytest.mark.parametrize("through", ["llama-cpp-python", "llama-server", "litellm"])
def test_three_sections_are_written(servers: ModuleType, tmp_path: Path, through: str, has_system: bool) -> None:
    program = shutil.which("llama-server")
    proxy = shutil.which("litellm")
    if (through == "llama-server" and not program) or (through == "litellm" and not proxy):
        pytest.skip(f"{through} is not installed")
    gguf = Path(GGUF) if has_system else servers.without_system_role(Path(GGUF), tmp_path)
    port = servers.free_port()
    command = servers.llama_cpp_python_command(gguf, port)
    if program and through != "llama-cpp-python":
        command = servers.llama_server_command(program, gguf, port)
    with servers.running(command, port, tmp_path / "server.log") as base_url:
        if through != "litellm":
            result = servers.write(through, "", base_url, tmp_path, WORDS)
        else:
            port = servers.free_port()
            command = servers.litellm_command(proxy, base_url, port, tmp_path)
            with servers.running(command, port, tmp_path / "litellm.log", servers.LITELLM_SETTINGS) as address:
                result = servers.write(through, "", address, tmp_path, WORDS)
    assert (result.error, len(result.words)) == ("", 3)
