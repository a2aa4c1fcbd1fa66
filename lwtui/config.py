"""Settings (``settings.toml`` in the config folder) and API keys (in the environment or the system keyring).

Every start of lwtui imports this module, so heavy imports stay inside functions.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Any

from lwtui.addresses import host_of_address, tidy_address
from lwtui.errors import ConfigError
from lwtui.folders import cache_folder as cache_folder
from lwtui.folders import config_folder as config_folder
from lwtui.folders import settings_file as settings_file
from lwtui.folders import state_folder as state_folder
from lwtui.request_settings import (
    ROLE_FIELDS,
    Headers,
    Parameters,
    check_request_settings,
    merged,
    parse_headers,
    parse_parameters,
)
from lwtui.translation import _

KEYRING_SERVICE = "lwtui"
PROVIDERS = ("openai", "anthropic", "llama_cpp")
_OPENAI = "https://api.openai.com/v1"
_ANTHROPIC = "https://api.anthropic.com/v1"
# The variables of these services are used for them alone, so that no other server ever sees their keys.
_KEY_VARIABLES = {"api.openai.com": "OPENAI_API_KEY", "api.anthropic.com": "ANTHROPIC_API_KEY"}


class Role(StrEnum):
    """The tasks that models can be assigned to. The writer is the document's model, or ``model`` in the settings."""

    PLAN = "plan"
    WRITE = "write"
    CRITIC = "critic"  # reviews texts, and summarizes sections that no longer fit the context
    JUDGE = "judge"  # compares two texts; the critic, unless another model has this role

    @property
    def setting(self) -> str:
        """The name of the document setting that overrides this role's model."""
        return f"role.{self.value}"


class Mirror(StrEnum):
    """What is kept beside a document, up to date, for other programs to read."""

    NONE = "none"
    FILE = "file"  # one Markdown file
    FOLDER = "folder"  # a Markdown file per section
    GIT = "git"  # such a folder, with a commit per session


@dataclass(frozen=True)
class ModelSettings:
    """One ``[models.NAME]`` table.

    It describes an API endpoint (``provider = "openai"``, or ``"anthropic"`` for Anthropic's own API) or a GGUF file
    (``"llama_cpp"``).
    """

    name: str
    provider: str = "openai"
    model: str = ""  # the endpoint's name for the model; empty: the same as ``name``
    base_url: str = _OPENAI
    key_env: str = ""  # environment variable with the API key; empty: LWTUI_API_KEY, then the keyring
    path: str = ""  # of the GGUF file
    profile: str = ""  # chat, base, longwriter-llama3.1, longwriter-glm4; empty: chosen by the model's name
    context_length: int = 0  # tokens; 0: what the backend reports
    state_gb: float = 4.0  # disk space for saved KV caches of a GGUF, so that prompts are not read again; 0: save none
    kv_type: str = ""  # data type of a GGUF's KV cache: f16, q8_0; empty: whichever fits
    flash_attention: str = ""  # on, off, auto; empty: chosen by kv_type
    gpu_layers: int | None = None  # layers of a GGUF on the GPU; None: as many as fit
    threads: int = 0  # threads that run a GGUF; 0: one per core
    mark_unsure: bool = False  # list the words that a GGUF was unsure of among the findings
    constrain: str = ""  # constrained decoding that the endpoint supports: "grammar", "json_schema" or none
    temperature: float | None = None
    sampling: str = ""  # other options: "inventive", "min_p=0.05, dry_multiplier=0.8" (see lwtui.models.sampling)
    price_input: float | None = None  # per million tokens, in the account's currency
    price_output: float | None = None
    price_cached: float | None = None  # for cached prompt tokens; None: the same as price_input
    reasoning_effort: str = ""  # none, minimal, low, medium, high, … as the endpoint has it; empty: its default
    reasoning_tokens: int | None = None  # most tokens of reasoning in an answer; 0: none; None: the endpoint's default
    extra_body: Parameters = field(default_factory=dict, hash=False)  # more parameters of each request
    extra_headers: Headers = field(default_factory=dict, hash=False)  # "$NAME" in a value names a variable
    roles: dict[str, Parameters] = field(default_factory=dict, hash=False)  # [models.NAME.ROLE]: ROLE_FIELDS by role
    connect_seconds: float = 10.0
    stall_seconds: float = 120.0  # a stream that sends nothing for this long has failed
    retry_seconds: float = 300.0  # after this long without progress, a call is not retried

    def __post_init__(self) -> None:
        address = _ANTHROPIC if self.provider == "anthropic" and self.base_url == _OPENAI else self.base_url
        object.__setattr__(self, "base_url", tidy_address(address))

    @property
    def is_endpoint(self) -> bool:
        """Whether a server runs the model, rather than this machine."""
        return self.provider != "llama_cpp"

    def role_with_settings(self, role: Role) -> Role | None:
        """Return the role whose settings calls of ``role`` have; ``None`` if those of the model itself.

        The judge has the critic's unless it has its own: it is the critic unless another model has that role.
        """
        owners = (role, Role.CRITIC) if role is Role.JUDGE else (role,)
        return next((owner for owner in owners if self.roles.get(owner.value)), None)

    def for_role(self, role: Role) -> ModelSettings:
        """Return the settings for calls of one role."""
        owner = self.role_with_settings(role)
        if owner is None:
            return self
        own = self.roles[owner.value]
        tables = {name: merged(getattr(self, name), own.get(name, {})) for name in ("extra_body", "extra_headers")}
        return replace(self, **{**own, **tables})


@dataclass(frozen=True)
class LintSettings:
    """The table ``[lint]``."""

    languagetool: str = ""  # the address of a LanguageTool server of one's own; empty: none is asked


@dataclass(frozen=True)
class SourceSettings:
    """The table ``[sources]``."""

    embeddings: str = ""  # the model of the settings that finds passages by what they mean; empty: words alone


@dataclass(frozen=True)
class ResearchSettings:
    """The table ``[research]``. Without ``searxng`` and ``mcp``, nothing is ever searched."""

    searxng: str = ""  # the address of a SearXNG server
    mcp: str = ""  # the command that starts an MCP server with a search tool, or its address
    search_tool: str = ""  # the name of that tool; empty: the one whose name says so
    fetch_tool: str = ""  # its tool that returns the text of a page; empty: lwtui fetches the pages itself
    key_env: str = ""  # environment variable with a token for the server's address
    mcp_env: str = ""  # environment variables that the command gets, separated by commas
    queries: int = 5  # that the model makes of the plan
    pages: int = 6  # that become sources where nobody can choose


@dataclass(frozen=True)
class Settings:
    """The contents of ``settings.toml``."""

    model: str = "demo"
    documents: str = ""  # folder; empty: Documents/lwtui
    theme: str = "textual-dark"
    language: str = ""  # of lwtui itself: en, zh or a catalogue of one's own; empty: the system's
    author: str = ""  # the name on title pages
    mirror: Mirror = Mirror.NONE  # the Markdown copy that is kept beside each document
    restore: bool = True  # start where the user left off
    welcome: bool = True  # offer a choice of models at the start until one is chosen
    vim: bool = False  # vim keys in the text
    daily_goal: int = 0  # words a day; 0: no goal
    backups: int = 14  # days of which a document keeps backups; 0: none
    llama_server: str = ""  # the program that runs GGUFs; empty: llama-cpp-python, or else llama-server on the PATH
    keys: dict[str, str] = field(default_factory=dict)  # [keys]: the user's keys by action (GROUP.ACTION or ACTION)
    models: dict[str, ModelSettings] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)  # [roles]: model names for the roles plan, critic and judge
    lint: LintSettings = field(default_factory=LintSettings)  # [lint]
    sources: SourceSettings = field(default_factory=SourceSettings)  # [sources]
    research: ResearchSettings = field(default_factory=ResearchSettings)  # [research]

    @property
    def documents_folder(self) -> Path:
        """The folder of documents: ``documents`` with ``~`` expanded, or the default."""
        if self.documents:
            return Path(self.documents).expanduser()
        from platformdirs import user_documents_path

        return user_documents_path() / "lwtui"


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings. Without a file, they are the defaults.

    Args:
        path: The file to read; by default that of the user.

    Raises:
        ConfigError: The file is invalid; the message names the file, the line or key, and what is allowed.
    """
    path = path or settings_file()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            _("{path} is not valid TOML: {error}. Fix that line or move the file away.", path=path, error=error),
            code="not-toml",
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(
            _("{path} is not UTF-8 text. Save it as UTF-8 or move the file away.", path=path), code="not-utf8"
        ) from None
    except OSError as error:
        raise ConfigError(
            _("Cannot read {path}: {strerror}. Check its permissions.", path=path, strerror=error.strerror),
            code="unreadable",
        ) from None
    return _parse_settings(table, path)


def has_default_model(path: Path | None = None) -> bool:
    """Tell whether the settings name a default model; without one, it is ``demo``."""
    try:
        table = tomllib.loads((path or settings_file()).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    roles = table.get("roles")
    return bool(table.get("model")) or (isinstance(roles, dict) and bool(roles.get(Role.WRITE.value)))


def set_value(
    key: str, value: str, path: Path | None = None, check: Callable[[Settings], None] = lambda _settings: None
) -> None:
    """Change one setting in the file, and keep the comments there.

    The new contents are validated before they replace the old file in one step.

    Args:
        key: A field of :class:`Settings`, ``models.NAME.FIELD``, ``roles.ROLE``, ``keys.ACTION``,
            ``lint.FIELD``, ``research.FIELD`` or ``sources.FIELD``.
        value: The new value, as the user typed it. An empty value removes the entry.
        path: The file to change; by default that of the user.
        check: Raises an error for new settings that must not be written.

    Raises:
        ConfigError: The key or value is invalid, or the file cannot be read or written.
    """
    import tomlkit

    if key.endswith(".base_url"):
        value = tidy_address(value)
        _check_public(value)
    path = path or settings_file()
    load_settings(path)  # never rewrite a file that cannot be parsed
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    *parents, leaf = _split_key(key)
    table: Any = document
    for name in parents:
        if name not in table:
            table[name] = tomlkit.table(is_super_table=name == "models")
        table = table[name]
    if parents == ["keys"]:
        group, _dot, action = leaf.partition(".")
        if isinstance(nested := table.get(group), dict):
            nested.pop(action, None)  # the same action in a table [keys.GROUP]
    if value == "":
        table.pop(leaf, None)
    elif parents in (["roles"], ["keys"]):
        table[leaf] = value
    elif key == "model" and Role.WRITE.value in document.get("roles", {}):
        document["roles"][Role.WRITE.value] = value  # this entry takes precedence over "model"
    else:
        table[leaf] = _parse_value(leaf, value, _class_of(parents))
    _write_checked(document, path, check)


def _class_of(parents: list[str]) -> type:
    """Return the class of the settings in a table of the file."""
    tables: dict[str, type] = {"lint": LintSettings, "research": ResearchSettings, "sources": SourceSettings}
    return tables.get(parents[0], ModelSettings) if parents else Settings


def add_model(model: ModelSettings, path: Path | None = None) -> None:
    """Write a ``[models.NAME]`` table with the values that differ from the defaults. It replaces an older one.

    Raises:
        ConfigError: The address contains a secret, a value is invalid, or the file cannot be read or written.
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
    """Check a model's settings.

    Raises:
        ConfigError: :func:`add_model` would not write them.
    """
    _check_public(model.base_url)
    _parse_settings({"models": {model.name: _entries(model)}}, settings_file())


def _entries(model: ModelSettings) -> dict[str, Any]:
    """Return the entries of a model's table: its provider, and the values that differ from the defaults."""
    entries = {"provider": model.provider}
    for item in fields(ModelSettings):
        value = getattr(model, item.name)
        if item.name not in ("name", "roles") and value != default_of(item):
            entries[item.name] = value
    return entries | {role: dict(own) for role, own in model.roles.items() if own}


def default_of(item: Field[Any]) -> Any:
    """Return the default of a field of the settings."""
    return item.default if item.default_factory is MISSING else item.default_factory()


def remove_model(name: str, path: Path | None = None) -> None:
    """Remove ``[models.NAME]``.

    Raises:
        ConfigError: There is no such table, or the file cannot be read or written.
    """
    import tomlkit

    path = path or settings_file()
    if name not in load_settings(path).models:
        raise ConfigError(
            _("There is no model named {name!r} in {path}. To list the models: lwtui models", name=name, path=path),
            code="unknown-model",
        )
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    del document["models"][name]
    _write_checked(document, path)


def public_address(base_url: str) -> str:
    """Return an address that is safe to show and store: without user, password, query and fragment."""
    head, slashes, rest = base_url.partition("?")[0].partition("#")[0].rpartition("//")
    host, slash, path = rest.partition("/")
    return f"{head}{slashes}{host.rpartition('@')[2]}{slash}{path}"


def _check_public(base_url: str) -> None:
    if public_address(base_url) != base_url:
        raise ConfigError(
            _(
                "The address contains a password or a key, which must not go into the settings file. Leave out what "
                "comes before the @ and after the ?, and put keys in the environment or the system keyring."
            ),
            code="secret-in-address",
        )


def api_key(model: ModelSettings) -> str:
    """Return the API key for a model: from its own variable, ``LWTUI_API_KEY`` or the keyring; empty if there is none.

    ``OPENAI_API_KEY`` is used for ``api.openai.com`` only, so that no other server ever sees it.
    """
    if variable := key_variable(model):
        return os.environ[variable].strip()
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(KEYRING_SERVICE, keyring_name(model)) or ""
    except KeyringError:
        return ""  # this machine has no keyring


def key_variable(model: ModelSettings) -> str:
    """Return the environment variable that holds a model's API key and overrides the keyring; empty if none is set."""
    is_encrypted = model.base_url.startswith("https://")
    own = _KEY_VARIABLES.get(host_of_address(model.base_url), "") if is_encrypted else ""
    names = (model.key_env, "LWTUI_API_KEY", own)
    return next((name for name in names if name and os.environ.get(name, "").strip()), "")


def keyring_name(model: ModelSettings) -> str:
    """Return the keyring's name for a model's API key. It includes the server, so that no other server gets the key."""
    scheme, _slashes, rest = model.base_url.lower().partition("://")
    return f"{model.name} at {scheme}://{rest.partition('/')[0]}"


def store_api_key(model: ModelSettings, key: str) -> None:
    """Store a model's API key in the system keyring. An empty key removes it.

    Raises:
        ConfigError: This machine has no keyring.
    """
    import keyring
    from keyring.errors import KeyringError, PasswordDeleteError

    try:
        if key:
            keyring.set_password(KEYRING_SERVICE, keyring_name(model), key)
        else:
            keyring.delete_password(KEYRING_SERVICE, keyring_name(model))
    except PasswordDeleteError:
        return  # there was no key to remove
    except KeyringError:
        raise ConfigError(
            _("This machine has no system keyring. Put the key in the environment instead: export LWTUI_API_KEY=…"),
            code="no-keyring",
        ) from None


def _parse_settings(table: dict[str, Any], path: Path) -> Settings:
    models = table.pop("models", {})
    if not isinstance(models, dict):
        raise ConfigError(_("{path}: 'models' must be tables such as [models.NAME].", path=path), code="wrong-type")
    roles = _parse_roles(table.pop("roles", {}), path)
    keys = _parse_keys(table.pop("keys", {}), path)
    lint_settings = LintSettings(**_parse_table(table, "lint", LintSettings, path))
    _check_public(lint_settings.languagetool)
    research = ResearchSettings(**_parse_table(table, "research", ResearchSettings, path))
    _check_public(research.searxng)
    if isinstance(mirror := table.get("mirror"), bool):  # as earlier versions wrote it
        table["mirror"] = _mirror_of(mirror).value
    sources = SourceSettings(**_parse_table(table, "sources", SourceSettings, path))
    if research.mcp.lower().startswith(("http://", "https://")):
        _check_public(research.mcp)
    top = _check_table(table, Settings, f"{path}: ")
    top["mirror"] = Mirror(top.get("mirror") or Mirror.NONE)
    if writer := roles.pop(Role.WRITE.value, ""):
        top["model"] = writer
    parsed = {}
    for name, entry in models.items():
        if not isinstance(entry, dict):
            raise ConfigError(
                _("{path}: models.{name} must be a table, [models.{name}].", path=path, name=name), code="wrong-type"
            )
        where = f"{path}: [models.{name}] "
        own = {role.value: entry.pop(role.value) for role in Role if isinstance(entry.get(role.value), dict)}
        values = _check_table(entry, ModelSettings, where)
        check_request_settings(values, where)
        model = ModelSettings(name=name, roles=_parse_role_fields(own, f"{path}: [models.{name}."), **values)
        if model.provider not in PROVIDERS:
            raise ConfigError(
                _(
                    "{path}: [models.{name}] provider must be one of {providers}.",
                    path=path,
                    name=name,
                    providers=", ".join(PROVIDERS),
                ),
                code="invalid-choice",
            )
        if model.provider == "llama_cpp" and not model.path:
            raise ConfigError(
                _("{path}: [models.{name}] needs path, the GGUF's file.", path=path, name=name), code="incomplete"
            )
        if model.kv_type == "q8_0" and model.flash_attention == "off":
            raise ConfigError(
                _("{path}: [models.{name}] kv_type q8_0 needs flash_attention, which is off.", path=path, name=name),
                code="q8-needs-flash-attention",
            )
        parsed[name] = model
    return Settings(
        models=parsed, roles=roles, keys=keys, lint=lint_settings, research=research, sources=sources, **top
    )


def _mirror_of(on: bool) -> Mirror:
    """Return what the setting ``mirror`` of an earlier version means, which was true or false."""
    return Mirror.FILE if on else Mirror.NONE


def _parse_table(table: dict[str, Any], name: str, settings_class: type, path: Path) -> dict[str, Any]:
    """Take a table out of the settings, and check it."""
    own = table.pop(name, {})
    if not isinstance(own, dict):
        raise ConfigError(_("{path}: '{name}' must be a table, [{name}].", path=path, name=name), code="wrong-type")
    return _check_table(own, settings_class, f"{path}: [{name}] ")


def _parse_role_fields(own: dict[str, dict[str, Any]], where: str) -> dict[str, Parameters]:
    for role, table in own.items():
        if unknown := [name for name in table if name not in ROLE_FIELDS]:
            raise ConfigError(
                _(
                    "{where}{role}] '{name}' is not a setting of a role. Known: {known}.",
                    where=where,
                    role=role,
                    name=unknown[0],
                    known=", ".join(ROLE_FIELDS),
                ),
                code="unknown-setting",
            )
        check_request_settings(_check_table(table, ModelSettings, f"{where}{role}] "), f"{where}{role}] ")
    return own


def _parse_keys(table: Any, path: Path) -> dict[str, str]:
    """Flatten the table ``[keys]``: ``save`` in ``[keys.writing]`` is the same as ``writing.save`` in ``[keys]``."""
    if not isinstance(table, dict):
        raise ConfigError(_("{path}: 'keys' must be a table, [keys].", path=path), code="wrong-type")
    keys: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            keys |= {f"{name}.{inner}": key for inner, key in _parse_keys(value, path).items()}
        elif isinstance(value, str) and value:
            keys[name] = value
        else:
            raise ConfigError(
                _("{path}: [keys] '{name}' must be a key in quotes, such as \"ctrl+s\".", path=path, name=name),
                code="wrong-type",
            )
    return keys


def _parse_roles(table: Any, path: Path) -> dict[str, str]:
    if not isinstance(table, dict):
        raise ConfigError(_("{path}: 'roles' must be a table, [roles].", path=path), code="wrong-type")
    for name, model in table.items():
        if name not in set(Role):
            raise ConfigError(
                _(
                    "{path}: [roles] '{name}' is not a role. Known: {roles}.",
                    path=path,
                    name=name,
                    roles=", ".join(Role),
                ),
                code="unknown-role",
            )
        if not isinstance(model, str):
            raise ConfigError(
                _("{path}: [roles] '{name}' must be the name of a model, in quotes.", path=path, name=name),
                code="wrong-type",
            )
    return dict(table)


# The types that a value may have in the file, by the annotation of its field.
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "Mirror": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "float | None": (float, int),
    "int | None": (int,),
    "Parameters": (dict,),
    "Headers": (dict,),
}

_BOOLEANS = {"true": True, "false": False}

# The values that a string may have, where it is not free text.
_CHOICES: dict[str, tuple[str, ...]] = {
    "kv_type": ("f16", "q8_0"),
    "flash_attention": ("on", "off", "auto"),
    "constrain": ("grammar", "json_schema"),
    "mirror": tuple(Mirror),
}


def _known_settings(settings_class: type) -> dict[str, str]:
    types = {item.name: str(item.type) for item in fields(settings_class) if item.name != "name"}
    return {name: annotation for name, annotation in types.items() if annotation in _TYPES}


def _check_table(table: dict[str, Any], settings_class: type, where: str) -> dict[str, Any]:
    known = _known_settings(settings_class)
    for key, value in table.items():
        if key not in known:
            raise ConfigError(
                _("{where}'{key}' is not a setting. Known: {known}.", where=where, key=key, known=", ".join(known)),
                code="unknown-setting",
            )
        allowed = _TYPES[known[key]]
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise ConfigError(
                _(
                    "{where}'{key}' must be {type}, not {value!r}.",
                    where=where,
                    key=key,
                    type=_type_in_words(known[key]),
                    value=value,
                ),
                code="wrong-type",
            )
        if isinstance(value, int | float) and not 0 <= value < inf:
            if value < 0:
                raise ConfigError(_("{where}'{key}' must not be negative.", where=where, key=key), code="out-of-range")
            raise ConfigError(_("{where}'{key}' must be a finite number.", where=where, key=key), code="out-of-range")
        if value and value not in _CHOICES.get(key, (value,)):
            raise ConfigError(
                _(
                    "{where}'{key}' must be one of {choices}, not {value!r}.",
                    where=where,
                    key=key,
                    choices=", ".join(_CHOICES[key]),
                    value=value,
                ),
                code="invalid-choice",
            )
    return dict(table)


def _type_in_words(annotation: str) -> str:
    words = {
        "str": _("text in quotes"),
        "Mirror": _("text in quotes"),
        "int": _("a whole number"),
        "bool": _("true or false"),
    }
    words |= {"Parameters": _('parameters such as {"top_k": 40}'), "Headers": _('headers such as {"X-Title": "lwtui"}')}
    return words.get(annotation.removesuffix(" | None"), _("a number"))


def _parse_value(leaf: str, value: str, settings_class: type) -> Any:
    known = _known_settings(settings_class)
    annotation = known.get(leaf)
    if annotation is None:
        raise ConfigError(
            _("'{leaf}' is not a setting. Known: {known}, models.NAME.….", leaf=leaf, known=", ".join(known)),
            code="unknown-setting",
        )
    try:
        if annotation == "bool":
            return _BOOLEANS[value.lower()]
        if annotation == "Mirror":
            word = value.strip().lower()
            return _mirror_of(_BOOLEANS[word]).value if word in _BOOLEANS else word
        if leaf in ("context_length", "reasoning_tokens"):
            return parse_token_count(value)
        if annotation in ("Parameters", "Headers"):
            return parse_parameters(value) if annotation == "Parameters" else parse_headers(value)
        if annotation.startswith("int"):
            return int(value)
        return float(value) if annotation.startswith("float") else value
    except (ValueError, KeyError):
        raise ConfigError(
            _(
                "'{leaf}' must be {type}, not {value!r}.",
                leaf=leaf,
                type=_type_in_words(annotation),
                value=value,
            ),
            code="wrong-type",
        ) from None


def parse_token_count(given: str) -> int:
    """Parse a number of tokens: ``32768``, ``32,768`` or ``32k``.

    Raises:
        ValueError: It is not a number.
    """
    text = given.strip().lower().replace(",", "")
    scale = {"k": 1_000, "m": 1_000_000}.get(text[-1:], 1)
    number = (float if scale > 1 else int)(text[:-1] if scale > 1 else text) * scale
    if not abs(number) < 1e12:
        raise ValueError(given)
    return round(number)


def _split_key(key: str) -> list[str]:
    """Split a key into its tables and the name in them. NAME in ``models.NAME.FIELD`` may contain dots."""
    for table in ("roles", "keys", "lint", "research", "sources"):
        if key.startswith(f"{table}."):
            return [table, key.removeprefix(f"{table}.")]
    if not key.startswith("models."):
        return [key]
    name, _dot, leaf = key.removeprefix("models.").rpartition(".")
    if not name:
        raise ConfigError(_("'{key}' names no field: write models.NAME.FIELD.", key=key), code="no-field")
    model, _dot, role = name.rpartition(".")
    if model and role in set(Role) and leaf in ROLE_FIELDS:
        return ["models", model, role, leaf]
    return ["models", name, leaf]


def _write_checked(document: Any, path: Path, check: Callable[[Settings], None] = lambda _settings: None) -> None:
    import tomlkit

    from lwtui.files import write_atomically

    text = tomlkit.dumps(document)
    check(_parse_settings(tomllib.loads(text), path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        raise ConfigError(
            _(
                "Cannot write {path}: {strerror}. Check its permissions and free space.",
                path=path,
                strerror=error.strerror,
            ),
            code="unwritable",
        ) from None
