"""``lwtui write`` over HTTP: talk around the text is left out, and what is short or refused is no success."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from lwtui.command_line.guard import INCOMPLETE
from lwtui.documents.model import Status
from lwtui.documents.store import Document
from tests.cli.running import PLAN_JSON, TITLES, Shell, endpoint, headings, model_options, prose

REFUSAL = "I'm sorry, but I can't help with that request."
TEXTS = ["".join(prose(f"text {number}", 56)).strip() for number in (1, 2, 3)]


def answering(*texts: str) -> Callable[[Any], Sequence[str]]:
    """Answer with these texts, one for each section, in small pieces."""

    def answer(body: Any) -> Sequence[str]:
        number = int(re.findall(r"[Ss]ection (\d+) of", json.dumps(body["messages"]))[-1])
        return re.findall(r"(?s).{1,9}", texts[number - 1])

    return answer


def write(shell: Shell, *texts: str) -> tuple[int, str, str]:
    """Write a document whose sections get these answers. Returns the exit code, the messages and the output."""
    (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))
    with endpoint() as server:
        server._answer = answering(*texts)
        done = shell.run("write", "Tomatoes", "--plan", "plan.json", "--output", "out.md", *model_options(server))
    return done.code, done.err, (shell.folder / "out.md").read_text()


@pytest.mark.parametrize(
    "dresses",
    [
        (
            "Sure! Here is section 1 of the document:\n\n{}",
            "好的，以下是第二节的内容：\n\n{}",
            "Section 3 of 3: Harvest\n\n{}",
        ),
        ("{}\n\n(Word count: 56)", "{}\n\n**Word Count:** 56 words", "{}\n\n字数：56\n\nI hope this helps!"),
        ("```markdown\n{}\n```", "<section>\n{}\n</section>", "Assistant: {}"),
        ("```\n## Soil and Pots\n\n{}\n```", "{}<|im_end|>\n<|im_start|>user\nThanks", "{}</s>"),
        (
            "Certainly, here's the text:\n\n```md\n{}\n```\n\nLet me know if you'd like changes.",
            "{}\n\n[End of section]",
            "{}",
        ),
    ],
)
def test_talk_around_the_text_is_left_out(shell: Shell, dresses: tuple[str, str, str]) -> None:
    code, errors, text = write(shell, *(dress.format(own) for dress, own in zip(dresses, TEXTS, strict=True)))
    assert code == 0, errors
    sections = "\n\n".join(f"## {title}\n\n{own}" for title, own in zip(TITLES, TEXTS, strict=True))
    assert text.strip() == f"# Tomatoes in Pots\n\n{sections}"


@pytest.mark.parametrize(
    "refrain",
    [
        "In this chapter you will learn:",
        "Ingredients (serves four people):",
        "Row, row, row your boat, gently down the stream.",
        "```python\nimport numpy as np\nimport pandas as pd\nimport seaborn as sns\n```",
    ],
)
def test_what_stands_in_each_section_may_do_so(shell: Shell, refrain: str) -> None:
    code, errors, text = write(shell, *(f"{refrain}\n\n{own}" for own in TEXTS))
    assert code == 0, errors
    assert text.count(refrain) == 3
    assert all(own in text for own in TEXTS)


def test_short_and_refused_sections_have_their_own_exit_code_and_are_written_on_resume(shell: Shell) -> None:
    code, errors, text = write(shell, TEXTS[0], REFUSAL, "Hello there.")
    assert code == INCOMPLETE == 3
    assert headings(text) == [TITLES[0], TITLES[2]] and REFUSAL not in text
    assert "1 section is short: “Harvest” (2 of 60)." in errors
    assert "1 section was refused by the model: “Light and Water”." in errors
    assert f"the model refused: “{REFUSAL}”" in errors
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        statuses = [section.status for section in document.sections()]
    assert statuses == [Status.DONE, Status.REFUSED, Status.SHORT]
    assert "are short" in shell.run("export", "out.lw", "--to", "txt").worked().err.replace("is short", "are short")
    with endpoint() as server:
        server._answer = answering("", TEXTS[1], TEXTS[2])
        resumed = re.findall(r"lwtui (write --resume .*)", errors)[-1].split(" --model")[0].split()
        done = shell.run(*resumed, "--force", *model_options(server)).worked()
        assert {int(n) for call in server.calls for n in re.findall(r"[Ss]ection (\d) of", str(call.json))[-1:]} == {
            2,
            3,
        }
    assert all(own in (shell.folder / "out.md").read_text() for own in TEXTS)
    assert "short" not in done.err


def test_events_tell_the_status_of_a_section(shell: Shell) -> None:
    (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))
    with endpoint() as server:
        server._answer = answering(TEXTS[0], REFUSAL, "Hello there.")
        options = ("--plan", "plan.json", "--events", "--output", "out.md", *model_options(server))
        done = shell.run("write", "Tomatoes", *options)
    finished = [event for event in map(json.loads, done.out.splitlines()) if event["event"] == "SectionFinished"]
    assert [event["status"] for event in finished] == ["done", "refused", "short"]
    assert [event["refusal"] for event in finished] == ["", REFUSAL, ""]
    assert done.code == INCOMPLETE
