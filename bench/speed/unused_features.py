"""Measure what the features that a run does not use cost it.

    .venv/bin/python bench/speed/unused_features.py [--words 20000]

The scripted author of growth.py writes a document with an empty fact book, without a voice, a plan template,
polishing, a review of the plan, spelling and grammar, and without marks where the model was unsure. Printed are the CPU
seconds that lwtui takes, and the share of them that is spent in the code of these features. The share is from a second
run under a profiler: the time from a call of such code to its return. The goal is 5 % for all of them together.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from growth import SECTION_WORDS, write

import lwtui

GOAL = 0.05  # share of the CPU time
_PACKAGE = Path(lwtui.__file__).parent
# By feature: beginnings of the paths of its modules, and its functions elsewhere, as module:function.
FEATURES = {
    "facts": (
        "agentwrite/fact_",
        "documents/facts.py",
        "agentwrite/record.py:facts",
        "agentwrite/record.py:noted",
        "agentwrite/write.py:note_facts",
    ),
    "voice": ("agentwrite/voice.py",),
    "plan templates": ("agentwrite/plan_templates",),
    "polishing": (
        "agentwrite/polish",
        "agentwrite/criteria.py",
        "agentwrite/section_review.py",
        "agentwrite/pairwise.py",
        "agentwrite/run_state.py:_apply_polish",
    ),
    "review of the plan": ("agentwrite/plan_review",),
    "spelling, grammar, lint": (
        "agentwrite/spelling.py",
        "agentwrite/grammar.py",
        "agentwrite/lint.py",
        "agentwrite/word_lists",
    ),
    "marks of doubt": ("agentwrite/unsure.py", "agentwrite/record.py:_keep_unsure"),
}
_Function = tuple[str, int, str]  # as pstats names one: file, line, name


def feature_of(function: _Function) -> str:
    """Return the feature that a function belongs to; an empty string if it belongs to none."""
    file, _line, name = function
    if not Path(file).is_relative_to(_PACKAGE):
        return ""
    module = Path(file).relative_to(_PACKAGE).as_posix()
    for feature, places in FEATURES.items():
        if any(f"{module}:{name}" == place if ":" in place else module.startswith(place) for place in places):
            return feature
    return ""


def seconds_in(
    stats: Mapping[_Function, tuple[int, int, float, float, Mapping[_Function, tuple[int, ...]]]],
) -> dict[str, tuple[int, float]]:
    """Return how often each feature was called from elsewhere, and the seconds until these calls returned."""
    found = dict.fromkeys(FEATURES, (0, 0.0))
    for function, (_calls, _all_calls, _own, _seconds, callers) in stats.items():
        if not (feature := feature_of(function)):
            continue
        for caller, (calls, _primitive, _own_seconds, seconds) in callers.items():
            if feature_of(caller) != feature:
                count, total = found[feature]
                found[feature] = (count + calls, total + seconds)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=20_000, help="length of the document (%(default)s)")
    options = parser.parse_args()
    sections = max(2, options.words // SECTION_WORDS)
    profiler = cProfile.Profile(time.process_time)
    with TemporaryDirectory() as folder:
        asyncio.run(write(Path(folder), 2, SECTION_WORDS))  # imports modules, and compiles patterns
        written = asyncio.run(write(Path(folder), sections, SECTION_WORDS))
        profiler.enable()
        asyncio.run(write(Path(folder), sections, SECTION_WORDS))
        profiler.disable()
    profiler.create_stats()
    stats = profiler.stats
    whole = next(values[3] for function, values in stats.items() if function[2] == "write_document")
    print(f"{sections * SECTION_WORDS:,} words in {sections} sections: {written.seconds:.2f} s of CPU time")
    found = seconds_in(stats)
    for feature, (calls, taken) in found.items():
        print(f"{feature:<24} {calls:>8,} calls  {taken / whole:7.2%} of the time")
    share = sum(taken for _calls, taken in found.values()) / whole
    print(f"{'all':<24} {'':>14}  {share:7.2%}, goal {GOAL:.0%}: {'met' if share <= GOAL else 'missed'}")
    return 0 if share <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
