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

from lwtui.cli.brief import SAMPLING_PRESETS, sampling_option
from lwtui.cli.models_download import add_download_options, run_download
from lwtui.cli.models_find import add_find_options, run_find
from lwtui.cli.models_recommend import recommendation, recommendation_line
from lwtui.command_line.choice import host_of
from lwtui.command_line.default_model import default_name
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.command_line.values import nonnegative_float, positive_int
from lwtui.config import (
    ModelSettings,
    Settings,
    add_model,
    cache_folder,
    check_model,
    default_of,
    load_settings,
    parse_token_count,
    public_address,
    remove_model,
    set_value,
    store_api_key,
)
from lwtui.errors import ConfigError, LwtuiError, UsageError
from lwtui.models.catalog import DEMO, check_gguf, check_name, resolve
from lwtui.models.llama_cpp.fit import format_size, memory_summary
from lwtui.models.profiles import PROFILES, profile_for
from lwtui.models.reasoning_settings import reasoning_summary
from lwtui.models.services import best_provider
from lwtui.request_settings import EFFORTS, parse_headers, parse_parameters
from lwtui.terminal_cells import padded, width_of
from lwtui.translation import _

_REQUEST_OPTIONS = ("reasoning_effort", "reasoning_tokens", "extra_body")
_ENDPOINT_OPTIONS = ("model", "key_env", "key_stdin", "constrain", "anthropic", "extra_header", *_REQUEST_OPTIONS)
_GGUF_OPTIONS = ("kv_type", "flash_attention", "gpu_layers", "threads")


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "models",
        _(
            "List, find, add, download, verify and remove the models that --model names.\n"
            "Without an action, list them, and recommend a model for this machine."
        ),
        """
        lwtui models
        lwtui models download starter
        lwtui models find
        lwtui models add gpt --base-url https://api.openai.com/v1 --model gpt-5-mini --key-env OPENAI_API_KEY
        lwtui models add local --base-url http://127.0.0.1:11434/v1 --model qwen3:8b --use
        lwtui models add claude --anthropic --model claude-sonnet-4-5 --reasoning-effort medium
        lwtui models add gemma --path ~/models/gemma-3-4b-it-Q4_K_M.gguf
        lwtui models download
        lwtui models download longwriter-llama3.1-8b --use
        lwtui models verify local
        lwtui models remove gpt
        """,
    )
    result.add_argument("--json", action="store_true", help=_("print the list as JSON"))
    actions = result.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help=_("list the models, and recommend one (the default action)"))
    listing.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=_("print JSON"))
    add_find_options(actions.add_parser("find", help=_("find model servers on this machine")))
    _add_options(actions.add_parser("add", help=_("add a model of an endpoint, or a GGUF on this machine")))
    add_download_options(actions.add_parser("download", help=_("download a GGUF, or list those with a short name")))
    verify = actions.add_parser("verify", help=_("make a tiny call, and print how fast it was"))
    verify.add_argument("name", metavar="NAME")
    remove = actions.add_parser("remove", help=_("remove a model and its key in the keyring"))
    remove.add_argument("name", metavar="NAME")
    return result


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    parser.description = _(
        "Add a model of an OpenAI-compatible endpoint (--base-url), or a GGUF on this machine (--path)."
    )
    add("name", metavar="NAME", help=_("the name for --model"))
    add("--base-url", metavar="URL", help=_("the endpoint, such as https://api.openai.com/v1"))
    add("--model", metavar="ID", help=_("the endpoint's name for the model (default: NAME)"))
    add("--path", metavar="FILE", help=_("a GGUF file"))
    add("--key-env", metavar="VAR", help=_("the environment variable that holds the endpoint's key"))
    add("--key-stdin", action="store_true", help=_("read the key from standard input into the system keyring"))
    add("--context-length", type=_tokens, metavar="N", help=_("in tokens, such as 32k (default: from the model)"))
    add("--kv-type", choices=("f16", "q8_0"), help=_("data type of a GGUF's KV cache (default: whichever fits)"))
    add("--flash-attention", choices=("on", "off", "auto"), help=_("for a GGUF (default: by --kv-type)"))
    add("--gpu-layers", type=_int_or_zero, metavar="N", help=_("layers of a GGUF on the GPU (default: as many as fit)"))
    add("--threads", type=positive_int, metavar="N", help=_("threads that run a GGUF (default: one per core)"))
    add("--profile", choices=sorted(PROFILES), help=_("how to prompt the model (default: by its name)"))
    add("--constrain", choices=("grammar", "json_schema"), help=_("constrained decoding that the endpoint supports"))
    add("--anthropic", action="store_true", help=_("use Anthropic's own API (needs the extra anthropic)"))
    add(
        "--reasoning-effort",
        metavar="WORD",
        help=_("how much it reasons: {efforts} (default: the endpoint's)", efforts=", ".join(EFFORTS)),
    )
    add(
        "--reasoning-tokens",
        type=_tokens_or_zero,
        metavar="N",
        help=_("most tokens of reasoning in an answer; 0: none"),
    )
    add("--extra-body", type=_parameters, metavar="JSON", help=_('more parameters of each request: {"provider": …}'))
    header_help = _('another header of each request, such as "X-Title: book"; $NAME stands for an environment variable')
    add("--extra-header", action="append", type=_header, metavar="HEADER", help=header_help)
    add("--temperature", type=nonnegative_float, metavar="T", help=_("sampling temperature"))
    sampling_help = _('other sampling options, such as "min_p=0.05, top_k=40", or {presets}', presets=SAMPLING_PRESETS)
    add("--sampling", type=sampling_option, metavar="LIST", help=sampling_help)
    add("--price-input", type=nonnegative_float, metavar="PRICE", help=_("price of a million input tokens"))
    add("--price-output", type=nonnegative_float, metavar="PRICE", help=_("price of a million output tokens"))
    add("--price-cached", type=nonnegative_float, metavar="PRICE", help=_("price of a million cached input tokens"))
    add("--use", action="store_true", help=_("make it the default model"))
    add("--force", action="store_true", help=_("replace a model of the same name"))


def run(options: argparse.Namespace) -> int:
    """Run the command, and return the exit code."""
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
    default = default_name(settings)
    if as_json:
        described = [_described(model, default) for model in models.values()]
        shown = {"models": described, "recommended": recommendation(settings)}
        print(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    width = max(map(width_of, models))
    for model in models.values():
        mark = "*" if model.name == default else " "
        memory = memory_summary(model)
        details = memory or reasoning_summary(model)
        print(f"{mark} {padded(model.name, width)}  {_where(model)}" + (f" ({details})" if details else ""))
    print(recommendation_line(settings))


def _described(model: ModelSettings, default: str) -> dict[str, Any]:
    """Return the settings of a model that differ from the defaults. None of them is secret."""
    shown = {"name": model.name, "provider": model.provider, "default": model.name == default}
    if model.is_endpoint:
        shown |= {"model": model.model or model.name, "base_url": public_address(model.base_url)}
    given = {item.name: getattr(model, item.name) for item in fields(ModelSettings)}
    return shown | {
        item.name: given[item.name]
        for item in fields(ModelSettings)
        if item.name not in shown and given[item.name] != default_of(item)
    }


def _where(model: ModelSettings) -> str:
    if model.is_endpoint:
        return _("{model} at {host}", model=model.model or model.name, host=host_of(model.base_url))
    return model.path or _("Gemma 3 270M, a small base model that comes with lwtui[demo]")


def _add(options: argparse.Namespace, settings: Settings) -> None:
    name: str = options.name
    check_name(name)
    if name in settings.models and not options.force:
        raise UsageError(
            _("There is already a model named {name!r}. Replace it with --force, or choose another name.", name=name),
            code="already-exists",
        )
    if bool(options.path) == bool(options.base_url or options.anthropic):
        raise UsageError(
            _("Use either --base-url (or --anthropic), for an endpoint, or --path, for a GGUF on this machine."),
            code="conflicting-options",
        )
    if options.key_env and options.key_stdin:
        raise UsageError(_("Use either --key-env or --key-stdin, not both."), code="conflicting-options")
    model = _gguf(options) if options.path else _endpoint(options)
    profile_for(model)
    check_model(model)
    if options.key_stdin:
        store_api_key(model, _read_key())
    add_model(model)
    if options.use:
        set_value("model", name)
    say(_("Added {name}: {where}. Try it: lwtui models verify {name}", name=name, where=_where(model)))


def _endpoint(options: argparse.Namespace) -> ModelSettings:
    if options.base_url:
        host_of(options.base_url)
    _refuse(options, _GGUF_OPTIONS, _("GGUFs"), "--base-url")
    if options.key_env and not regex.fullmatch(r"[A-Za-z_]\w*", options.key_env):
        # The value may be the key itself, so the message does not repeat it.
        raise UsageError(
            _("--key-env takes the name of an environment variable, such as OPENAI_API_KEY."), code="not-a-variable"
        )
    given = {name: value for name in _REQUEST_OPTIONS if (value := getattr(options, name)) is not None}
    if options.base_url:
        given["base_url"] = options.base_url
    return ModelSettings(
        options.name,
        provider="anthropic" if options.anthropic else best_provider(options.base_url),
        model=options.model or "",
        key_env=options.key_env or "",
        extra_headers={name: value for headers in options.extra_header or () for name, value in headers.items()},
        **given,
        **_shared(options),
    )


def _gguf(options: argparse.Namespace) -> ModelSettings:
    _refuse(options, _ENDPOINT_OPTIONS, _("endpoints"), "--path")
    if options.kv_type == "q8_0" and options.flash_attention == "off":
        raise UsageError(
            _("--kv-type q8_0 needs flash attention. Leave out --flash-attention off."), code="q8-needs-flash-attention"
        )
    path = Path(options.path).expanduser().absolute()
    check_gguf(path)
    gguf_settings = {name: value for name in _GGUF_OPTIONS if (value := getattr(options, name)) is not None}
    return ModelSettings(options.name, provider="llama_cpp", path=str(path), **gguf_settings, **_shared(options))


def _refuse(options: argparse.Namespace, names: tuple[str, ...], kind: str, other: str) -> None:
    for name in names:
        given = getattr(options, name)
        if given is not None and given is not False and given != "":
            raise UsageError(
                _(
                    "{option} is for {kind}: leave it out, or leave out {other}.",
                    option=f"--{name.replace('_', '-')}",
                    kind=kind,
                    other=other,
                ),
                code="conflicting-options",
            )


def _shared(options: argparse.Namespace) -> dict[str, Any]:
    names = (
        "context_length",
        "profile",
        "constrain",
        "temperature",
        "sampling",
        "price_input",
        "price_output",
        "price_cached",
    )
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def _read_key() -> str:
    if sys.stdin.isatty():
        from getpass import getpass

        return _checked_key(getpass(_("Key: ")))
    return _checked_key(sys.stdin.readline())


def _checked_key(key: str) -> str:
    if not key.strip():
        raise UsageError(_("There is no key on standard input. Pipe it in, or type it when asked."), code="no-key")
    return key.strip()


def _remove(name: str, settings: Settings) -> None:
    model = settings.models.get(name)
    remove_model(name)
    try:
        if model is not None:
            store_api_key(model, "")
    except ConfigError:
        say(_("This machine has no system keyring, so there was no key to remove."))
    if settings.model == name:
        set_value("model", "")
    if (path := Path(settings.models[name].path).expanduser()).is_relative_to(cache_folder()) and path.is_file():
        say(
            _(
                "Its file of {size} is still there: {path}",
                size=format_size(path.stat().st_size),
                path=path,
            )
        )
    if settings.model == name:
        say(_("Removed {name}. The demo model is the default now.", name=name))
    else:
        say(_("Removed {name}.", name=name))


def _verify(model: ModelSettings, settings: Settings) -> int:
    from lwtui.agentwrite.agent import open_agent
    from lwtui.agentwrite.model_check import check_model
    from lwtui.command_line.terms import show_terms_once

    async def check() -> str:
        agent = await open_agent(model.name, settings, model=model)
        try:
            return await check_model(agent)
        finally:
            await agent.aclose()

    show_terms_once(model)
    _check_pin(model)
    print(asyncio.run(check()))
    if memory := memory_summary(model):
        print(_("{model} {memory}.", model=model.name, memory=memory))
    return 0


def _check_pin(model: ModelSettings) -> None:
    """Raise :class:`LwtuiError` if a downloaded file has changed since."""
    from lwtui.models.known_ggufs import read_pin
    from lwtui.models.llama_cpp.hashing import file_hash

    path = Path(model.path).expanduser()
    pin = read_pin(path) if model.path else {}
    if pin and path.is_file() and file_hash(path) != pin["sha256"]:
        raise LwtuiError(
            _("{path} has changed since it was downloaded. Remove it and download it again.", path=path),
            code="hash-differs",
        )


def _tokens(given: str) -> int:
    try:
        number = parse_token_count(given)
    except ValueError:
        number = 0
    if number <= 0:
        raise argparse.ArgumentTypeError(
            _("must be a number of tokens above 0, such as 32768 or 32k, not {given!r}", given=given)
        )
    return number


def _tokens_or_zero(given: str) -> int:
    return 0 if given.strip() == "0" else _tokens(given)


def _parameters(given: str) -> dict[str, Any]:
    try:
        return parse_parameters(given)
    except ValueError:
        raise argparse.ArgumentTypeError(_('must be parameters as JSON, such as {"top_k": 40}')) from None


def _header(given: str) -> dict[str, str]:
    name, colon, value = given.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(_('must be a header such as "X-Title: book"'))  # may be a key, so not quoted
    return parse_headers(json.dumps({name.strip(): value.strip()}))


def _int_or_zero(given: str) -> int:
    return 0 if given == "0" else positive_int(given)
