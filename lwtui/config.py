"""Settings (``settings.toml`` in the user's config folder) and secrets (environment or system keyring).

Heavy imports stay inside functions: the command line reads settings at every start.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Any

from lwtui.errors import ConfigError

KEYRING_SERVICE = "lwtui"
PROVIDERS = ("openai", "llama_cpp")


class Role(StrEnum):
    """What a model can be for. The writer is a document's model, or the settings' ``model``."""

    PLAN = "plan"
    WRITE = "write"
    CRITIC = "critic"  # reads: notes on sections that no longer fit, and reviews

    @property
    def setting(self) -> str:
        """Where a document keeps its own choice."""
        return f"role.{self.value}"


@dataclass(frozen=True)
class ModelSettings:
    """One ``[models.NAME]`` table: an endpoint (``provider = "openai"``) or a GGUF (``"llama_cpp"``)."""

    name: str
    provider: str = "openai"
    model: str = ""  # the endpoint's own name for it; empty: the same as ``name``
    base_url: str = "https://api.openai.com/v1"
    key_env: str = ""  # environment variable that holds the key; empty: LWTUI_API_KEY, then the keyring
    path: str = ""  # the GGUF's file
    profile: str = ""  # chat, base, longwriter-llama3.1, longwriter-glm4; empty: by the model's name
    context_length: int = 0  # tokens; 0: what the backend says
    state_gb: float = 4.0  # on disk at most, so that a GGUF need not read a document anew; 0 keeps nothing
    kv_type: str = ""  # how a GGUF's keys and values are kept: f16, q8_0; empty: by what fits
    flash_attention: str = ""  # on, off, auto; empty: by kv_type
    gpu_layers: int | None = None  # layers of a GGUF on the GPU; None: as many as fit
    threads: int = 0  # that compute a GGUF; 0: one for each core
    constrain: str = ""  # what an endpoint's decoding can be held to: "grammar", "json_schema" or nothing
    temperature: float | None = None
    sampling: str = ""  # more of it: "inventive", "min_p=0.05, dry_multiplier=0.8" (see lwtui.models.sampling)
    price_input: float | None = None  # per million tokens, in the account's currency
    price_output: float | None = None
    price_cached: float | None = None  # of a prompt's tokens that were kept from before; None: as any other
    connect_seconds: float = 10.0
    stall_seconds: float = 120.0  # a stream that is silent for longer is taken for dead
    retry_seconds: float = 300.0  # a call is given up after this long without progress


@dataclass(frozen=True)
class Settings:
    """Everything in ``settings.toml``."""

    model: str = "demo"
    documents: str = ""  # folder; empty: Documents/lwtui
    theme: str = "textual-dark"
    author: str = ""  # the name on title pages
    mirror: bool = False  # keep a Markdown file beside each document up to date
    restore: bool = True  # begin where lwtui was left
    vim: bool = False  # vim's keys in the text
    keys: dict[str, str] = field(default_factory=dict)  # [keys]: a person's own, by action (GROUP.ACTION) or its name
    models: dict[str, ModelSettings] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)  # [roles]: other models for plan and critic, by name

    @property
    def documents_folder(self) -> Path:
        if self.documents:
            return Path(self.documents).expanduser()
        from platformdirs import user_documents_path

        return user_documents_path() / "lwtui"


def config_folder() -> Path:
    """Where settings and a person's own prompts are (``LWTUI_CONFIG_DIR`` overrides it)."""
    if override := os.environ.get("LWTUI_CONFIG_DIR"):
        return Path(override)
    from platformdirs import user_config_path

    return user_config_path("lwtui", appauthor=False)


def cache_folder() -> Path:
    """Where models and other things that can be made again are (``LWTUI_CACHE_DIR`` overrides it)."""
    if override := os.environ.get("LWTUI_CACHE_DIR"):
        return Path(override)
    from platformdirs import user_cache_path

    return user_cache_path("lwtui", appauthor=False)


def state_folder() -> Path:
    """Where the log and the place where lwtui was left are (``LWTUI_STATE_DIR`` overrides it)."""
    if override := os.environ.get("LWTUI_STATE_DIR"):
        return Path(override)
    from platformdirs import user_state_path

    return user_state_path("lwtui", appauthor=False)


def settings_file() -> Path:
    return config_folder() / "settings.toml"


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings; a file that is not there means the defaults.

    Raises :class:`ConfigError` naming the file, the line or key, and what is allowed.
    """
    path = path or settings_file()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}. Mend that line or move the file away.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text. Mend it or move the file away.") from None
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}. Check its permissions.") from None
    return _parse(table, path)


def set_value(
    key: str, value: str, path: Path | None = None, check: Callable[[Settings], None] = lambda _: None
) -> None:
    """Set a field of :class:`Settings` or ``models.NAME.FIELD`` and keep the file's comments.

    An empty ``value`` removes the entry. The new file is checked, also by ``check``, before it replaces the old one,
    in one step.
    """
    import tomlkit

    if key.endswith(".base_url"):
        _check_public(value)
    path = path or settings_file()
    load_settings(path)  # never rewrite a file that cannot be understood
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    *parents, leaf = _split_key(key)
    table: Any = document
    for name in parents:
        if name not in table:
            table[name] = tomlkit.table(is_super_table=name == "models")
        table = table[name]
    if parents == ["keys"]:
        group, _, action = leaf.partition(".")
        if isinstance(nested := table.get(group), dict):
            nested.pop(action, None)  # the same key in a table [keys.GROUP]
    if value == "":
        table.pop(leaf, None)
    elif parents in (["roles"], ["keys"]):
        table[leaf] = value
    elif key == "model" and Role.WRITE.value in document.get("roles", {}):
        document["roles"][Role.WRITE.value] = value  # which is the same, and has the last word
    else:
        table[leaf] = _typed(leaf, value, ModelSettings if parents else Settings)
    _write_checked(document, path, check)


def add_model(model: ModelSettings, path: Path | None = None) -> None:
    """Write one ``[models.NAME]`` table, replacing one of that name. Only values that differ from the defaults.

    Raises :class:`ConfigError` for an address that holds a secret, which does not belong into a file.
    """
    import tomlkit

    _check_public(model.base_url)
    path = path or settings_file()
    load_settings(path)
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    if "models" not in document:
        document["models"] = tomlkit.table(is_super_table=True)
    table = tomlkit.table()
    table.update(_entries(model))
    document["models"][model.name] = table
    _write_checked(document, path)


def check_model(model: ModelSettings) -> None:
    """Raise :class:`ConfigError` for what :func:`add_model` would not write."""
    _check_public(model.base_url)
    _parse({"models": {model.name: _entries(model)}}, settings_file())


def _entries(model: ModelSettings) -> dict[str, Any]:
    """What stands in a model's table: the values that differ from the defaults."""
    entries = {"provider": model.provider}
    for item in fields(ModelSettings):
        value = getattr(model, item.name)
        if item.name != "name" and value != item.default:
            entries[item.name] = value
    return entries


def remove_model(name: str, path: Path | None = None) -> None:
    """Remove ``[models.NAME]``; raises :class:`ConfigError` if there is none."""
    import tomlkit

    path = path or settings_file()
    if name not in load_settings(path).models:
        raise ConfigError(f"There is no model named {name!r} in {path}.")
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    del document["models"][name]
    _write_checked(document, path)


def public_address(base_url: str) -> str:
    """An address as it may be shown and stored: without the user, password and query that may be secret."""
    head, slashes, rest = base_url.partition("?")[0].partition("#")[0].rpartition("//")
    host, slash, path = rest.partition("/")
    return f"{head}{slashes}{host.rpartition('@')[2]}{slash}{path}"


def _check_public(base_url: str) -> None:
    if public_address(base_url) != base_url:
        raise ConfigError(
            "The address holds a password or a key, which would stand in the settings file. Leave out what is before "
            "the @ and after the ?: keys go into the environment or the system keyring."
        )


def api_key(model: ModelSettings) -> str:
    """The key for an endpoint: its own variable, ``LWTUI_API_KEY``, then the keyring; empty if there is none.

    ``OPENAI_API_KEY`` is used for OpenAI's own address only, so that no other server is ever shown it.
    """
    if variable := key_variable(model):
        return os.environ[variable].strip()
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(KEYRING_SERVICE, keyring_name(model)) or ""
    except KeyringError:
        return ""  # no keyring on this machine: the same as no key in it


def key_variable(model: ModelSettings) -> str:
    """The environment variable that holds the key for an endpoint, and goes before the keyring; empty if none does."""
    own = model.base_url.startswith("https://api.openai.com/")
    names = (model.key_env, "LWTUI_API_KEY", "OPENAI_API_KEY" if own else "")
    return next((name for name in names if name and os.environ.get(name, "").strip()), "")


def keyring_name(model: ModelSettings) -> str:
    """What the keyring calls a model's key: of the model at this server. With another address it has none."""
    scheme, _, rest = model.base_url.lower().partition("://")
    return f"{model.name} at {scheme}://{rest.partition('/')[0]}"


def store_api_key(model: ModelSettings, key: str) -> None:
    """Keep a model's key in the system keyring; an empty key removes it. Raises :class:`ConfigError`."""
    import keyring
    from keyring.errors import KeyringError, PasswordDeleteError

    try:
        if key:
            keyring.set_password(KEYRING_SERVICE, keyring_name(model), key)
        else:
            keyring.delete_password(KEYRING_SERVICE, keyring_name(model))
    except PasswordDeleteError:
        return  # there was none to remove
    except KeyringError:
        raise ConfigError(
            "This machine has no system keyring. Put the key in the environment instead: export LWTUI_API_KEY=…"
        ) from None


def _parse(table: dict[str, Any], path: Path) -> Settings:
    models = table.pop("models", {})
    if not isinstance(models, dict):
        raise ConfigError(f"{path}: 'models' must be tables such as [models.NAME].")
    roles = _parsed_roles(table.pop("roles", {}), path)
    keys = _parsed_keys(table.pop("keys", {}), path)
    top = _checked(table, Settings, f"{path}: ")
    if writer := roles.pop(Role.WRITE.value, ""):
        top["model"] = writer
    parsed = {}
    for name, entry in models.items():
        if not isinstance(entry, dict):
            raise ConfigError(f"{path}: models.{name} must be a table, [models.{name}].")
        values = _checked(entry, ModelSettings, f"{path}: [models.{name}] ")
        model = ModelSettings(name=name, **values)
        if model.provider not in PROVIDERS:
            raise ConfigError(f"{path}: [models.{name}] provider must be one of {', '.join(PROVIDERS)}.")
        if model.provider == "llama_cpp" and not model.path:
            raise ConfigError(f"{path}: [models.{name}] needs path, the GGUF's file.")
        if model.kv_type == "q8_0" and model.flash_attention == "off":
            raise ConfigError(f"{path}: [models.{name}] kv_type q8_0 needs flash_attention, which is off.")
        parsed[name] = model
    return Settings(models=parsed, roles=roles, keys=keys, **top)


def _parsed_keys(table: Any, path: Path) -> dict[str, str]:
    """The table ``[keys]``, in which ``writing.save`` may also be ``save`` in a table ``[keys.writing]``."""
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: 'keys' must be a table, [keys].")
    keys: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            keys |= {f"{name}.{inner}": key for inner, key in _parsed_keys(value, path).items()}
        elif isinstance(value, str) and value:
            keys[name] = value
        else:
            raise ConfigError(f"{path}: [keys] '{name}' must be a key in quotes, such as \"ctrl+s\".")
    return keys


def _parsed_roles(table: Any, path: Path) -> dict[str, str]:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: 'roles' must be a table, [roles].")
    for name, model in table.items():
        if name not in set(Role):
            raise ConfigError(f"{path}: [roles] '{name}' is not a role. Known: {', '.join(Role)}.")
        if not isinstance(model, str):
            raise ConfigError(f"{path}: [roles] '{name}' must be the name of a model, in quotes.")
    return dict(table)


# The types a value may have in the file, by the annotation of its field.
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "float | None": (float, int),
    "int | None": (int,),
}

# The values that a text may have, where it is not free.
_CHOICES: dict[str, tuple[str, ...]] = {
    "kv_type": ("f16", "q8_0"),
    "flash_attention": ("on", "off", "auto"),
    "constrain": ("grammar", "json_schema"),
}


def _known(kind: type) -> dict[str, str]:
    return {item.name: str(item.type) for item in fields(kind) if str(item.type) in _TYPES and item.name != "name"}


def _checked(table: dict[str, Any], kind: type, where: str) -> dict[str, Any]:
    known = _known(kind)
    for key, value in table.items():
        if key not in known:
            raise ConfigError(f"{where}'{key}' is not a setting. Known: {', '.join(known)}.")
        allowed = _TYPES[known[key]]
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise ConfigError(f"{where}'{key}' must be {_words_for(known[key])}, not {value!r}.")
        if isinstance(value, int | float) and not 0 <= value < inf:
            what = "must not be negative" if value < 0 else "must be a finite number"
            raise ConfigError(f"{where}'{key}' {what}.")
        if value and value not in _CHOICES.get(key, (value,)):
            raise ConfigError(f"{where}'{key}' must be one of {', '.join(_CHOICES[key])}, not {value!r}.")
    return dict(table)


def _words_for(annotation: str) -> str:
    words = {"str": "text in quotes", "int": "a whole number", "bool": "true or false"}
    return words.get(annotation.removesuffix(" | None"), "a number")


def _typed(leaf: str, value: str, kind: type) -> Any:
    annotation = _known(kind).get(leaf)
    if annotation is None:
        raise ConfigError(f"'{leaf}' is not a setting. Known: {', '.join(_known(kind))}, models.NAME.….")
    try:
        if annotation == "bool":
            return {"true": True, "false": False}[value.lower()]
        if leaf == "context_length":
            return tokens(value)
        if annotation.startswith("int"):
            return int(value)
        return float(value) if annotation.startswith("float") else value
    except (ValueError, KeyError):
        raise ConfigError(f"'{leaf}' must be {_words_for(annotation)}, not {value!r}.") from None


def tokens(given: str) -> int:
    """A number of tokens as people write it: ``32768``, ``32,768`` or ``32k``. Raises ``ValueError``."""
    text = given.strip().lower().replace(",", "")
    times = {"k": 1_000, "m": 1_000_000}.get(text[-1:], 1)
    number = (float if times > 1 else int)(text[:-1] if times > 1 else text) * times
    if not abs(number) < 1e12:
        raise ValueError(given)
    return round(number)


def _split_key(key: str) -> list[str]:
    """The tables of a key and the name in them: ``models.NAME.FIELD``, where NAME may hold dots, or ``roles.NAME``."""
    for table in ("roles", "keys"):
        if key.startswith(f"{table}."):
            return [table, key.removeprefix(f"{table}.")]
    if not key.startswith("models."):
        return [key]
    name, _, leaf = key.removeprefix("models.").rpartition(".")
    if not name:
        raise ConfigError(f"'{key}' names no field: write models.NAME.FIELD.")
    return ["models", name, leaf]


def _write_checked(document: Any, path: Path, check: Callable[[Settings], None] = lambda _: None) -> None:
    import tomlkit

    from lwtui.files import write_atomically

    text = tomlkit.dumps(document)
    check(_parse(tomllib.loads(text), path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        raise ConfigError(f"Cannot write {path}: {error.strerror}. Check its permissions and free space.") from None
