"""The paper's thesis in miniature: a model's longest output follows the longest outputs that it was tuned on.

    python docs/experiments/length_follows_data.py

Tunes the same base (``tiny``, 0.4 million random parameters) three times on the same rows, with answers truncated to
25, 50 and 100 words while the instructions still ask for up to 200. Then asks each model for 12 to 200 words. Writes
``length_follows_data.png`` and ``length_follows_data.json`` beside this script. Takes a few minutes on two cores.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import fmean

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "training"))

from lwtui.text import count_words  # noqa: E402
from lwtui_training.pipeline import checkpoint_of, run_step  # noqa: E402
from lwtui_training.progress import quiet_libraries  # noqa: E402
from lwtui_training.recipe import BaseConfig, DataConfig, HardwareConfig, PrefsConfig, Recipe, SftConfig  # noqa: E402
from lwtui_training.rows import write_rows  # noqa: E402
from make_tiny_rows import PLACES, text  # noqa: E402

CUTS = (25, 50, 100)
ASKED = (12, 25, 50, 100, 200)
SAMPLES = 8  # outputs for each length asked for


def main() -> None:
    quiet_libraries()
    with tempfile.TemporaryDirectory() as folder:
        results = {cut: lengths_after(cut, Path(folder)) for cut in CUTS}
    draw(results)
    (HERE / "length_follows_data.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for cut, lengths in results.items():
        print(f"cut at {cut:4} words: longest output {max(max(found) for found in lengths.values())} words")


def lengths_after(cut: int, folder: Path) -> dict[int, list[int]]:
    """Tune the base on answers truncated to ``cut`` words; return its outputs' lengths by the length asked for."""
    from lwtui_training.answer_sampling import AnswerSampler

    rows = folder / "rows.jsonl"
    write_rows(rows, make_rows())
    recipe = Recipe(
        name=f"cut-{cut}",
        output=str(folder / f"cut-{cut}"),
        seed=1,
        base=BaseConfig("tiny", format="longwriter-llama", dtype="float32"),
        data=DataConfig(long=str(rows), words_cut=cut, most_repetition=1.0),
        sft=SftConfig(max_length=768, max_steps=250, learning_rate=4e-3, gradient_checkpointing=False, save_steps=1000),
        prefs=PrefsConfig(samples=SAMPLES, batch_size=SAMPLES, max_new_tokens=900, temperature=0.8, top_p=1.0),
        hardware=HardwareConfig(device="cpu", threads=1),
    )
    for step in ("data", "sft"):
        run_step(recipe, step)
    sampler = AnswerSampler(replace(recipe, seed=2), checkpoint_of(recipe, "sft")[0])
    place = PLACES[0]
    found = {}
    for words in ASKED:
        answers = sampler.sample(f"Tell of the {place}. Write about {words} words.", words, SAMPLES)
        found[words] = [count_words(answer["text"]) for answer in answers]
    return found


def make_rows() -> list[dict[str, object]]:
    """Make rows of simple stories of 12 to 200 words, each as long as its instruction says."""
    rng = random.Random(3)
    rows: list[dict[str, object]] = []
    for place in PLACES[:4]:
        for words in ASKED:
            for _ in range(6):
                messages = [
                    {"role": "user", "content": f"Tell of the {place}. Write about {words} words."},
                    {"role": "assistant", "content": text(place, words, rng)},
                ]
                rows.append({"messages": messages})
    return rows


def draw(results: dict[int, dict[int, list[int]]]) -> None:
    """Plot the length written against the length asked for, and the longest output against the longest answer."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.8))
    for cut, lengths in results.items():
        left.plot(
            list(lengths), [fmean(found) for found in lengths.values()], marker="o", label=f"answers cut at {cut} words"
        )
    left.plot(ASKED, ASKED, color="gray", linestyle=":", label="as asked")
    left.set(xscale="log", yscale="log", xlabel="words asked", ylabel="words written (mean)")
    left.legend(fontsize=8)
    longest = [max(max(found) for found in lengths.values()) for lengths in results.values()]
    right.plot(CUTS, longest, marker="s")
    right.plot(CUTS, CUTS, color="gray", linestyle=":", label="the cut")
    right.set(xscale="log", yscale="log", xlabel="longest answer in the data (words)", ylabel="longest output (words)")
    right.legend(fontsize=8)
    for axes in (left, right):
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:.0f}")
            axis.set_minor_formatter("")
            axis.set_ticks(ASKED)
    figure.suptitle("The longest output follows the longest answer in the data")
    figure.tight_layout()
    figure.savefig(HERE / "length_follows_data.png", dpi=130)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
