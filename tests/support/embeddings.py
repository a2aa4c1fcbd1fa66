"""An OpenAI-compatible server of embeddings on the loopback: texts on the same subject have vectors near each other."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.support.loopback import LoopbackServer, QuietHandler

# Each line is a subject. Words of none count a little for themselves.
SUBJECTS = (
    "car automobile vehicle motor wheel auto 汽车",
    "tea leaf infusion brew beverage 茶叶 茶",
    "money price cost coin salary 钱",
    "ship boat harbor vessel sail 船",
)


def embed(text: str, more: int = 4) -> list[float]:
    """Return the vector of a text: how often it has words of each subject."""
    words = re.findall(r"\w+", text.lower())
    counts = [sum(any(name in word for name in subject.split()) for word in words) for subject in SUBJECTS]
    others = [0.01 + sum(len(word) % more == place for word in words) / 100 for place in range(more)]
    return [float(count) for count in counts] + others


class EmbeddingServer(LoopbackServer):
    """``with EmbeddingServer() as server``. ``server.asked`` has the texts of each request.

    Args:
        status: The status of all answers.
        raw: The body of all answers.
        fails_after: How many requests succeed before all others have status 500.
    """

    def __init__(self, *, status: int = 200, raw: bytes | None = None, fails_after: int | None = None) -> None:
        self.asked: list[list[str]] = []
        self.models: set[str] = set()
        self.keys: set[str] = set()
        self.status, self.raw, self.fails_after = status, raw, fails_after
        self.more = 4  # dimensions besides those of the subjects
        server = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                body: Any = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.asked.append(body["input"])
                server.models.add(body["model"])
                server.keys.add(self.headers.get("Authorization", ""))
                rows = [
                    {"object": "embedding", "index": number, "embedding": embed(text, server.more)}
                    for number, text in enumerate(body["input"])
                ]
                usage = {"prompt_tokens": 10 * len(rows), "total_tokens": 10 * len(rows)}
                answer = json.dumps({"object": "list", "data": rows[::-1], "model": body["model"], "usage": usage})
                failed = server.fails_after is not None and len(server.asked) > server.fails_after
                sent = answer.encode() if server.raw is None else server.raw
                is_embeddings = self.path == "/v1/embeddings"
                self.send_response(500 if failed else server.status if is_embeddings else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

        super().__init__(Handler)
        self.base_url = f"{self.origin}/v1"
