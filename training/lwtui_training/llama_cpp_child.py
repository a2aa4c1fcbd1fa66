"""Runs llama.cpp's converter in a process of its own, with the ``gguf`` package that belongs to it.

``python -P llama_cpp_child.py JOBS`` converts what the file of :func:`lwtui_training.gguf_converter.convert` lists. It
imports nothing of lwtui: the converter's ``gguf`` and ours must not meet in one process.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any


def main(jobs_file: Path) -> None:
    """Run all jobs of a file, one after the other."""
    content = json.loads(jobs_file.read_text(encoding="utf-8"))
    converter = Path(content["converter"])
    sys.path[:0] = [str(converter), str(converter / "gguf-py")]
    os.environ.pop("NO_LOCAL_GGUF", None)
    import gguf

    base = importlib.import_module("conversion.base")
    add_to_gguf = gguf.SpecialVocab.add_to_gguf
    pre_of = base.TextModel.get_vocab_base_pre
    for job in content["jobs"]:
        gguf.SpecialVocab.add_to_gguf = _with_metadata(add_to_gguf, job)
        base.TextModel.get_vocab_base_pre = _with_known_pre(pre_of, job)
        sys.argv = ["convert_hf_to_gguf.py", *job["arguments"]]
        runpy.run_path(str(converter / "convert_hf_to_gguf.py"), run_name="__main__")


def _with_metadata(add_to_gguf: Any, job: dict[str, Any]) -> Any:
    """Write the recipe's chat template and the token that ends its answers."""

    def add(vocab: Any, *args: Any, **options: Any) -> None:
        vocab.chat_template = job["chat_template"]
        if job["eot"] is not None:
            vocab.special_token_ids["eot"] = job["eot"]
        vocab.add_special_token = {"bos": job["add_bos"], "eos": False}
        add_to_gguf(vocab, *args, **options)

    return add


def _with_known_pre(pre_of: Any, job: dict[str, Any]) -> Any:
    """Use the pre-tokenizer that lwtui found by its pattern if the converter does not know the vocabulary."""

    def find(model: Any, tokenizer: Any) -> str:
        try:
            return str(pre_of(model, tokenizer))
        except NotImplementedError:
            if not job["pre"]:
                raise
            return str(job["pre"])

    return find


if __name__ == "__main__":
    main(Path(sys.argv[1]))
