"""How long it takes to add a thousand pages to a document, and to search them.

    python bench/speed/sources.py [--pages 1000] [--vectors 10000] [--only-vectors] [--gguf FILE] [--json]

On a machine that is busy with other work, the CPU times are those to look at.

The pages are a PDF of about 500 words a page, made here with Typst, half of the words English and half made up. The
vectors are drawn by chance, with 768 numbers each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
from array import array
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time, thread_time

import numpy as np
import typst

from lwtui.config import Settings
from lwtui.documents.model import Brief
from lwtui.documents.store import Document
from lwtui.models.embeddings import open_embedding_model
from lwtui.sources.model import ReadSource, Stretch
from lwtui.sources.reading.adding import SourceReader
from lwtui.sources.reading.job import ReadJob

_WORDS = """
    the of and tea leaf hill rain farmer hand spring heat valley market trade cup pot clay water oven wither roll dry
    sort taste price ship port war tax law land river year town house road field plant seed root soil sun wind
""".split()  # noqa: SIM905
_WORDS_A_PAGE = 500
_SEARCHES = 200
_DIMENSIONS = 768


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--vectors", type=int, default=10_000)
    parser.add_argument("--gguf", default="", help="only measure how fast this GGUF (or demo) makes vectors")
    parser.add_argument("--only-vectors", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if options.gguf:
            print(f"{asyncio.run(measure_gguf(options.gguf)):,.0f} tokens a second")
            return
        result = {} if options.only_vectors else measure(make_pdf(folder, options.pages), folder)
        result |= measure_vectors(folder, options.vectors)
    if options.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:<28} {value:,}")


def make_pdf(folder: Path, pages: int) -> Path:
    chance = random.Random(1)
    made_up = ["".join(chance.choices("abdegiklmnoprstuvz", k=chance.randint(4, 9))) for _ in range(8_000)]
    text = []
    for page in range(pages):
        sentences = []
        for _ in range(_WORDS_A_PAGE // 20):
            words = [chance.choice(_WORDS if chance.random() < 0.5 else made_up) for _ in range(20)]
            sentences.append(" ".join(words).capitalize() + ".")
        text.append(f"= Chapter {page + 1}\n{' '.join(sentences)}")
    source = folder / "pages.typ"
    source.write_text("#set text(size: 10pt)\n" + "\n#pagebreak()\n".join(text), encoding="utf-8")
    typst.compile(source, output=folder / "pages.pdf")
    return folder / "pages.pdf"


def measure(pdf: Path, folder: Path) -> dict[str, float]:
    last = [0, 0]

    def on_pages(done: int, total: int) -> None:
        last[:] = done, total

    with Document.create(folder / "doc.lw", Brief("Tea", 3_000)) as document:
        store = document.source_store
        start, busy = perf_counter(), _cpu_seconds()
        (result,) = SourceReader(ReadJob(on_pages)).read(str(pdf))
        read = perf_counter()
        source = store.add(result.source)
        added, used = perf_counter(), _cpu_seconds() - busy
        searches, sections = [], []
        chance = random.Random(2)
        for _ in range(_SEARCHES):
            query = " ".join(chance.sample(_WORDS, 4))
            searches.append(_timed(lambda query=query: store.search(query, 10)))
            sections.append(_timed(lambda query=query: store.for_section(query, 2_000, recent=query * 20)))
        size = (folder / "doc.lw").stat().st_size // 1_000
    return {
        "pages": last[1],
        "passages": source.passages,
        "reading, s": round(read - start, 1),
        "storing and indexing, s": round(added - read, 1),
        "together, s": round(added - start, 1),
        "CPU of all processes, s": round(used, 1),
        "search, median ms": _median([wall for wall, _ in searches]),
        "search, median ms of CPU": _median([cpu for _, cpu in searches]),
        "for a section, median ms": _median([wall for wall, _ in sections]),
        "for a section, ms of CPU": _median([cpu for _, cpu in sections]),
        "size of the document, kB": size,
    }


def measure_vectors(folder: Path, count: int) -> dict[str, float]:
    """Measure the search among ``count`` vectors, which are drawn by chance, as the passages are."""
    chance, draw = random.Random(3), np.random.default_rng(3)
    texts = [Stretch(" ".join(chance.choices(_WORDS, k=180))) for _ in range(count)]
    vectors = draw.standard_normal((count, _DIMENSIONS)).astype("f4")
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    with Document.create(folder / "vectors.lw", Brief("Tea", 3_000)) as document:
        store = document.source_store
        store.add(ReadSource("text", "Tea", "tea.txt", "2026-01-01", tuple(texts)))
        passages = store.vectors.missing("model", count)
        store.vectors.put("model", passages, [array("f", vector.tobytes()) for vector in vectors])
        searches = []
        for at in range(20):
            query = array("f", vectors[at].tobytes())
            searches.append(_timed(lambda query=query: store.vectors.nearest("model", query, 30)))
    return {
        "passages with vectors": count,
        "nearest vectors, median ms": _median([wall for wall, _ in searches]),
        "nearest vectors, longest ms": round(1_000 * max(wall for wall, _ in searches), 1),
    }


async def measure_gguf(name: str) -> float:
    """Return how many tokens a GGUF reads in a second, in passages of 180 words."""
    model = open_embedding_model(name, Settings())
    chance = random.Random(4)
    await model.embed(["tea"])  # which loads it
    began = perf_counter()
    answer = await model.embed([" ".join(chance.choices(_WORDS, k=180)) for _ in range(16)])
    return answer.usage.prompt / (perf_counter() - began)


def _cpu_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system + process_time()


def _timed(search: Callable[[], object]) -> tuple[float, float]:
    """The seconds of wall-clock time and of CPU time that a search takes."""
    wall, cpu = perf_counter(), thread_time()
    assert search()
    return perf_counter() - wall, thread_time() - cpu


def _median(seconds: list[float]) -> float:
    return round(1_000 * statistics.median(seconds), 1)


if __name__ == "__main__":
    main()
