import pytest

from tests.cli.running import Shell


def test_the_path_of_the_settings_is_printed(shell: Shell) -> None:
    assert shell.run("config", "path").worked().out == f"{shell.config}\n"


def test_settings_can_be_changed_read_and_reset(shell: Shell) -> None:
    shell.settings("# mine\ntheme = 'nord'  # at night\n")
    shell.run("config", "set", "documents", "/tmp/texts").worked()
    assert shell.run("config", "get", "documents").worked().out == "/tmp/texts\n"
    assert shell.run("config", "get", "theme").worked().out == "nord\n"
    shell.run("config", "set", "documents", "").worked()
    assert shell.config.read_text() == "# mine\ntheme = 'nord'  # at night\n"


def test_all_settings_are_shown_including_defaults(shell: Shell) -> None:
    shell.settings('[models."qwen3.5"]\nmodel = "q"\ntemperature = 0.7\n')
    for arguments in (["config"], ["config", "get"]):
        lines = shell.run(*arguments).worked().out.splitlines()
        assert "model = demo" in lines and "models.qwen3.5.temperature = 0.7" in lines
    assert shell.run("config", "get", "models.qwen3.5.model").worked().out == "q\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["get", "modle"], "unknown-setting", ["'modle'", "documents"]),
        (["set", "modle", "x"], "unknown-setting", ["'modle'", "documents"]),
        (["set", "models.a", "x"], "no-field", ["'models.a'"]),
        (["set", "models.a.temperature", "warm"], "wrong-type", ["'temperature'", "'warm'"]),
        (["set", "models.a.temperature", "-1"], "out-of-range", ["'temperature'"]),
        (["set", "theme", "nope"], "unusable", ["'nope'", "textual-dark, ", "high-contrast", "nord"]),
        (["set", "model", "nope"], "unusable", ["'nope'", "demo"]),
        (["set", "roles.critic", "nope"], "unusable", ["[roles] critic: ", "'nope'"]),
        (["set", "models.a.profile", "nope"], "unusable", ["[models.a] ", "'nope'", "chat, base"]),
        (["set", "models.a.sampling", "warm"], "unusable", ["[models.a] ", "'warm'"]),
        (["set", "models.a.constrain", "nope"], "invalid-choice", ["grammar, json_schema"]),
        (["set", "models.a.context_length", "many"], "wrong-type", ["'context_length'", "'many'"]),
        (["set", "keys.write", "f1"], "unusable", ["F1"]),
    ],
)
def test_invalid_settings_leave_the_file_unchanged(
    shell: Shell, arguments: list[str], code: str, words: list[str]
) -> None:
    shell.settings("theme = 'nord'\n")
    done = shell.fails(2, code, "config", *arguments)
    assert all(word in done.err for word in words), done.err
    assert shell.config.read_text() == "theme = 'nord'\n"


@pytest.mark.parametrize(("arguments", "word"), [(["set", "theme"], "VALUE"), (["swap"], "swap")])
def test_an_incomplete_command_leaves_the_file_unchanged(shell: Shell, arguments: list[str], word: str) -> None:
    shell.settings("theme = 'nord'\n")
    shell.run("config", *arguments).failed(2, word)
    assert shell.config.read_text() == "theme = 'nord'\n"


def test_the_file_is_checked_after_editing(shell: Shell) -> None:
    done = shell.fails(2, "wrong-type", "config", "edit", EDITOR="sh -c 'echo \"theme = 3\" > $0'")
    assert "'theme'" in done.err and str(shell.config) in done.err
    shell.run("config", "edit", VISUAL='sh -c \'echo "theme = \\"nord\\"" > $0\'', EDITOR="false").worked()
    assert shell.run("config", "get", "theme").out == "nord\n"


def test_an_editor_that_does_not_start_is_reported(shell: Shell) -> None:
    done = shell.fails(1, "no-editor", "config", "edit", EDITOR="no-such-editor")
    assert "no-such-editor" in done.err and "EDITOR" in done.err
    shell.run("config", "edit", EDITOR="false").failed(1, "false", "code 1")


def test_existing_problems_do_not_block_other_changes(shell: Shell) -> None:
    shell.settings("theme = 'nope'\n[keys]\nwrite = 'f1'\n[models.a]\nmodel = 'm'\n")
    shell.run("config", "set", "author", "A. Author").worked()
    assert "'nope too'" in shell.fails(2, "unusable", "config", "set", "theme", "nope too").err
    shell.run("config", "set", "theme", "nord").worked()
    assert "F1" in shell.fails(2, "unusable", "config", "edit", EDITOR="true").err
    for given, kept in (("32k", "32000"), ("32,768", "32768"), ("1.5m", "1500000"), ("4096", "4096")):
        shell.run("config", "set", "models.a.context_length", given).worked()
        assert shell.run("config", "get", "models.a.context_length").out == f"{kept}\n"
