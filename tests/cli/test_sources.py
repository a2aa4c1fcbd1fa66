"""``lwtui sources`` and ``lwtui write --source``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lwtui.cli.researching import chosen_by
from lwtui.documents.model import Brief
from lwtui.documents.store import Document
from tests.cli.running import PLAN_JSON, ScriptedWriter, Shell, endpoint, model_options
from tests.sources.support import TEA, Reply, Site, article, page, pdf
from tests.support.embeddings import EmbeddingServer
from tests.support.fault_server import Answer
from tests.support.mcp_search_server import command, logged
from tests.support.searxng import SearxngServer, row
from tests.support.studio import plan_of


def document_in(shell: Shell) -> Path:
    path = shell.folder / "tea.lw"
    Document.create(path, Brief("Write about tea", 40, seed=5), plan_of(20, 20)).close()
    return path


def test_sources_are_added_listed_found_pinned_and_removed(shell: Shell) -> None:
    path = document_in(shell)
    papers = shell.folder / "papers"
    papers.mkdir()
    (papers / "hills.pdf").write_bytes(
        pdf([TEA], Title="Tea of the Hills", Author="Ann Gray", CreationDate="D:20200304")
    )
    (papers / "zh.txt").write_text("茶叶生长在高山上。", encoding="utf-8")
    assert "No sources yet" in shell.run("sources", "list", path).worked().err
    with Site({"/clay": Reply(page(article(), title="Clay Pots"))}) as site:
        done = shell.run("sources", "add", path, "papers", f"{site.address}/clay").worked()
    assert done.out == "" and done.err.splitlines() == [
        "gray2020  Tea of the Hills (pdf, 1 passage)",
        "zh  zh (text, 1 passage)",
        "clay-pots  Clay Pots (web, 1 passage)",
        f"{path} has 3 sources.",
    ]
    listed = shell.run("sources", "list", path).worked().out
    assert "papers/hills.pdf" in listed and f"{site.address}/clay" in listed
    found = json.loads(shell.run("sources", "search", path, "高山", "--json").worked().out)
    assert [(row["key"], row["number"], row["page"]) for row in found] == [("zh", 1, None)]
    plain = shell.run("sources", "search", path, "farmers of Assam", "--limit", "1").worked().out
    assert plain.startswith("gray2020 [1] p. 1  Tea of the Hills\n") and "1,200 tons" in plain
    assert "Nothing found" in shell.run("sources", "search", path, "zebra").worked().err
    pinned = json.loads(shell.run("sources", "pin", path, "gray2020", "2", "--json").worked().out)
    assert [(row["key"], row["pinned"]) for row in pinned] == [("gray2020", [2]), ("zh", []), ("clay-pots", [])]
    shown = json.loads(shell.run("sources", "show", path, "papers/hills.pdf", "--json").worked().out)
    assert shown["csl"]["author"] == [{"family": "Gray", "given": "Ann"}] and shown["text"][0]["page"] == 1
    assert "Tea grows on high hills" in shell.run("sources", "show", path, "gray2020").worked().out
    off = json.loads(shell.run("sources", "pin", path, "gray2020", "2", "--off", "--json").worked().out)
    assert off[0]["pinned"] == []
    shell.run("sources", "remove", path, "zh", "clay-pots").worked()
    with Document.open(path, read_only=True) as document:
        assert [source.key for source in document.sources] == ["gray2020"]


def test_what_cannot_be_a_source_is_told_and_the_others_are_added(shell: Shell) -> None:
    path = document_in(shell)
    (shell.folder / "bad.pdf").write_bytes(b"%PDF-1.7 noise")
    (shell.folder / "good.md").write_text("# Tea\n\nIt grows.")
    done = shell.run("sources", "add", path, "bad.pdf", "good.md")
    assert done.code == 1 and len(done.err.splitlines()) == 3
    assert "bad.pdf is not a valid PDF" in done.err and "tea  Tea" in done.err
    (shell.folder / "sheet.numbers").write_bytes(b"1,2")
    unknown = shell.run("sources", "add", path, "sheet.numbers")
    assert all(kind in unknown.err for kind in ("Sources can be PDF, CSV", "BibTeX", "Markdown", "DOCX"))
    assert "imports" not in unknown.err
    shell.fails(2, "not-found", "sources", "add", path, "gone.md")
    shell.fails(2, "no-address", "sources", "add", path, "ftp://a.org/x")
    shell.fails(2, "not-found", "sources", "show", path, "gone")
    shell.fails(2, "not-found", "sources", "remove", path, "tea", "gone")
    shell.fails(2, "not-found", "sources", "pin", path, "tea", "9")
    shell.fails(1, "not-found", "sources", "list", "gone.lw")
    shell.run("sources").failed(2, "ACTION")
    shell.run("sources", "search", path, "x", "--limit", "0").failed(2, "--limit")
    with Document.open(path, read_only=True) as document:
        assert [source.key for source in document.sources] == ["tea"]
    with Document.open(path):
        shell.fails(1, "read-only", "sources", "add", path, "good.md")


def test_adding_stops_at_once_and_keeps_what_it_has(shell: Shell) -> None:
    path = document_in(shell)
    (shell.folder / "a.md").write_text("# Tea\n\nIt grows.")
    (shell.folder / "b.pdf").write_bytes(pdf([TEA * 20] * 3_000))
    running = shell.start("sources", "add", path, "a.md", "b.pdf")
    assert running.stderr is not None
    assert "tea  Tea" in running.stderr.readline()
    time.sleep(1.0)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130 and err.splitlines()[-1] == "Stopped. 1 source was added, and stays."
    with Document.open(path) as document:
        assert [source.key for source in document.sources] == ["tea"]


def test_a_document_is_written_from_its_sources(shell: Shell) -> None:
    (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))
    (shell.folder / "hills.md").write_text("# Tea\n\n" + " ".join(TEA))
    with endpoint() as server:
        options = ("write", "A guide", "--plan", "plan.json", "--output", "out.md", *model_options(server))
        shell.fails(2, "not-found", *options, "--source", "gone.md")
        assert not (shell.folder / "out.lw").exists()
        done = shell.run(*options, "--source", "hills.md").worked()
    assert "tea  Tea (markdown, 1 passage)" in done.err
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert [source.key for source in document.sources] == ["tea"]
        assert all(section.text for section in document.sections())


def test_several_sources_follow_one_option_as_a_shell_expands_them(shell: Shell) -> None:
    (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))
    for name in ("hills", "valleys", "cups"):
        (shell.folder / f"{name}.md").write_text(f"# {name.title()}\n\n" + " ".join(TEA))
    with endpoint() as server:
        for name, given in (
            ("after", ("write", "A guide", "--source", "hills.md", "cups.md", "--source", "valleys.md")),
            ("before", ("write", "--source", "hills.md", "cups.md", "A guide", "--source", "valleys.md")),
        ):
            options = ("--plan", "plan.json", "--output", f"{name}.lw", *model_options(server))
            shell.run(*given, *options).worked()
            with Document.open(shell.folder / f"{name}.lw", read_only=True) as opened:
                assert opened.brief.instruction == "A guide"
                assert sorted(source.title for source in opened.sources) == ["Cups", "Hills", "Valleys"]
        options = ("--plan", "plan.json", "--output", "none.lw", *model_options(server))
        shell.fails(2, "no-instruction", "write", "--source", "hills.md", "gone.md", *options)
        shell.fails(2, "not-found", "write", "--source", "hills.md", "gone.md", "A guide", *options)


def test_nothing_is_written_without_a_source_that_was_asked_for(shell: Shell) -> None:
    (shell.folder / "bad.pdf").write_bytes(b"%PDF-1.7 noise")
    (shell.folder / "good.md").write_text("# Tea\n\nIt grows.")
    with endpoint() as server:
        options = ("--output", "out.md", *model_options(server))
        done = shell.run("write", "A guide", "--source", "bad.pdf", "--source", "good.md", "--quiet", *options)
        assert done.code == 1 and not server.calls
        assert "bad.pdf is not a valid PDF" in done.err and "lwtui write --resume out.lw" in done.err
        shell.run("write", "--resume", "out.lw", *options).worked()
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert [source.key for source in document.sources] == ["tea"] and document.words > 0


def test_a_new_document_without_any_source_is_removed_again(shell: Shell) -> None:
    (shell.folder / "bad.pdf").write_bytes(b"%PDF-1.7 noise")
    (shell.folder / "empty.txt").write_bytes(b"")
    with endpoint() as server:
        options = ("--output", "out.md", *model_options(server))
        done = shell.run("write", "A guide", "--source", "bad.pdf", "--source", "empty.txt", *options)
        assert done.code == 1 and not server.calls
        assert [line.partition(" ")[0] for line in done.err.splitlines()[-3:]] == ["bad.pdf", "empty.txt", "lwtui:"]
        assert "2 sources cannot be read. Nothing is written yet." in done.err and "--resume" not in done.err
        assert [file.name for file in shell.folder.iterdir() if file.name.startswith("out")] == []
        (shell.folder / "good.md").write_text("# Tea\n\nIt grows.")
        shell.run("write", "A guide", "--source", "good.md", *options).worked()
        stopped = shell.run("write", "--resume", "out.lw", "--source", "bad.pdf", *options)
        assert stopped.code == 1 and (shell.folder / "out.lw").exists()


WEB = {
    "http://tea.example/assam": Reply(page(article(), title="Tea of Assam")),
    "http://tea.example/green": Reply(page(article("Green tea is steamed at once."), title="Green Tea")),
}
ROWS = [row("Tea of Assam", "http://tea.example/assam", "By hand."), row("Gone", "http://tea.example/gone")]
ROWS += [row("Green tea", "http://tea.example/green"), row("Router", "http://192.168.0.1/")]


def test_research_shows_what_is_found_and_adds_the_first_pages(shell: Shell) -> None:
    path = document_in(shell)
    shell.fails(1, "no-search-tool", "sources", "research", path, "--query", "tea")
    with SearxngServer({"tea": ROWS, "zebra": []}, WEB) as server:
        shell.run("config", "set", "research.searxng", server.address).worked()
        listed = shell.run("sources", "research", path, "--query", "tea", "--list").worked()
        assert listed.out.splitlines()[:3] == ["  1. Tea of Assam", "     http://tea.example/assam", "     By hand."]
        assert "Router" not in listed.out and server.fetched == []
        done = shell.run(
            "sources", "research", path, "--query", "tea", "--pages", "3", "--json", http_proxy=server.address
        )
        answer = json.loads(done.worked().out)
        assert (answer["queries"], answer["added"]) == (["tea"], ["tea-assam", "green-tea"])
        assert [one["location"] for one in answer["unread"]] == ["http://tea.example/gone"]
        assert [one["title"] for one in answer["results"]] == ["Tea of Assam", "Gone", "Green tea"]
        again = shell.run("sources", "research", path, "--query", "tea", "--list").worked()
        assert again.out.splitlines() == ["  1. Gone", "     http://tea.example/gone"]
        assert "nothing new" in shell.run("sources", "research", path, "--query", "zebra").worked().err
    with Document.open(path, read_only=True) as document:
        assert [source.key for source in document.sources] == ["tea-assam", "green-tea"]


def test_an_interrupt_at_the_question_ends_the_research_at_once(shell: Shell) -> None:
    path = document_in(shell)
    pty = pytest.importorskip("pty")
    with SearxngServer({"tea": ROWS}, WEB) as server:
        shell.run("config", "set", "research.searxng", server.address).worked()
        terminal, inner = pty.openpty()
        running = subprocess.Popen(
            [sys.executable, "-m", "lwtui", "sources", "research", str(path), "--query", "tea"],
            cwd=shell.folder,
            env=shell.environment(),
            stdin=inner,
            stdout=subprocess.PIPE,
            stderr=inner,
        )
        shown = b""
        while b"Which become sources?" not in shown:
            shown += os.read(terminal, 4096)
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=30)
        os.close(inner)
        shown += os.read(terminal, 4096)
        os.close(terminal)
    assert running.returncode == 130 and b"Tea of Assam" in out
    assert shown.decode().splitlines()[-1] == "Stopped. No source was added."
    assert b"Traceback" not in shown
    with Document.open(path) as document:
        assert document.sources == ()


def test_research_opens_an_mcp_server_once(shell: Shell) -> None:
    path, log = document_in(shell), shell.folder / "mcp.log"
    shell.run("config", "set", "research.mcp", command("ids")).worked()
    shell.run("config", "set", "research.fetch_tool", "fetch").worked()
    shell.run("config", "set", "research.mcp_env", "MCP_LOG,PYTHONPATH").worked()
    done = shell.run(
        "sources", "research", path, "--query", "tea", MCP_LOG=str(log), PYTHONPATH=str(Path(__file__).parents[2])
    ).worked()
    assert "https://tea.example/green has no text" in done.err
    assert [event for event, _ in logged(log)] == ["start", "search", "fetch", "fetch", "end"]
    again = shell.run("sources", "research", path, "--query", "tea", "--list", MCP_LOG=str(log)).worked()
    assert again.out.splitlines()[0] == "  1. Green tea"


def test_a_model_makes_the_queries_and_write_searches_before_it_writes(shell: Shell) -> None:
    writer = ScriptedWriter()

    def author(request: Any) -> Answer:
        if "queries for a search engine" in json.dumps(request["messages"]):
            return Answer(['{"queries": ["tea", "zebra"]}'])
        return writer(request)

    (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))
    with SearxngServer({"tea": ROWS}, WEB) as server, endpoint(author) as model:
        options = ("write", "A guide", "--plan", "plan.json", "--output", "out.md", *model_options(model))
        shell.fails(1, "no-search-tool", *options, "--research")
        assert not model.calls and not (shell.folder / "out.lw").exists()
        shell.run("config", "set", "research.searxng", "http://127.0.0.1:9").worked()
        failed = shell.run(*options, "--research")
        assert failed.code == 1 and "cannot be reached" in failed.err and "--no-research" in failed.err
        shell.run("config", "set", "research.searxng", server.address).worked()
        resumed = ("write", "--resume", "out.lw", "--output", "out.md", *model_options(model))
        done = shell.run(*resumed, http_proxy=server.address).worked()
        assert [asked["q"] for asked in server.asked] == ["tea", "zebra"]
    err = done.err
    assert err.index("Searching: tea") < err.index("1. Tea of Assam") < err.index("Research added 2 sources")
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert len(document.sources) == 2 and document.setting("research") == ""
        assert all(section.text for section in document.sections())


def test_writing_can_go_on_without_the_research(shell: Shell) -> None:
    (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))
    shell.run("config", "set", "research.searxng", "http://127.0.0.1:9").worked()
    with endpoint() as model:
        options = ("--output", "out.md", *model_options(model))
        assert shell.run("write", "A guide", "--plan", "plan.json", "--research", *options).code == 1
        shell.run("write", "--resume", "out.lw", "--no-research", *options).worked()
    with Document.open(shell.folder / "out.lw", read_only=True) as document:
        assert document.sources == () and document.words > 0


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("", [0, 1]),
        ("1", [0]),
        (" 3, 1 ", [2, 0]),
        ("2-4", [1, 2, 3]),
        ("1 3–4,1", [0, 2, 3]),
        ("1，2、3", [0, 1, 2]),
        ("all", [0, 1, 2, 3, 4]),
        ("None", []),
        ("6", None),
        ("0", None),
        ("3-1", None),
        ("tea", None),
        ("1;x", None),
    ],
)
def test_an_answer_chooses_results(answer: str, chosen: list[int] | None) -> None:
    assert chosen_by(answer, 5, 2) == chosen


def test_embeddings_find_passages_in_searches_and_for_sections(shell: Shell) -> None:
    (shell.folder / "motor.md").write_text("# Motors\n\nEvery automobile needs fuel on the road.")
    (shell.folder / "plan.json").write_text(json.dumps(PLAN_JSON))
    with EmbeddingServer() as server, endpoint() as model:
        shell.settings(f'[models.vectors]\nbase_url = "{server.base_url}"\n[sources]\nembeddings = "vectors"\n')
        path = document_in(shell)
        shell.run("sources", "add", path, "motor.md").worked()
        assert [len(texts) for texts in server.asked] == [1]
        found = json.loads(shell.run("sources", "search", path, "car", "--json").worked().out)
        assert [row["key"] for row in found] == ["motors"] and server.asked[1:] == [["car"]]
        options = ("--source", "motor.md", "--plan", "plan.json", "--output", "out.md", *model_options(model))
        shell.run("write", "A guide to cars", *options).worked()
        subjects = [texts[0] for texts in server.asked[2:]]
        assert "Soil and Pots\nwhat they stand in" in subjects and len(subjects) == 4
    done = shell.run("sources", "search", path, "fuel")
    assert "motors [1]" in done.worked().out and done.err.count("by their words alone") == 1
