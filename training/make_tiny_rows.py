"""Generate the data of the recipe ``tiny``: simple sentences about a few places, at several lengths.

    python training/make_tiny_rows.py

Writes training/lwtui_training/recipes/tiny/*.jsonl, which are the same each time.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

PLACES = ["harbour", "garden", "mill", "library", "bridge", "market", "forest", "school"]
WHO = ["the keeper", "a child", "an old woman", "the baker", "a sailor", "the teacher", "my sister", "the doctor"]
DID = ["walked to", "looked at", "slept near", "sang about", "painted", "remembered", "waited by", "spoke of"]
WHEN = ["In the morning", "At noon", "In the evening", "After the rain", "Before winter", "On Sunday", "Last year"]
HOW = ["slowly", "with a smile", "alone", "with two friends", "without a word", "in the wind", "again"]
FOLDER = Path(__file__).parent / "lwtui_training" / "recipes" / "tiny"


def text(place: str, words: int, draw: random.Random) -> str:
    """Return sentences about ``place``, of ``words`` words or a few more."""
    sentences: list[str] = []
    while sum(len(sentence.split()) for sentence in sentences) < words:
        when, who, did, how = (draw.choice(choices) for choices in (WHEN, WHO, DID, HOW))
        sentences.append(f"{when} {who} {did} the {place} {how}.")
    return " ".join(sentences)


def main() -> None:
    draw = random.Random(7)
    rows = []
    for place in PLACES:
        for words in (20, 30, 40, 60, 80, 100):
            for number in range(4):
                # Phrased as a person would, and as the app does to get a whole text in one call.
                instruction = f"Tell of the {place}. Write about {words} words."
                if number % 2:
                    instruction = f"Tell of the {place}.\n\nWrite the whole text in English, about {words} words long."
                messages = [("user", instruction), ("assistant", text(place, words, draw))]
                rows.append({"messages": [{"role": role, "content": content} for role, content in messages]})
    prompts = [{"instruction": f"Tell of the {place}.", "words": words} for place in PLACES[:4] for words in (30, 60)]
    instructions = [{"instruction": "Describe a small harbour town and the people who work there.", "words": 100}]
    bench = [
        {"prompt": f"Tell of the {place}. Write about {words} words.", "type": "Creative Writing", "length": words}
        for place in PLACES[4:]
        for words in (40, 80)
    ]
    files = {"rows": rows, "prompts": prompts, "instructions": instructions, "bench": bench}
    for name, content in files.items():
        (FOLDER / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")


if __name__ == "__main__":
    main()
