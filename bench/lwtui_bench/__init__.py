"""Measure how well models write long texts, with confidence intervals (``lwtui bench``).

Tasks, generators and scorers are independent. A suite (:mod:`~lwtui_bench.tasks`) supplies the prompts and scores each
answer, a generator (:mod:`~lwtui_bench.generators`) produces the answers, and the judge (:mod:`~lwtui_bench.judge`)
grades stored answers.
"""
