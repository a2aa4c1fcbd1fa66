"""``lwtui lint`` on claims without support, ``lwtui export`` with a citation style, and the citations of a run."""

from __future__ import annotations

import json
from pathlib import Path

from lwtui.documents.model import Brief
from lwtui.documents.store import Document
from lwtui.sources.model import ReadSource, Stretch
from tests.cli.running import Shell, model_options
from tests.support.author import Author
from tests.support.fault_server import FaultServer
from tests.support.studio import plan_of

HARBOR = "The harbor was dug in 1841 by Thomas Wickham, who spent 86,000 pounds on it."
TEXT = "Wickham dug it in 1841 [@harbor]. It cost 68,000 pounds [@harbor, p. 1]. Bees came in 1850. Fish too [@fish]."


def document_in(shell: Shell, text: str = TEXT) -> Path:
    path = shell.folder / "harbor.lw"
    with Document.create(path, Brief("Write about the harbor", 20, seed=5), plan_of(20)) as document:
        csl = {"type": "book", "title": "The harbor", "author": [{"family": "Lind", "given": "Ann"}]}
        read = ReadSource("pdf", "The harbor", "harbor.pdf", "2026-11-30", (Stretch(HARBOR, 1),), csl, "harbor")
        document.source_store.add(read)
        if text:
            document.edit("s1", text)
    return path


def test_lint_lists_claims_without_support(shell: Shell) -> None:
    path = document_in(shell)
    done = shell.run("lint", path, "--json", "--fail-on", "unsupported-claim")
    assert done.code == 1
    found = {row["kind"]: row for row in json.loads(done.out)["findings"]}
    assert found["unsupported-claim"]["message"] == "Not found in The harbor, p. 1: 68,000"
    assert found["unsupported-claim"]["places"][0]["offset"] == TEXT.index("It cost")
    assert found["uncited-figure"]["places"][0]["quote"] == "Bees came in 1850."
    assert found["unknown-source"]["message"] == "No source has the key “fish”"
    assert json.loads(done.out)["counts"]["unsupported-claim"] == 1


def test_export_takes_a_style_and_writes_a_bibliography(shell: Shell) -> None:
    path, bib = document_in(shell), shell.folder / "harbor.bib"
    done = shell.run("export", path, "--to", "md", "--csl", "numeric", "--bibliography", bib).worked()
    text = path.with_suffix(".md").read_text()
    assert r"It cost 68,000 pounds \[1, p. 1\]." in text and "Ann Lind, *The harbor*" in text and "Fish too." in text
    assert "Citations of no source were left out: fish." in done.err
    assert "@book{harbor," in bib.read_text()
    again = shell.run("export", path, "--to", "md", "--bibliography", bib, "--output", shell.folder / "b.md")
    assert again.code == 2 and "already exists" in again.err
    bad = shell.run("export", path, "--to", "md", "--csl", "nothing", "--force")
    assert bad.code == 2 and "There is no citation style 'nothing'" in bad.err


def test_a_run_cites_by_number_and_tells_what_it_drops(shell: Shell) -> None:
    path = document_in(shell, "")
    with FaultServer(Author(dirt=" [1] [7]")) as server:
        done = shell.run(
            "write", "--resume", path, "--output", shell.folder / "out.txt", *model_options(server)
        ).worked()
        assert "Thomas Wickham" in json.dumps(server.calls[-1].json)
    with Document.open(path, read_only=True) as document:
        text = document.sections()[0].text
    assert "[@harbor, p. 1]" in text and "[7]" not in text
    assert "Dropped citations that stand for nothing: [7]" in done.err
    assert "(Lind, n.d., 1)" in (shell.folder / "out.txt").read_text()
