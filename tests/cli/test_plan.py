import json

from tests.cli.running import KEY, TITLES, ScriptedWriter, Shell, endpoint, model_options


def test_the_plan_is_printed_as_a_list(shell: Shell) -> None:
    with endpoint() as server:
        done = shell.run("plan", "Write about tomatoes", "--words", 600, *model_options(server)).worked()
    lines = done.out.splitlines()
    assert lines[:2] == ["Tomatoes in Pots", "600 words in 3 sections"]
    assert lines[3:5] == [" 1. Soil and Pots (200 words)", "    what they stand in"]
    assert done.err == ""


def test_the_plan_as_json_has_exactly_the_documented_keys(shell: Shell) -> None:
    with endpoint() as server:
        done = shell.run("plan", "Write about tomatoes", "--words", 900, "--json", *model_options(server)).worked()
    plan = json.loads(done.out)
    assert list(plan) == ["title", "sections"]
    assert [list(section) for section in plan["sections"]] == [["title", "main_point", "words"]] * 3
    assert [section["title"] for section in plan["sections"]] == TITLES
    assert sum(section["words"] for section in plan["sections"]) == 900


def test_the_length_comes_from_the_instruction_if_it_names_one(shell: Shell) -> None:
    with endpoint() as server:
        named = shell.run("plan", "Write 1,200 words about tomatoes", *model_options(server)).worked()
        unnamed = shell.run("plan", "Write about tomatoes", *model_options(server)).worked()
    assert "1,200 words in" in named.out
    assert named.err.startswith("Length: 1,200 words, from “1,200 words”. Change it with --words.\n")
    assert "1,500 words in" in unnamed.out
    assert "Length" not in unnamed.err


def test_the_length_of_parts_is_multiplied_and_told_before_the_call(shell: Shell) -> None:
    with endpoint() as server:
        planned = shell.run("plan", "On tea: 500 words per chapter, 10 chapters", *model_options(server)).worked()
    assert "5,000 words, from “500 words per chapter, 10 chapters” (10 × 500)" in planned.err
    dry = shell.run("write", "A 5-page essay on tea", "--dry-run", "--model", "demo").worked()
    assert "Length: 1,250 words, from “5-page” (250 words a page)." in dry.err and "Expected: 1,250 words" in dry.out


def test_a_language_is_named_to_the_model_only_when_it_is_sure(shell: Shell) -> None:
    with endpoint() as server:
        for instruction, named in (("Schreib über den Regen in der Stadt", "German"), ("Tomaten", None)):
            shell.run("plan", instruction, *model_options(server)).worked()
            prompt = json.dumps(server.calls[-1].json["messages"])
            assert f"in {named or 'the language of the instruction'}." in prompt


def test_the_instruction_can_come_from_standard_input(shell: Shell) -> None:
    with endpoint() as server:
        shell.run("plan", "-", *model_options(server), stdin="Write about “Tomaten”\n").worked()
        assert "Write about “Tomaten”" in server.calls[0].json["messages"][-1]["content"]


def test_the_key_goes_only_to_the_endpoint(shell: Shell) -> None:
    with endpoint() as server:
        done = shell.run("plan", "Tomatoes", *model_options(server), LWTUI_API_KEY=KEY).worked()
        assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in done.out + done.err


def test_a_model_of_the_settings_is_used_by_name(shell: Shell) -> None:
    with endpoint() as server:
        shell.settings(f'model = "writer"\n[models.writer]\nmodel = "m-1"\nbase_url = "{server.base_url}"\n')
        shell.run("plan", "Tomatoes").worked()
        shell.run("plan", "Tomatoes", "--model", "writer", "--seed", 7).worked()
        assert [call.json["model"] for call in server.calls] == ["m-1", "m-1"]
        assert "seed" not in server.calls[0].json and "seed" in server.calls[1].json


def test_an_unusable_plan_is_kept_in_a_file(shell: Shell) -> None:
    with endpoint(ScriptedWriter(plan="I would rather not.")) as server:
        done = shell.ends(1, "failed", "plan", "Tomatoes", *model_options(server))
        assert len(server.calls) == 4
    assert done.out == ""
    *attempts, error, where = done.err.splitlines()
    assert [line.partition(":")[0] for line in attempts] == [
        f"The plan of attempt {attempt} is not usable" for attempt in range(1, 5)
    ]
    assert error.startswith("lwtui: ") and " 4 " in error
    kept = shell.folder / "cache" / "last-rejected-plan.txt"
    assert where == f"The model's answer is in {kept}."
    assert kept.read_text() == "I would rather not."


def test_quiet_prints_only_errors(shell: Shell) -> None:
    with endpoint(ScriptedWriter(plan="I would rather not.")) as server:
        done = shell.run("plan", "Tomatoes", "--quiet", *model_options(server))
    assert [line.partition(" ")[0] for line in done.err.splitlines()] == ["lwtui:", "The"]


def test_control_characters_are_removed_from_a_plan(shell: Shell) -> None:
    step = "Paragraph 1 - Main Point: So\x07il: what \x1b]0;owned\x07they need - Word Count: 200 words"
    plan = f"Title: Tom\x1b[31matoes\n\n{step}\n"
    with endpoint(ScriptedWriter(plan=plan)) as server:
        done = shell.run("plan", "Tomatoes", "--words", 200, *model_options(server)).worked()
    assert done.out == "Tomatoes\n200 words in 1 section\n\n 1. Soil (200 words)\n    what they need\n"


def test_the_plan_command_creates_no_document(shell: Shell) -> None:
    with endpoint() as server:
        shell.run("plan", "Tomatoes", *model_options(server)).worked()
    assert not list(shell.folder.rglob("*.lw"))


def test_a_template_needs_no_model(shell: Shell) -> None:
    done = shell.run("plan", "A report on bees", "--template", "report", "--words", 3000, "--json").worked()
    plan = json.loads(done.out)
    assert plan["title"] == "A report on bees" and sum(section["words"] for section in plan["sections"]) == 3000
    chinese = shell.run("plan", "写一篇关于蜜蜂的报告", "--template", "report", "--words", 2000).worked().out
    assert "主要发现" in chinese
    shell.run("plan", "Bees", "--template", "sonnet").failed(2, "sonnet", "report")
    shell.run("write", "Bees", "--template", "report", "--plan", "x.txt").failed(2, "--template")
    shell.run("write", "Bees", "--template", "report", "--mode", "direct").failed(2, "--template")
    folder = shell.config.parent / "templates"
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text('{"sections": [{"title": "Cook", "main_point": "how", "words": 9}]}')
    assert "Cook" in shell.run("plan", "Bread", "--template", "recipe", "--words", 300).worked().out
