"""From a list of instructions to a checkpoint that the app runs: data, SFT, preferences, DPO, merge, GGUF.

One recipe (:mod:`lwtui_training.recipe`) drives every step, each step is a module with one function that does its work
in a folder (:mod:`lwtui_training.steps`), and the training itself is TRL's. ``import lwtui_training`` loads no torch.
"""
