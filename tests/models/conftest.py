"""The demo model, loaded once, and variants of its file."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from lwtui.models.llama_cpp.client import LlamaModel
from lwtui.models.llama_cpp.demo import demo_path
from lwtui.models.llama_cpp.process import SPIN_COUNT
from tests.support.gguf_file import with_texts

# As for the model's process. It is read when llama.cpp is loaded, which no import above does.
os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<start_of_turn>"
    "{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n"
    "{{ message['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


@pytest.fixture(scope="session")
def demo_gguf() -> Path:
    """The demo model's file. It is put together once, in the cache folder that the app uses as well."""
    return demo_path()


@pytest.fixture(scope="session")
def chat_gguf(demo_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo model with a chat template, which the real one lacks."""
    path = tmp_path_factory.mktemp("chat") / "chat.gguf"
    with_texts(demo_gguf, path, {"tokenizer.chat_template": CHAT_TEMPLATE})
    return path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def demo(demo_gguf: Path) -> AsyncIterator[LlamaModel]:
    """The demo model in its process, for every test that leaves it alive."""
    model = await LlamaModel.load(demo_gguf, "demo")
    yield model
    await model.aclose()
