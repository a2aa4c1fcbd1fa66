"""In another language, users read translated messages; models read the same ones in English."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

from lwtui import translation
from lwtui.agentwrite.events import PlanPoint, PlanRejected, SectionReviewed
from lwtui.agentwrite.plan_review import point_line, points_text
from lwtui.documents.model import Brief
from lwtui.models.base import ModelError
from lwtui.models.llama_cpp.process import WorkerProcess
from tests.agentwrite.test_polish import draft_of, polished
from tests.support.author import Author, plan_text
from tests.support.editor import Editor, newer
from tests.support.studio import of_kind, open_studio

TEXTS = {
    "It has no steps; the answer begins with {answer!r}.": "KEINE SCHRITTE: {answer!r}.",
    "Make sure that it says something about this: {point}": "FEHLT: {point}",
    "{kind}, steps {steps} and {last}: {said}": "{kind}, SCHRITTE {steps} UND {last}: {said}",
    "Overlap": "ÜBERSCHNEIDUNG",
    "Cannot read the GGUF {path}: {reason}. Check the file, or download it again.": "{path} UNLESBAR: {reason}.",
    "it lacks the GGUF signature": "KEIN GGUF",
}


@pytest.fixture(autouse=True)
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Translate :data:`TEXTS`, in this process and in its children."""
    file = tmp_path / "config" / "locale" / "de.po"
    file.parent.mkdir(parents=True)
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    catalogue.extend(polib.POEntry(msgid=english, msgstr=text) for english, text in TEXTS.items())
    catalogue.save(str(file))
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("LWTUI_LANGUAGE", "de")
    caches = (translation._language, translation._catalogue)
    for cached in caches:
        cached.cache_clear()
    yield
    monkeypatch.undo()
    for cached in caches:
        cached.cache_clear()


async def test_a_model_reads_in_english_what_is_wrong_with_its_plan() -> None:
    good = "Title: Soil\n" + plan_text(4, 1200)
    author = Author(plan=lambda attempt: "Sure! What would you like?" if attempt == 1 else good)
    async with open_studio(author) as studio:
        _plan, events = await studio.plan(Brief("Write about soil.", 1200, seed=5))
        repair = studio.prompts[1]
    (rejected,) = of_kind(PlanRejected, events)
    assert rejected.findings == ("KEINE SCHRITTE: 'Sure! What would you like?'.",)
    assert "- It has no steps; the answer begins with 'Sure! What would you like?'." in repair and "KEINE" not in repair


async def test_a_model_reads_in_english_what_a_section_lacks() -> None:
    async with open_studio(Editor(newer)) as studio:
        events, _state = await polished(studio, draft_of(1))
        prompts = studio.prompts
    (reviewed,) = of_kind(SectionReviewed, events)
    lacking = [point.problem for point in reviewed.points if not point.quote]
    assert lacking and all(problem.startswith("FEHLT: ") for problem in lacking)
    assert any("Make sure that it says something about this: " in prompt for prompt in prompts)
    assert not any("FEHLT" in prompt for prompt in prompts)


def test_points_about_a_plan_are_translated_for_the_user_alone() -> None:
    point = PlanPoint("overlap", (2, 5), ("a", "b"), "Both tell of soil.", "Merge them.")
    assert point_line(point) == "ÜBERSCHNEIDUNG, SCHRITTE 2 UND 5: Both tell of soil. Merge them."
    assert points_text([point]) == "- Overlap, steps 2 and 5: Both tell of soil. Merge them."


async def test_the_worker_process_speaks_the_language_of_the_app(tmp_path: Path) -> None:
    path = tmp_path / "none.gguf"
    path.write_bytes(b"nothing")
    worker = await WorkerProcess.start()
    try:
        with pytest.raises(ModelError) as caught:
            await worker.load(path, {})
    finally:
        await worker.close()
    assert str(caught.value) == f"{path} UNLESBAR: KEIN GGUF."
