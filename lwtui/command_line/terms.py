"""The terms of use of the demo model, shown once."""

from __future__ import annotations

from lwtui.config import ModelSettings, cache_folder


def show_terms_once(model: ModelSettings) -> None:
    """Print the terms of use of the demo model the first time it is used."""
    if model.name != "demo" or model.path or model.provider != "llama_cpp":
        return
    from lwtui.command_line.guard import say
    from lwtui.models.llama_cpp.demo import TERMS

    seen = cache_folder() / "demo-terms-shown"
    if seen.exists():
        return
    say(TERMS)
    try:
        seen.parent.mkdir(parents=True, exist_ok=True)
        seen.touch()
    except OSError:
        return  # the terms are shown again next time
