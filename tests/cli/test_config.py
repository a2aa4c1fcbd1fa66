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
    ("arguments", "words"),
    [
        (["get", "modle"], ["'modle'", "documents"]),
        (["set", "modle", "x"], ["'modle'", "documents"]),
        (["set", "models.a", "x"], ["names no field"]),
        (["set", "models.a.temperature", "warm"], ["must be a number"]),
        (["set", "models.a.temperature", "-1"], ["negative"]),
        (["set", "theme"], ["VALUE"]),
        (["set", "theme", "nope"], ["no theme named 'nope'", "Known: textual-dark, ", "high-contrast", "nord"]),
        (["set", "model", "nope"], ["no model named 'nope'", "Known: demo"]),
        (["set", "roles.critic", "nope"], ["[roles] critic: There is no model named 'nope'"]),
        (["set", "models.a.profile", "nope"], ["[models.a] There is no profile named 'nope'. Known: chat, base"]),
        (["set", "models.a.sampling", "warm"], ["[models.a] 'warm' sets nothing"]),
        (["set", "models.a.constrain", "nope"], ["must be one of grammar, json_schema"]),
        (["set", "models.a.context_length", "many"], ["must be a whole number"]),
        (["set", "keys.help", "f5"], ["F5 would be both"]),
        (["swap"], ["swap"]),
    ],
)
def test_invalid_settings_leave_the_file_unchanged(shell: Shell, arguments: list[str], words: list[str]) -> None:
    shell.settings("theme = 'nord'\n")
    shell.run("config", *arguments).failed(2, *words)
    assert shell.config.read_text() == "theme = 'nord'\n"


def test_the_file_is_checked_after_editing(shell: Shell) -> None:
    shell.run("config", "edit", EDITOR="sh -c 'echo \"theme = 3\" > $0'").failed(2, "must be text", str(shell.config))
    shell.run("config", "edit", VISUAL='sh -c \'echo "theme = \\"nord\\"" > $0\'', EDITOR="false").worked()
    assert shell.run("config", "get", "theme").out == "nord\n"


def test_an_editor_that_does_not_start_is_reported(shell: Shell) -> None:
    shell.run("config", "edit", EDITOR="no-such-editor").failed(1, "no-such-editor", "EDITOR")
    shell.run("config", "edit", EDITOR="false").failed(1, "false ended with exit code 1")


def test_existing_problems_do_not_block_other_changes(shell: Shell) -> None:
    shell.settings("theme = 'nope'\n[keys]\nhelp = 'f5'\n[models.a]\nmodel = 'm'\n")
    shell.run("config", "set", "author", "A. Author").worked()
    shell.run("config", "set", "theme", "nope too").failed(2, "'nope too'")
    shell.run("config", "set", "theme", "nord").worked()
    shell.run("config", "edit", EDITOR="true").failed(2, "F5 would be both")
    for given, kept in (("32k", "32000"), ("32,768", "32768"), ("1.5m", "1500000"), ("4096", "4096")):
        shell.run("config", "set", "models.a.context_length", given).worked()
        assert shell.run("config", "get", "models.a.context_length").out == f"{kept}\n"
