"""A report from twelve sources: does every citation resolve, and is the bibliography right in every format?

    python docs/experiments/report.py --out report                 # a scripted author, no model
    python docs/experiments/report.py --out report --model gpt     # any chat model, with the same sources

The sources stand in ``wickham.md``, and are made into files of their kinds here: PDF, DOCX, ODT, EPUB, HTML, Markdown,
text, CSV and BibTeX, and one of them is in Chinese. They tell of a harbor town that does not exist, so no model knows
anything about it.

The scripted author writes the passages' own sentences with their numbers, those of the Chinese source in English. It
also does what models do wrong: it cites numbers of no passage and works of no source, and adds a list of references.
Every figure is printed in one table, and the exit code is 1 if a citation stands for nothing, a cited source is missing
in a bibliography, or the report is shorter than nine tenths of its length.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import zipfile
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lwtui.agentwrite import keep_plan, plan_document, recording
from lwtui.agentwrite.agent import Agent, open_agent
from lwtui.agentwrite.events import CitationsDropped, Event, PlanReady
from lwtui.agentwrite.lint import lint, parts_of
from lwtui.agentwrite.prompt_builder import builder_for
from lwtui.agentwrite.prompt_templates import PromptTemplates
from lwtui.agentwrite.source_selection import brief_with_sources
from lwtui.agentwrite.write import write_document
from lwtui.config import load_settings
from lwtui.documents.build import build
from lwtui.documents.export import bibliography, cited_sources, export
from lwtui.documents.export.manuscript import ExportOptions, build_manuscript
from lwtui.documents.model import Brief, Origin, Plan, PlannedSection
from lwtui.documents.store import Document
from lwtui.models.base import Capabilities, Finished, Request, StreamPart, TextPiece
from lwtui.models.catalog import resolve
from lwtui.models.metering import UsageTracker
from lwtui.models.profiles import PROFILES
from lwtui.models.usage import estimate_tokens
from lwtui.sources.citations import find_citations
from lwtui.sources.reading.adding import UnreadSource, add_sources, locations
from lwtui.sources.reading.job import ReadJob
from lwtui.sources.support import support_checker
from lwtui.text import count_words

FORMATS = ("html", "docx", "odt", "epub", "pdf")
INSTRUCTION = "Write a report on the harbor town of Wickham: its people, its trade and its buildings."
CONTEXT = 16_384  # tokens of the scripted author
WRONG = " [97] [@falkner1999] (Falkner, 1999)"  # citations of nothing
REFERENCES = "\n\n## References\n\n1. Falkner, N. (1999). A book that does not exist. Nowhere Press.\n"
SOURCES = Path(__file__).with_name("wickham.md")
_HEAD = re.compile(r"file: (?P<file>\S+) · author: ?(?P<author>.*?) · year: ?(?P<year>\d*) · chapter: (?P<chapter>.+)")
_SENTENCE_GAP = re.compile(r"(?<=[.!?]) (?=[A-Z])")


@dataclass(frozen=True)
class MadeSource:
    """A source.

    Attributes:
        title: Its title.
        author: Who wrote it; may be empty, like the ``year``.
        year: When.
        file: The name of its file.
        chapter: The heading of the scripted author's section about it, and its main point.
        text: Its text, in paragraphs.
        sentences: The sentences of the text.
        said: The same as the report says them: in English.
    """

    title: str
    author: str
    year: str
    file: str
    chapter: tuple[str, str]
    text: str
    sentences: tuple[str, ...]
    said: tuple[str, ...]


def made_sources() -> list[MadeSource]:
    """Read the sources from ``wickham.md``, where each line of the Chinese one is followed by its English."""
    return [_source(part) for part in re.split(r"(?m)^# ", SOURCES.read_text(encoding="utf-8"))[1:]]


def _source(part: str) -> MadeSource:
    title, head, body = (piece.strip() for piece in part.split("\n\n", 2))
    found = _HEAD.fullmatch(head)
    if found is None:
        raise ValueError(f"This is not the head of a source: {head}")
    sentences = [sentence for line in body.splitlines() for sentence in _SENTENCE_GAP.split(line) if sentence]
    pairs = [sentence.partition(" = ") for sentence in sentences]
    text = re.sub(r" = .*", "", body)
    heading, _, point = found["chapter"].partition(": ")
    return MadeSource(
        title,
        found["author"],
        found["year"],
        found["file"],
        (heading, point),
        text,
        tuple(written for written, _, _ in pairs),
        tuple(said or written for written, _, said in pairs),
    )


def write_files(sources: Sequence[MadeSource], folder: Path) -> None:
    """Write each source as a file of its kind."""
    for source in sources:
        path, text = folder / source.file, source.text
        match path.suffix:
            case ".csv":
                rows = "\n".join(f'{number},"{one}"' for number, one in enumerate(source.sentences, 1))
                path.write_text(f"entry,note\n{rows}\n", encoding="utf-8")
            case ".bib":
                record = f"title = {{{source.title}}}, author = {{Stone, Vera}}, year = {{{source.year}}}"
                path.write_text(f"@book{{stone2020, {record}, abstract = {{{text}}}}}\n", encoding="utf-8")
            case ".md":
                head = f'---\ntitle: "{source.title}"\nauthor: "{source.author}"\ndate: {source.year}\n---\n\n'
                path.write_text(head + text, encoding="utf-8")
            case ".txt":
                path.write_text(f"{source.title}\n\n{text}", encoding="utf-8")
            case ".html":
                head = f'<title>{source.title}</title><meta name="author" content="{source.author}">'
                body = "".join(f"<p>{paragraph}</p>" for paragraph in text.split("\n\n"))
                page = f"<html><head><meta charset='utf-8'>{head}</head><body><article>{body}</article></body></html>"
                path.write_text(page, encoding="utf-8")
            case _:
                _export_source(source, text, path)


def _export_source(source: MadeSource, text: str, path: Path) -> None:
    """Write a source as PDF, DOCX, ODT or EPUB, by lwtui's own exports."""
    plan = Plan(source.title, (PlannedSection("", source.title, count_words(text), "s1"),))
    target = path.with_suffix(".lw")
    build(target, Brief(source.title, count_words(text)), plan, {"s1": text}, Origin.USER)
    with Document.open(target) as document:
        options = ExportOptions(author=source.author, date=f"{source.year}-05-01", contents=False)
        export(document, path, options=options)
    target.unlink()


def plan_of(sources: Sequence[MadeSource]) -> Plan:
    """Return the plan of the scripted author: a section for each source, as long as what the source says."""
    sections = (PlannedSection(*one.chapter, count_words(" ".join(one.said))) for one in sources)
    return Plan("Wickham, a Harbor Town", tuple(sections))


class ScriptedAuthor:
    """A model that writes what its passages say, with their numbers, and some citations of nothing."""

    name, model_hash = "script", ""
    capabilities = Capabilities(CONTEXT, exact_tokens=True)

    def __init__(self, sources: Sequence[MadeSource]) -> None:
        self._said = {one: said for source in sources for one, said in zip(source.sentences, source.said, strict=True)}
        self._used: set[str] = set()

    async def stream(self, request: Request) -> AsyncGenerator[StreamPart, None]:
        """Write a section."""
        yield TextPiece(self._section(request.prompt.messages[-1].content))
        yield Finished("stop")

    def _section(self, prompt: str) -> str:
        wanted = re.search(r"about (\d+) words", prompt)
        left = int(wanted[1]) if wanted else 250
        paragraphs: list[list[str]] = [[]]
        for number, sentence in self._statements(prompt):
            if left <= 0:
                break
            left -= count_words(sentence)
            paragraphs[-1].append(f"{sentence[:-1]} [{number}].")
            if len(paragraphs[-1]) == 4:
                paragraphs.append([])
        text = "\n\n".join(" ".join(paragraph) for paragraph in paragraphs if paragraph)
        return f"{text.removesuffix('.')}{WRONG}.{REFERENCES if 'section 12 of 12' in prompt else ''}"

    def _statements(self, prompt: str) -> Iterator[tuple[int, str]]:
        """Yield the sentences of the passages that have not been said, with the numbers of the passages."""
        for number, passage in re.findall(r"(?m)^\[(\d+)\] (.*)$", prompt):
            for written, said in self._said.items():
                if written in passage and written not in self._used:
                    self._used.add(written)
                    yield int(number), said

    async def count_tokens(self, text: str) -> int:
        """Estimate the tokens."""
        return round(estimate_tokens(text))

    async def aclose(self) -> None:
        """Do nothing."""


async def write_report(folder: Path, words: int, model: str) -> Path:
    """Write the report, and return the document."""
    made = made_sources()
    files = folder / "sources"
    files.mkdir(parents=True, exist_ok=True)
    write_files(made, files)
    path = folder / "report.lw"
    path.unlink(missing_ok=True)
    brief = Brief(INSTRUCTION, words, "en", seed=1)
    with Document.create(path, brief) as document:
        for added in add_sources(document.source_store, locations([str(files)]), ReadJob()):
            if isinstance(added, UnreadSource):
                sys.exit(added.problem)
        agent = await _agent(model, made)
        try:
            await _plan(document, agent, made, model)
            dropped = await _write(document, agent)
        finally:
            await agent.aclose()
    print(f"{dropped} citations of nothing were dropped while the text came in.")
    return path


async def _agent(model: str, made: Sequence[MadeSource]) -> Agent:
    if model:
        settings = load_settings()
        return await open_agent(model, settings, model=resolve(model, settings))
    profile = PROFILES["chat"]
    return Agent(ScriptedAuthor(made), profile, builder_for(profile, PromptTemplates("chat")))


async def _plan(document: Document, agent: Agent, made: Sequence[MadeSource], model: str) -> None:
    brief = document.brief
    if model:
        brief = brief_with_sources(brief, document.source_store, agent.context_length)
        keep_plan(document, PlanReady(await plan_document(agent, brief)), "Plan")
        return
    keep_plan(document, PlanReady(plan_of(made)), "Plan")
    # Words find nothing in another language, so a writer pins that source to its section.
    store = document.source_store
    for source, section in zip(made, document.plan.sections, strict=True):
        found = next(one for one in document.sources if one.location.endswith(source.file))
        for other in found.pinned:
            store.pin(found.id, other, pinned=False)
        store.pin(found.id, section.id)


async def _write(document: Document, agent: Agent) -> int:
    dropped = 0

    async with recording(document, UsageTracker()) as recorder:

        async def emit(event: Event) -> None:
            nonlocal dropped
            recorder.store(event)
            if isinstance(event, CitationsDropped):
                dropped += len(event.citations)

        await write_document(agent, document.brief, recorder, emit)
    return dropped


def check(path: Path) -> dict[str, object]:
    """Export the report in all formats, and return what is right and wrong with it."""
    with Document.open(path) as document:
        texts = [section.text for section in document.sections()]
        keys = {source.key for source in document.sources}
        citations = [citation.key for text in texts for citation in find_citations(text, keys)]
        cited = cited_sources(build_manuscript(document, None))
        support = support_checker(document.source_store, texts)
        findings = lint(parts_of(document.sections()), support=support, language="en")
        counts = {kind: sum(one.kind == kind for one in findings) for kind in {one.kind for one in findings}}
        missing: dict[str, list[str]] = {}
        for ending in FORMATS:
            target = path.with_suffix(f".{ending}")
            export(document, target)
            shown = _plain(READ[ending](target))
            missing[ending] = [source.title for source in cited if _plain(source.title) not in shown]
        bibtex = bibliography(cited)
        return {
            "words": sum(section.length for section in document.sections()),
            "sources": len(document.sources),
            "sources cited": len(cited),
            "citations": len(citations),
            "citations of no source": sum(key not in keys for key in citations) + counts.get("unknown-source", 0),
            "claims without support": counts.get("unsupported-claim", 0),
            "figures without citation": counts.get("uncited-figure", 0),
            "made-up works in the text": sum("Falkner" in text or "1999)" in text for text in texts),
            "records in BibTeX": len(re.findall(r"(?m)^@", bibtex)),
            **{f"missing in {ending}": len(titles) for ending, titles in missing.items()},
        }


def _zipped(path: Path) -> str:
    """Return the text of the XML and XHTML files in an archive."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith((".xml", ".xhtml"))]
        return " ".join(archive.read(name).decode("utf-8", "replace") for name in names)


def _pdf(path: Path) -> str:
    import pypdf

    return " ".join(page.extract_text() for page in pypdf.PdfReader(path).pages)


READ: dict[str, Callable[[Path], str]] = {
    "html": lambda path: path.read_text(encoding="utf-8"),
    "docx": _zipped,
    "odt": _zipped,
    "epub": _zipped,
    "pdf": _pdf,
}


def _plain(text: str) -> str:
    """Return a text without markup, white space and capitals, in which a title can be found."""
    return re.sub(r"[\s\W]+", "", re.sub(r"<[^>]*>", "", text)).casefold()


def is_right(found: dict[str, object], words: int) -> bool:
    """Tell whether the report is what it should be."""
    wrong = [name for name in found if name.startswith("missing in")]
    wrong += ["citations of no source", "made-up works in the text"]
    enough = isinstance(found["words"], int) and found["words"] >= 0.9 * words
    return enough and bool(found["citations"]) and not any(found[name] for name in wrong)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write and check the report, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, help="the folder to write to (default: a temporary one)")
    parser.add_argument("--model", default="", help="a chat model of the settings, or the path of a GGUF")
    parser.add_argument("--words", type=int, default=3_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as temporary:
        folder = options.out or Path(temporary)
        path = asyncio.run(write_report(folder, options.words, options.model))
        found = check(path)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(f"{name:<28} {value}" for name, value in found.items()))
    return 0 if is_right(found, options.words) else 1


if __name__ == "__main__":
    sys.exit(main())
