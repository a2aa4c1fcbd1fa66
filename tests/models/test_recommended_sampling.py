"""The options that a model's authors recommend apply to a GGUF unless the settings say otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from lwtui.config import ModelSettings
from lwtui.models.base import Capabilities, Sampling
from lwtui.models.llama_cpp.gguf_header import read_header
from lwtui.models.profiles import profile_for
from lwtui.models.recommended_sampling import recommended_sampling
from tests.models.test_gguf_header import LLAMA, TENSORS
from tests.support.gguf_file import write_header


def test_the_metadata_of_a_gguf_is_read(tmp_path: Path) -> None:
    metadata = {"general.sampling.temp": 0.7, "general.sampling.top_k": 20, "general.sampling.penalty_repeat": 1.05}
    header = read_header(write_header(tmp_path / "m.gguf", LLAMA | metadata, TENSORS))
    assert header.sampling == Sampling(temperature=0.7, top_k=20, repeat_penalty=1.05)


def test_values_that_make_no_sense_are_left_out() -> None:
    metadata = {
        "general.sampling.temp": float("nan"),
        "general.sampling.top_k": -1,
        "general.sampling.top_p": "high",
        "general.sampling.min_p": True,
        "general.sampling.penalty_repeat": 1.1,
    }
    assert recommended_sampling(metadata) == Sampling(repeat_penalty=1.1)


@pytest.mark.parametrize(
    ("name", "temperature", "repeat_penalty"),
    [
        ("Qwen2.5 Coder 1.5B Instruct GGUF", 0.7, 1.1),
        ("Qwen2.5 Coder 0.5B Instruct AWQ", 0.7, 1.1),
        ("Qwen2.5-7B-Instruct", 0.7, 1.05),
        ("Qwen3 8B", 0.6, None),
        ("Qwen3 4B Instruct 2507", 0.7, None),
        ("Gemma 3 12b It", 1.0, None),
        ("Meta Llama 3.1 8B Instruct", 0.6, None),
        ("Gemma 3 270m", None, None),
        ("Qwen2.5 1.5B", None, None),
        ("Qwen3 8B Base", None, None),
        ("LongWriter Llama3.1 8b", None, None),
    ],
)
def test_families_have_what_their_authors_published(
    name: str, temperature: float | None, repeat_penalty: float | None
) -> None:
    sampling = recommended_sampling({"general.name": name})
    assert (sampling.temperature, sampling.repeat_penalty) == (temperature, repeat_penalty)


def test_settings_come_before_the_profile_and_the_profile_before_the_authors() -> None:
    capabilities = Capabilities(8192, sampling=Sampling(temperature=0.7, top_k=20, repeat_penalty=1.1))
    own = ModelSettings("own", temperature=0.3, sampling="top_k=50")
    assert profile_for(own, capabilities).sampling == Sampling(temperature=0.3, top_k=50, repeat_penalty=1.1)
    tuned = ModelSettings("longwriter-llama3.1-8b")
    assert profile_for(tuned, capabilities).sampling.temperature == 0.5
    assert profile_for(ModelSettings("plain"), capabilities).sampling == capabilities.sampling
