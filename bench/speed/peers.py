"""Compare lwtui on a local model with what people would use instead, on the same plan and the same model.

    .venv/bin/python bench/speed/peers.py MODEL.gguf --server LLAMA_SERVER [--sections 12] [--words 250] [--rounds 1]

A document is written three ways, one after the other, each in a process of its own:

- ``lwtui``: the writer with its checks and its control of length;
- ``llama-server``: one call a section over llama.cpp's own server, with its prompt cache;
- ``Llama``: the same calls over llama-cpp-python's class ``Llama``, which also keeps the common prefix.

The two peers get what the published scripts of the method send: the task, the whole plan, all text so far and the step
to write. Seconds and tokens are told for 1,000 words of the result, because the ways write different lengths. The peers
keep what a model repeats, so seconds are also told for 1,000 new words: without those that are part of four words in a
row which stood earlier in the text. Evaluated tokens are all that went through the model: of prompts those that no
cache had, and those of the answers. Memory is the most that all processes of a way had resident. Goals: at most 0.95 of
the faster peer's time, and half its tokens.
``bench/servers.py`` builds llama-server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any
from urllib.request import Request, urlopen

import psutil

from lwtui.documents.model import Brief, Plan, PlannedSection
from lwtui.models.llama_cpp.machine import usable_cores
from lwtui.text import count_words
from lwtui_bench.metrics import repeated_share, tokens_of

TASK = "A practical guide for first-time visitors to the Lofoten Islands in winter"
POINTS = (
    ("Getting there", "flights, ferries and the bus from Narvik, with what each costs in time"),
    ("When to come", "what differs between November, January and March"),
    ("Where to stay", "fishermen's cabins, hotels and rooms, and when to book"),
    ("Light", "the polar night, the blue hours and how long one can see"),
    ("Weather", "storms, snow and rain, and how to read the forecast"),
    ("What to wear", "layers, boots with spikes and what to leave at home"),
    ("Driving", "winter tires, closed roads, tunnels and where to stop"),
    ("Northern lights", "where to look, how long to wait and how to take pictures"),
    ("On foot", "walks that are safe in winter, and those that are not"),
    ("On the water", "fishing for cod, sea eagles and cold-water rules"),
    ("Food", "stockfish, cafes that are open in winter and shops"),
    ("Being a good guest", "private land, drying racks, drones and waste"),
)
# The shape of the method's prompt for a section: the task, the plan, the text so far, the step.
STEP = """You write a long text step by step. This is the task:

{task}

This is the plan:

{plan}

This has been written so far:

{written}

Write the next step now, and nothing else: {step}"""
CONTEXT = 16384
ROOM = 1200  # tokens of an answer at most
TEMPERATURE, TOP_P = 0.7, 0.9


@dataclass
class Way:
    """What one way took for a document."""

    name: str
    text: str
    seconds: float
    evaluated: int
    memory: float = 0.0  # bytes

    @property
    def words(self) -> int:
        """How many words it wrote."""
        return max(1, count_words(self.text))

    @property
    def repeated(self) -> float:
        """The share of its words that are part of four in a row which stood earlier."""
        return repeated_share(tokens_of(self.text)[0], 4)


def plan_of(sections: int, words: int) -> Plan:
    """Return the plan that all ways write."""
    steps = (POINTS[number % len(POINTS)] for number in range(sections))
    return Plan(TASK, tuple(PlannedSection(title, main_point=point, words=words) for title, point in steps))


def prompts_of(plan: Plan) -> Iterator[Callable[[str], str]]:
    """Yield, for each section, the function that makes its prompt from the text so far."""
    lines = [
        f"Paragraph {number} - Main Point: {section.title}: {section.main_point} - Word Count: {section.words} words"
        for number, section in enumerate(plan.sections, 1)
    ]
    for line in lines:
        yield lambda written, line=line: STEP.format(task=TASK, plan="\n".join(lines), written=written, step=line)


# -- the three ways, each in a process of its own


async def by_lwtui(path: Path, plan: Plan, seed: int) -> Way:
    """Write with lwtui."""
    from lwtui.agentwrite.agent import open_agent
    from lwtui.agentwrite.events import Event as RunEvent
    from lwtui.agentwrite.length_habits import LengthHabits
    from lwtui.agentwrite.write import Draft, write_document
    from lwtui.config import ModelSettings, Settings
    from lwtui.models.metering import UsageTracker

    settings = ModelSettings("peer", provider="llama_cpp", path=str(path), context_length=CONTEXT, state_gb=0.0)
    agent = replace(await open_agent("peer", Settings(), model=settings), lengths=LengthHabits())
    tracker = UsageTracker()
    draft = Draft(plan)

    async def note(event: RunEvent) -> None:
        draft.apply(event)

    try:
        began = time.perf_counter()
        brief = Brief(TASK, sum(section.words for section in plan.sections), language="en", seed=seed)
        await write_document(agent.metered(tracker.task("a document")), brief, draft, note)
        seconds = time.perf_counter() - began
    finally:
        await agent.aclose()
    text = "\n\n".join(draft.texts.get(section.id, "") for section in plan.sections)
    return Way("lwtui", text, seconds, tracker.usage.total - tracker.usage.cached)


def by_server(path: Path, plan: Plan, seed: int, program: str) -> Way:
    """Write over llama-server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "-m", str(path), "-c", str(CONTEXT), "-np", "1", "-t", str(usable_cores()), "--no-webui"]
    server = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address)
        written, evaluated = "", 0
        began = time.perf_counter()
        for number, prompt in enumerate(prompts_of(plan)):
            body = {
                "messages": [{"role": "user", "content": prompt(written)}],
                "max_tokens": ROOM,
                "temperature": TEMPERATURE,
                "top_p": TOP_P,
                "seed": seed + number,
                "cache_prompt": True,
            }
            answer = _post(f"{address}/v1/chat/completions", body)
            written = f"{written}\n\n{answer['choices'][0]['message']['content']}".strip()
            evaluated += answer["timings"]["prompt_n"] + answer["timings"]["predicted_n"]
        return Way("llama-server", written, time.perf_counter() - began, evaluated)
    finally:
        server.terminate()
        server.wait()


def _post(address: str, body: dict[str, Any]) -> Any:
    request = Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=1800) as answer:
        return json.load(answer)


def _wait_for(address: str) -> None:
    """Wait until the server has its model.

    Raises:
        TimeoutError: It has not within two minutes.
    """
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            with urlopen(f"{address}/health", timeout=5):
                return
        except OSError:  # it does not listen yet, or answers that it is loading
            time.sleep(0.2)
    raise TimeoutError("llama-server did not get ready. Start it by hand to see why.")


def by_class(path: Path, plan: Plan, seed: int) -> Way:
    """Write over llama-cpp-python's ``Llama``."""
    from llama_cpp import Llama

    class Counting(Llama):
        """Counts the tokens that are evaluated."""

        evaluated = 0

        def eval(self, tokens: Any) -> None:
            Counting.evaluated += len(tokens)
            super().eval(tokens)

    cores = usable_cores()
    model = Counting(str(path), n_ctx=CONTEXT, n_threads=cores, n_threads_batch=cores, verbose=False)
    written = ""
    began = time.perf_counter()
    for number, prompt in enumerate(prompts_of(plan)):
        answer: Any = model.create_chat_completion(
            messages=[{"role": "user", "content": prompt(written)}],
            max_tokens=ROOM,
            temperature=TEMPERATURE,
            top_p=TOP_P,
            seed=seed + number,
        )
        written = f"{written}\n\n{answer['choices'][0]['message']['content']}".strip()
    return Way("Llama", written, time.perf_counter() - began, Counting.evaluated)


# -- the comparison


@contextmanager
def peak_memory(process: int) -> Iterator[list[float]]:
    """Watch the resident memory of a process and its children. The list's only item is the most, in bytes."""
    most, over = [0.0], Event()

    def watch() -> None:
        while not over.wait(0.25):
            try:
                root = psutil.Process(process)
                family = [root, *root.children(recursive=True)]
                most[0] = max(most[0], sum(each.memory_info().rss for each in family))
            except psutil.NoSuchProcess:
                continue  # one ended while it was looked at

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def measure(way: str, options: argparse.Namespace, seed: int) -> Way:
    """Write one document in a process of its own."""
    command = [sys.executable, __file__, str(options.model), "--way", way, "--seed", str(seed)]
    command += ["--sections", str(options.sections), "--words", str(options.words), "--server", options.server]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with peak_memory(process.pid) as most:
        output, _errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"{way} failed; see above.")
    return Way(**json.loads(output.splitlines()[-1]) | {"memory": most[0]})


def table(ways: dict[str, list[Way]]) -> str:
    """Return the medians of all ways, and lwtui's share of the best peer."""
    columns = (
        "words",
        "repeated",
        "s for 1,000 words",
        "s for 1,000 new words",
        "tokens evaluated for 1,000 words",
        "memory",
    )
    lines = [f"| way | {' | '.join(columns)} |", "| --- " * (len(columns) + 1) + "|"]
    figures: dict[str, tuple[float, float, float]] = {}
    for name, found in ways.items():
        seconds, new, evaluated = figures[name] = (
            median(each.seconds * 1000 / each.words for each in found),
            median(each.seconds * 1000 / each.words / (1 - each.repeated) for each in found),
            median(each.evaluated * 1000 / each.words for each in found),
        )
        words, repeated = median(each.words for each in found), median(each.repeated for each in found)
        memory = f"{max(each.memory for each in found) / 2**30:.2f} GiB"
        cells = (name, f"{words:.0f}", f"{repeated:.0%}", f"{seconds:.0f}", f"{new:.0f}", f"{evaluated:.0f}", memory)
        lines.append(f"| {' | '.join(cells)} |")
    peers = [figures[name] for name in figures if name != "lwtui"]
    if "lwtui" in figures and peers:
        best = [min(column) for column in zip(*peers, strict=True)]
        time_share, new_share, token_share = (mine / its for mine, its in zip(figures["lwtui"], best, strict=True))
        lines.append(f"\nlwtui against the best peer: {time_share:.2f} of its time, {token_share:.2f} of its tokens,")
        lines.append(f"{new_share:.2f} of its time for new words.")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, and measure or write one document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--server", default="llama-server", help="the program llama-server")
    parser.add_argument("--sections", type=int, default=12)
    parser.add_argument("--words", type=int, default=250, help="of each section")
    parser.add_argument("--rounds", type=int, default=1, help="documents of each way, by turns")
    parser.add_argument("--ways", default="lwtui,llama-server,Llama", help="which to measure, by comma")
    parser.add_argument("--texts", type=Path, help="a folder for the texts")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    plan = plan_of(options.sections, options.words)
    if options.way:
        match options.way:
            case "lwtui":
                written = asyncio.run(by_lwtui(options.model, plan, options.seed))
            case "llama-server":
                written = by_server(options.model, plan, options.seed, options.server)
            case _:
                written = by_class(options.model, plan, options.seed)
        print(json.dumps(asdict(written)))
        return
    ways: dict[str, list[Way]] = {name: [] for name in options.ways.split(",")}
    for seed in range(1, options.rounds + 1):
        for name in ways:
            ways[name].append(measure(name, options, seed))
            if options.texts:
                options.texts.mkdir(parents=True, exist_ok=True)
                (options.texts / f"{options.model.stem}-{name}-{seed}.md").write_text(ways[name][-1].text)
            print(f"{name}: {ways[name][-1].words} words, {ways[name][-1].seconds:.0f} s", file=sys.stderr, flush=True)
    print(table(ways))


if __name__ == "__main__":
    main()
