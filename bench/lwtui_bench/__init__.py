"""How well models write at length: LongBench-Write, LongWrite-Ruler and others, with error bars (``lwtui bench``).

Task, generator and scorer are apart: a suite (:mod:`~lwtui_bench.tasks`) says what is asked and how an answer is
scored, a generator (:mod:`~lwtui_bench.generators`) how it is answered, and the judge (:mod:`~lwtui_bench.judge`) is
asked about answers that are there already.
"""
