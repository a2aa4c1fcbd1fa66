"""``lwtui models``: list, find, add, download, verify and remove models."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import regex

from lwtui.cli.brief import SAMPLING_SETS, sampling_option
from lwtui.cli.models_download import add_download_options, run_download
from lwtui.cli.models_find import add_find_options, run_find
from lwtui.command_line.choice import host_of
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.command_line.values import number, whole
from lwtui.config import (
    ModelSettings,
    Settings,
    add_model,
    cache_folder,
    load_settings,
    public_address,
    remove_model,
    set_value,
    store_api_key,
    tokens,
)
from lwtui.errors import ConfigError, LwtuiError, UsageError
from lwtui.models.catalog import DEMO, check_gguf, check_name, resolve
from lwtui.models.llama_cpp.fit import in_gb, memory_in_words
from lwtui.models.profiles import PROFILES, profile_for
from lwtui.models.servers import loaded_context

_OF_ENDPOINTS = ("model", "key_env", "key_stdin", "constrain")
_OF_GGUFS = ("kv_type", "flash_attention", "gpu_layers", "threads")


def parser() -> Parser:
    result = command_parser(
        "models",
        "List, find, add, download, verify and remove the models that --model names.",
        """
        lwtui models
        lwtui models find
        lwtui models add gpt --base-url https://api.openai.com/v1 --model gpt-5-mini --key-env OPENAI_API_KEY
        lwtui models add local --base-url http://127.0.0.1:11434/v1 --model qwen3:8b --use
        lwtui models add gemma --path ~/models/gemma-3-4b-it-Q4_K_M.gguf
        lwtui models download
        lwtui models download longwriter-llama3.1-8b --use
        lwtui models verify local
        lwtui models remove gpt
        """,
    )
    actions = result.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="list the models (also without an action)")
    listing.add_argument("--json", action="store_true", help="as a JSON list")
    add_find_options(actions.add_parser("find", help="find the model servers that run on this machine"))
    _add_options(actions.add_parser("add", help="add an endpoint's model, or a GGUF on this machine"))
    add_download_options(actions.add_parser("download", help="download a GGUF, or list those that can be had by name"))
    verify = actions.add_parser("verify", help="make a tiny call and tell how fast it was")
    verify.add_argument("name", metavar="NAME")
    remove = actions.add_parser("remove", help="remove a model and the key that the keyring has for it")
    remove.add_argument("name", metavar="NAME")
    return result


def _add_options(to: argparse.ArgumentParser) -> None:
    to.description = "Add a model of an OpenAI-compatible endpoint (--base-url), or a GGUF on this machine (--path)."
    to.add_argument("name", metavar="NAME", help="what --model is to call it")
    to.add_argument("--base-url", metavar="URL", help="the endpoint, such as https://api.openai.com/v1")
    to.add_argument("--model", metavar="ID", help="the endpoint's own name for the model (default: NAME)")
    to.add_argument("--path", metavar="FILE", help="a GGUF file")
    to.add_argument("--key-env", metavar="VAR", help="the environment variable that holds the endpoint's key")
    to.add_argument("--key-stdin", action="store_true", help="read the key from standard input into the system keyring")
    to.add_argument(
        "--context-length", type=_tokens, metavar="N", help="tokens, such as 32k (default: what the model says)"
    )
    to.add_argument("--kv-type", choices=("f16", "q8_0"), help="how a GGUF's cache is kept (default: what fits)")
    to.add_argument("--flash-attention", choices=("on", "off", "auto"), help="of a GGUF (default: by --kv-type)")
    to.add_argument("--gpu-layers", type=_whole_or_none, metavar="N", help="of a GGUF (default: as many as fit)")
    to.add_argument("--threads", type=whole, metavar="N", help="that compute a GGUF (default: one for each core)")
    to.add_argument("--profile", choices=sorted(PROFILES), help="how to prompt it (default: by its name)")
    to.add_argument("--constrain", choices=("grammar", "json_schema"), help="what the endpoint can hold answers to")
    to.add_argument("--temperature", type=number, metavar="T", help="of the sampling")
    to.add_argument(
        "--sampling", type=sampling_option, metavar="LIST", help=f'such as "min_p=0.05, top_k=40", or {SAMPLING_SETS}'
    )
    to.add_argument("--price-input", type=number, metavar="PRICE", help="of a million tokens of prompts")
    to.add_argument("--price-output", type=number, metavar="PRICE", help="of a million tokens of answers")
    to.add_argument("--use", action="store_true", help="make it the model that is used without --model")
    to.add_argument("--force", action="store_true", help="replace a model of that name")


def run(options: argparse.Namespace) -> int:
    settings = load_settings()
    match options.action:
        case "find":
            return run_find(options, settings)
        case "add":
            _add(options, settings)
        case "download":
            return run_download(options, settings)
        case "verify":
            return _verify(resolve(options.name, settings), settings)
        case "remove":
            _remove(options.name, settings)
        case _:
            _list(settings, as_json=getattr(options, "json", False))
    return 0


def _list(settings: Settings, *, as_json: bool) -> None:
    models = {"demo": DEMO} | settings.models
    if as_json:
        print(json.dumps([_described(model, settings) for model in models.values()], ensure_ascii=False, indent=2))
        return
    width = max(map(len, models))
    for model in models.values():
        mark = "*" if model.name == settings.model else " "
        memory = memory_in_words(model)
        print(f"{mark} {model.name:<{width}}  {_where(model)}" + (f" ({memory})" if memory else ""))


def _described(model: ModelSettings, settings: Settings) -> dict[str, Any]:
    """A model's settings that are not the defaults. None of them is secret."""
    shown = {"name": model.name, "provider": model.provider, "default": model.name == settings.model}
    if model.provider == "openai":
        shown |= {"model": model.model or model.name, "base_url": public_address(model.base_url)}
    given = {item.name: getattr(model, item.name) for item in fields(ModelSettings)}
    return shown | {
        item.name: given[item.name]
        for item in fields(ModelSettings)
        if item.name not in shown and given[item.name] != item.default
    }


def _where(model: ModelSettings) -> str:
    if model.provider == "openai":
        return f"{model.model or model.name} at {host_of(model.base_url)}"
    return model.path or "Gemma 3 270M, a small base model that comes with lwtui[demo]"


def _add(options: argparse.Namespace, settings: Settings) -> None:
    name: str = options.name
    check_name(name)
    if name in settings.models and not options.force:
        raise UsageError(f"There is a model named {name!r} already. Replace it with --force, or choose another name.")
    if bool(options.path) == bool(options.base_url):
        raise UsageError("Give either --base-url, for an endpoint, or --path, for a GGUF on this machine.")
    if options.key_env and options.key_stdin:
        raise UsageError("Give either --key-env or --key-stdin.")
    model = _gguf(options) if options.path else _endpoint(options)
    profile_for(model)
    if options.key_stdin:
        store_api_key(model, _read_key())
    add_model(model)
    if options.use:
        set_value("model", name)
    say(f"Added {name}: {_where(model)}. Try it: lwtui models verify {name}")


def _endpoint(options: argparse.Namespace) -> ModelSettings:
    host_of(options.base_url)
    _refuse(options, _OF_GGUFS, "GGUFs", "--base-url")
    if options.key_env and not regex.fullmatch(r"[A-Za-z_]\w*", options.key_env):
        # Somebody may have put the key itself here, so it is not repeated.
        raise UsageError("--key-env takes the name of an environment variable, such as OPENAI_API_KEY.")
    return ModelSettings(
        options.name,
        model=options.model or "",
        base_url=options.base_url,
        key_env=options.key_env or "",
        **_shared(options),
    )


def _gguf(options: argparse.Namespace) -> ModelSettings:
    _refuse(options, _OF_ENDPOINTS, "endpoints", "--path")
    if options.kv_type == "q8_0" and options.flash_attention == "off":
        raise UsageError("--kv-type q8_0 needs flash attention: leave --flash-attention off away.")
    path = Path(options.path).expanduser().absolute()
    check_gguf(path)
    own = {name: value for name in _OF_GGUFS if (value := getattr(options, name)) is not None}
    return ModelSettings(options.name, provider="llama_cpp", path=str(path), **own, **_shared(options))


def _refuse(options: argparse.Namespace, names: tuple[str, ...], kind: str, other: str) -> None:
    for name in names:
        given = getattr(options, name)
        if given is not None and given is not False and given != "":
            raise UsageError(f"--{name.replace('_', '-')} is for {kind}, and does not go with {other}.")


def _shared(options: argparse.Namespace) -> dict[str, Any]:
    names = ("context_length", "profile", "constrain", "temperature", "sampling", "price_input", "price_output")
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def _read_key() -> str:
    if sys.stdin.isatty():
        from getpass import getpass

        return _checked_key(getpass("Key: "))
    return _checked_key(sys.stdin.readline())


def _checked_key(key: str) -> str:
    if not key.strip():
        raise UsageError("No key came on standard input.")
    return key.strip()


def _remove(name: str, settings: Settings) -> None:
    model = settings.models.get(name)
    remove_model(name)
    try:
        if model is not None:
            store_api_key(model, "")
    except ConfigError:
        say("This machine has no system keyring, so there was no key to remove.")
    if settings.model == name:
        set_value("model", "")
    if (path := Path(settings.models[name].path).expanduser()).is_relative_to(cache_folder()) and path.is_file():
        say(f"Its file stays, {in_gb(path.stat().st_size)}: {path}")
    say(f"Removed {name}." + (" The demo model is the default now." if settings.model == name else ""))


def _verify(model: ModelSettings, settings: Settings) -> int:
    from lwtui.agentwrite.agent import open_agent
    from lwtui.agentwrite.model_check import check_model
    from lwtui.command_line.terms import show_terms_once

    async def tried() -> str:
        agent = await open_agent(model.name, settings, model=model)
        try:
            return await check_model(agent) + _context_hint(model, await loaded_context(model))
        finally:
            await agent.aclose()

    show_terms_once(model)
    _check_pin(model)
    print(asyncio.run(tried()))
    if memory := memory_in_words(model):
        print(f"{model.name} {memory}.")
    return 0


def _context_hint(model: ModelSettings, loaded: int) -> str:
    """What to set where a server has loaded a model with a context that it tells nobody who asks for text."""
    if not loaded or loaded == model.context_length:
        return ""
    return (
        f"\nIts server has loaded it with {loaded:,} tokens of context, and would cut longer prompts without a word: "
        f"lwtui config set models.{model.name}.context_length {loaded}"
    )


def _check_pin(model: ModelSettings) -> None:
    """Raise :class:`LwtuiError` if a file that was downloaded is no longer what it was."""
    from lwtui.models.known_ggufs import pinned
    from lwtui.models.llama_cpp.hashing import file_hash

    path = Path(model.path).expanduser()
    kept = pinned(path) if model.path else {}
    if kept and path.is_file() and file_hash(path) != kept["sha256"]:
        raise LwtuiError(
            f"{path} is not the file that was downloaded: it changed since. Remove it and download it again."
        )


def _tokens(given: str) -> int:
    try:
        number = tokens(given)
    except ValueError:
        number = 0
    if number <= 0:
        raise argparse.ArgumentTypeError(f"must be a number of tokens above 0, such as 32768 or 32k, not {given!r}")
    return number


def _whole_or_none(given: str) -> int:
    return 0 if given == "0" else whole(given)
