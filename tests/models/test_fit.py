"""How to load a GGUF: the memory estimate compared with llama.cpp's reports, and the options chosen from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.config import ModelSettings
from lwtui.errors import ConfigError
from lwtui.models.llama_cpp.fit import Device, Fit, LoadOptions, Machine, compute_bytes, fit, kv_cache_bytes
from lwtui.models.llama_cpp.gguf_header import GgufHeader, Layer, read_header
from lwtui.models.llama_cpp.machine import available_memory
from tests.errors import has_code

MB, GB = 2**20, 10**9

# Llama 3.1 8B at Q4_K_M and the demo model, as their headers describe them.
LLAMA_8B = GgufHeader(
    "llama",
    file_size=4_920_000_000,
    weights=4_912_000_000,
    layers=(Layer(125_000_000, keys=1024, values=1024),) * 32,
    context_length=131_072,
    vocabulary=128_256,
    embedding=4096,
    feed_forward=14_336,
    heads=32,
    head_length=128,
)
GEMMA_270M = GgufHeader(
    "gemma3",
    file_size=253_113_024,
    weights=246_587_904,
    layers=((Layer(4_000_000, 256, 256, window=True),) * 5 + (Layer(4_000_000, 256, 256),)) * 3,
    context_length=32_768,
    vocabulary=262_144,
    embedding=640,
    feed_forward=2048,
    heads=4,
    head_length=256,
    sliding_window=512,
)
CPU = Machine(16 * GB, cores=8)


def chosen(memory: float, model: GgufHeader = LLAMA_8B, devices: tuple[Device, ...] = (), **options: object) -> Fit:
    options: dict[str, object] = {"preferred_context": 32_768, "batch": 512} | options
    return fit(model, Machine(int(memory * GB), 8, devices), LoadOptions(**options))  # type: ignore[arg-type]


# ---- estimates --------------------------------------------------------------------------------------------------


# The options, then the sizes of the KV cache and of the compute buffer in MiB, as llama.cpp printed them.
@pytest.mark.parametrize(
    ("model", "context", "kv_type", "flash", "sequences", "swa_full", "outputs", "cache", "compute"),
    [
        (LLAMA_8B, 8192, "f16", "on", 1, True, 8, 64 * 16, 124.0),
        (LLAMA_8B, 32768, "f16", "on", 1, True, 8, 256 * 16, 148.0),
        (LLAMA_8B, 8192, "f16", "off", 1, True, 8, 64 * 16, 572.0),
        (LLAMA_8B, 32768, "f16", "off", 1, True, 8, 256 * 16, 2156.0),
        (LLAMA_8B, 32768, "q8_0", "on", 1, True, 8, 136 * 16, 140.1),
        (LLAMA_8B, 8192, "f16", "on", 1, True, 512, 64 * 16, 266.5),
        (GEMMA_270M, 8192, "f16", "on", 1, True, 8, 144, 33.8),
        (GEMMA_270M, 32768, "f16", "on", 1, True, 8, 576, 81.8),
        (GEMMA_270M, 32768, "f16", "off", 1, True, 8, 576, 393.8),
        (GEMMA_270M, 8192, "q8_0", "on", 1, True, 8, 76.5, 34.3),
        (GEMMA_270M, 8192, "f16", "on", 1, False, 8, 39, 26.8),
        (GEMMA_270M, 8192, "f16", "on", 8, False, 8, 91.5, 30.3),
        (GEMMA_270M, 8192, "f16", "on", 1, True, 512, 144, 514.5),
    ],
)
def test_the_estimate_agrees_with_llama_cpps_report(
    model: GgufHeader,
    context: int,
    kv_type: str,
    flash: str,
    sequences: int,
    swa_full: bool,
    outputs: int,
    cache: float,
    compute: float,
) -> None:
    options = LoadOptions(batch=512, sequences=sequences, outputs=outputs, swa_full=swa_full)
    assert kv_cache_bytes(model, context, kv_type, options) == cache * MB
    results = sequences * model.vocabulary * 4 / MB
    estimate = compute_bytes(model, context, flash, options) / MB - results
    # Never much too low; at most a third, or 14 MiB, too high.
    assert compute * 0.96 <= estimate <= max(compute * 1.3, compute + 14)


# Loads a model, processes a prompt and prints the memory of the process, measured outside llama.cpp.
_LOAD = """
import sys, llama_cpp as l
path, context = sys.argv[1], int(sys.argv[2])
quiet = l.llama_log_callback(lambda level, text, data: None)
l.llama_log_set(quiet, None)
l.llama_backend_init()
model = l.llama_model_load_from_file(path.encode(), l.llama_model_default_params())
settings = l.llama_context_default_params()
settings.n_ctx = context
settings.n_batch = settings.n_ubatch = 512
settings.n_outputs_max = 1
settings.n_threads = settings.n_threads_batch = 2
context = l.llama_init_from_model(model, settings)
batch = l.llama_batch_init(512, 0, 1)
batch.n_tokens = 512
for i in range(512):
    batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.seq_id[i][0], batch.logits[i] = 100 + i, i, 1, 0, i == 511
assert l.llama_decode(context, batch) == 0
for line in open("/proc/self/status"):
    if line.startswith("VmRSS"):
        print(int(line.split()[1]) * 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_the_estimate_for_the_demo_model_is_within_a_fifth(demo_gguf: Path) -> None:
    estimate = fit(read_header(demo_gguf), CPU, LoadOptions(context_length=8192, batch=512)).needed
    command = [sys.executable, "-c", _LOAD, str(demo_gguf), "8192"]
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=120)
    assert estimate == pytest.approx(json.loads(done.stdout), rel=0.2)


def test_available_memory_respects_the_limit_of_a_container(tmp_path: Path) -> None:
    without = available_memory(tmp_path)
    assert without > 100 * MB
    (tmp_path / "memory.current").write_text("90000000\n")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 20000000\nactive_file 10000000\n")
    (tmp_path / "memory.max").write_text("100000000\n")
    assert available_memory(tmp_path) == 40_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory(tmp_path) == pytest.approx(without, rel=0.2)


# ---- choices ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("memory", "context", "kv_type"),
    [
        (32, 32_768, "f16"),
        (9, 32_768, "q8_0"),
        (7.1, 16_384, "q8_0"),
        (6, 8192, "q8_0"),
    ],
)
def test_less_memory_means_less_context(memory: float, context: int, kv_type: str) -> None:
    found = chosen(memory)
    assert found.fits and found.needed <= memory * GB
    assert (found.context_length, found.kv_type, found.gpu_layers, found.threads) == (context, kv_type, 0, 8)
    assert found.flash_attention == ("on" if kv_type == "q8_0" else "auto")


def test_the_context_never_exceeds_the_training_context() -> None:
    assert chosen(64, replace(LLAMA_8B, context_length=8192)).context_length == 8192
    assert chosen(64, LLAMA_8B, preferred_context=65_536).context_length == 65_536
    assert chosen(64, replace(LLAMA_8B, context_length=0)).context_length == 32_768


def test_explicit_options_are_kept() -> None:
    settings = ModelSettings("m", kv_type="q8_0", flash_attention="auto", threads=3, context_length=5000, gpu_layers=0)
    found = fit(LLAMA_8B, CPU, LoadOptions.of(settings))
    assert (found.context_length, found.kv_type, found.flash_attention, found.threads) == (5000, "q8_0", "on", 3)
    with_preferred = replace(LoadOptions.of(ModelSettings("m")), preferred_context=4096)
    assert fit(LLAMA_8B, CPU, with_preferred).context_length == 4096
    gpu = Machine(16 * GB, 8, (Device("gpu", 24 * GB),))
    assert fit(LLAMA_8B, gpu, LoadOptions.of(settings)).gpu_layers == 0
    assert chosen(32, flash_attention="off").flash_attention == "off"
    assert chosen(9, flash_attention="off").kv_type == "f16"


@pytest.mark.parametrize(
    ("memory", "options", "advice"),
    [
        (
            6.6,
            {"context_length": 32_768},
            "needs 7.4 GB, 6.3 GB free: use a context of 16384 (6.3 GB), or a smaller quantization.",
        ),
        (2, {}, "needs 5.2 GB, 1.9 GB free: use a smaller quantization."),
        (
            16,
            {"context_length": 300_000, "kv_type": "f16"},
            "needs 44.7 GB, 15.2 GB free: use a context of 65536 (13.8 GB), or a smaller quantization.",
        ),
    ],
)
def test_advice_names_what_would_fit(memory: float, options: dict[str, int], advice: str) -> None:
    found = chosen(memory, **options)
    assert not found.fits
    assert found.advice == advice


def test_a_model_that_fits_the_gpu_runs_there() -> None:
    found = chosen(16, devices=(Device("gpu", 24 * GB),))
    assert (found.gpu_layers, found.context_length, found.kv_type) == (33, 32_768, "f16")
    assert found.on_gpu < 24 * GB and found.needed - found.on_gpu < GB


def test_the_context_shrinks_before_layers_leave_the_gpu() -> None:
    found = chosen(16, devices=(Device("gpu", 8 * GB),))
    assert (found.gpu_layers, found.context_length, found.kv_type) == (33, 32_768, "q8_0")
    found = chosen(16, devices=(Device("gpu", 7 * GB),))
    assert (found.gpu_layers, found.context_length, found.kv_type) == (33, 16_384, "q8_0")


def test_as_many_layers_as_fit_go_to_the_gpu() -> None:
    found = chosen(16, devices=(Device("gpu", 4 * GB),))
    assert 0 < found.gpu_layers < 33
    assert found.context_length == 32_768
    assert found.on_gpu < 4 * GB
    options: dict[str, object] = {"kv_type": "f16", "context_length": 32_768, "gpu_layers": found.gpu_layers + 1}
    more = chosen(16, devices=(Device("gpu", 4 * GB),), **options)
    assert more.advice == (
        "needs 3.9 GB on the GPU, 3.7 GB free: use a context of 16384 (7.4 GB), gpu_layers of 11, "
        "or a smaller quantization."
    )
    assert chosen(16, devices=(Device("gpu", 100 * MB),)).gpu_layers == 0
    both = chosen(16, devices=(Device("gpu", 4 * GB), Device("gpu", 4 * GB)))
    assert found.gpu_layers < both.gpu_layers


def test_a_gpu_with_shared_memory_takes_the_whole_model_or_the_requested_layers() -> None:
    metal = (Device("Metal", 12 * GB, shared=True),)
    assert chosen(16, devices=metal).gpu_layers == 33
    assert chosen(16, devices=metal, gpu_layers=5).gpu_layers == 5
    assert not chosen(4, devices=metal).fits
    # Within the limit that the GPU reports: a shorter context on the GPU, otherwise the processor.
    assert (chosen(16, devices=(Device("Metal", 7 * GB, shared=True),)).context_length) == 16_384
    assert chosen(16, devices=(Device("Metal", 4 * GB, shared=True),)).gpu_layers == 0
    assert "free" in chosen(16, devices=(Device("Metal", 4 * GB, shared=True),), gpu_layers=33).advice
    beside = chosen(16, devices=(Device("gpu", 4 * GB), Device("integrated", 12 * GB, shared=True)))
    assert beside == chosen(16, devices=(Device("gpu", 4 * GB),))


def test_q8_0_is_not_chosen_if_the_heads_do_not_allow_it() -> None:
    odd = replace(LLAMA_8B, head_length=80, layers=(Layer(125_000_000, 80, 80),) * 32)
    assert chosen(5.4, odd).kv_type == "f16"
    with pytest.raises(ConfigError, check=has_code("q8-not-possible")):
        chosen(16, odd, kv_type="q8_0")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"kv_type": "q4_0"}, "invalid-option"),
        ({"flash_attention": "yes"}, "invalid-option"),
        ({"kv_type": "q8_0", "flash_attention": "off"}, "q8-needs-flash-attention"),
    ],
)
def test_invalid_options_are_refused(options: dict[str, str], code: str) -> None:
    with pytest.raises(ConfigError, check=has_code(code)):
        chosen(16, **options)


def test_a_summary_states_memory_and_context() -> None:
    assert chosen(16, context_length=8192).summary() == "needs 6.2 GB with a context of 8192"
    assert (
        chosen(16, context_length=8192, kv_type="q8_0").summary() == "needs 5.7 GB with a context of 8192 (q8_0 cache)"
    )
    assert chosen(16, devices=(Device("gpu", 24 * GB),)).summary().endswith(" GB of it on the GPU")
