"""Reasoning, more parameters and more headers in the settings: read in several ways, and never with a key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lwtui.config import ModelSettings, Role, add_model, load_settings, set_value
from lwtui.errors import ConfigError
from lwtui.request_settings import headers_text, merged, parse_headers, parse_parameters, resolved_headers


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text('# mine\n[models.gpt]\nmodel = "gpt-5"\n')
    return path


def test_settings_are_read_for_each_role(file: Path) -> None:
    file.write_text(
        '[models.gpt]\nreasoning_effort = "low"\nextra_body = {provider = {sort = "price"}}\n'
        'extra_headers = {X-Title = "book"}\n[models.gpt.plan]\nreasoning_effort = "high"\nreasoning_tokens = 4000\n'
        'extra_body = {provider = {order = ["a"]}}\n'
    )
    model = load_settings(file).models["gpt"]
    plan = model.for_role(Role.PLAN)
    assert model.for_role(Role.WRITE) is model and model.reasoning_effort == "low"
    assert (plan.reasoning_effort, plan.reasoning_tokens) == ("high", 4000)
    assert plan.extra_body == {"provider": {"sort": "price", "order": ["a"]}}
    assert plan.extra_headers == {"X-Title": "book"}
    assert hash(model) != hash(plan)


@pytest.mark.parametrize(
    ("key", "value", "field", "wanted"),
    [
        ("models.gpt.reasoning_effort", "high", "reasoning_effort", "high"),
        ("models.gpt.reasoning_tokens", "8k", "reasoning_tokens", 8000),
        ("models.gpt.reasoning_tokens", "0", "reasoning_tokens", 0),
        ("models.gpt.extra_body", '{"a": {"b": [1, true, null]}}', "extra_body", None),
        ("models.gpt.extra_body", '{"top_k": 40}', "extra_body", {"top_k": 40}),
        ("models.gpt.extra_body", "{top_k = 40}", "extra_body", {"top_k": 40}),
        ("models.gpt.extra_body", "top_k = 40", "extra_body", {"top_k": 40}),
        ("models.gpt.extra_headers", "X-Title: a book, X-Org: $ORG", "extra_headers", None),
        ("models.gpt.extra_headers", '{"X-Title": "book"}', "extra_headers", {"X-Title": "book"}),
    ],
)
def test_a_setting_is_changed_and_comments_stay(file: Path, key: str, value: str, field: str, wanted: object) -> None:
    if field == "extra_body" and wanted is None:
        with pytest.raises(ConfigError):  # TOML has no null
            set_value(key, value, file)
        return
    set_value(key, value, file)
    stored = getattr(load_settings(file).models["gpt"], field)
    assert stored == (wanted if wanted is not None else {"X-Title": "a book", "X-Org": "$ORG"})
    assert file.read_text().startswith("# mine")


def test_a_role_is_changed_and_restored(file: Path) -> None:
    set_value("models.gpt.plan.reasoning_effort", "high", file)
    assert load_settings(file).models["gpt"].for_role(Role.PLAN).reasoning_effort == "high"
    set_value("models.gpt.plan.reasoning_effort", "", file)
    assert load_settings(file).models["gpt"].for_role(Role.PLAN).reasoning_effort == ""


def test_a_model_is_written_as_it_is_read(file: Path) -> None:
    model = ModelSettings(
        "m",
        reasoning_tokens=0,
        extra_body={"a": {"b": 1}},
        extra_headers={"Authorization": "Token $MY_KEY"},
        roles={"critic": {"reasoning_effort": "none"}},
    )
    add_model(model, file)
    assert load_settings(file).models["m"] == model


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer abc"},
        {"X-Api-Key": "abc"},
        {"api-key": "0123"},
        {"Cookie": "a=b"},
        {"X-Custom": "sk-proj-0123456789abcdef"},
        {"X-Custom": "prefix sk-ant-0123456789abcdef"},
        {"X-Custom": "9f86d081884c7d659a2feaa0c55ad015"},
        {"X-Custom": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc"},
        {"X-Custom": "hf_0123456789abcdefgh"},
    ],
)
def test_a_key_in_the_settings_is_refused_and_not_repeated(file: Path, headers: dict[str, str]) -> None:
    before = file.read_text()
    for key in ("models.gpt.extra_headers", "models.gpt.critic.extra_headers"):
        with pytest.raises(ConfigError) as caught:
            set_value(key, json.dumps(headers), file)
        assert caught.value.code == "secret-in-settings"
        assert all(value not in str(caught.value) for value in headers.values())
    assert file.read_text() == before
    with pytest.raises(ConfigError) as caught:
        set_value("models.gpt.extra_body", json.dumps({"a": [{"token": "sk-proj-0123456789abcdef"}]}), file)
    assert caught.value.code == "secret-in-settings"


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP-Referer": "https://example.org/a/long/path/of/a/book-2026"},
        {"anthropic-beta": "interleaved-thinking-2025-05-14"},
        {"X-Title": "A book, its parts; and more"},
        {"Authorization": "Token ${MY_TOKEN}"},
        {"X-Api-Key": "$MY_KEY"},
    ],
)
def test_other_headers_are_taken(headers: dict[str, str], file: Path) -> None:
    set_value("models.gpt.extra_headers", json.dumps(headers), file)
    assert load_settings(file).models["gpt"].extra_headers == headers
    assert parse_headers(headers_text(headers)) == headers


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("extra_headers", '{"Host": "x"}', "own-parameter"),
        ("extra_headers", '{"content-length": "1"}', "own-parameter"),
        ("extra_headers", '{"a b": "x"}', "invalid-header"),
        ("extra_headers", '{"X": "a\\nb"}', "invalid-header"),
        ("extra_headers", '{"X": 1}', "wrong-type"),
        ("extra_headers", "nothing", "wrong-type"),
        ("extra_body", "[1]", "wrong-type"),
        ("extra_body", '{"messages": []}', "own-parameter"),
        ("extra_body", '{"stream": false}', "own-parameter"),
        ("reasoning_effort", "very High", "invalid-choice"),
        ("reasoning_tokens", "-1", "out-of-range"),
        ("reasoning_tokens", "many", "wrong-type"),
    ],
)
def test_what_cannot_be_sent_is_refused(file: Path, field: str, value: str, code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        set_value(f"models.gpt.{field}", value, file)
    assert caught.value.code == code and "\n" not in str(caught.value)


def test_a_role_has_no_other_settings(file: Path) -> None:
    file.write_text("[models.gpt.plan]\nbase_url = 'https://example.org'\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert caught.value.code == "unknown-setting"


def test_variables_in_headers_are_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", " s3cret ")
    headers, secrets = resolved_headers({"Authorization": "Token ${MY_KEY}", "X": "y"})
    assert headers == {"Authorization": "Token s3cret", "X": "y"} and secrets == ["s3cret"]
    monkeypatch.delenv("MY_KEY")
    with pytest.raises(ConfigError, match="MY_KEY"):
        resolved_headers({"X": "$MY_KEY"})


def test_tables_are_merged() -> None:
    assert merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"c": 4}, "d": {"e": 5}}) == {
        "a": {"b": 1, "c": 4},
        "d": {"e": 5},
    }
    assert parse_parameters("  ") == {}
