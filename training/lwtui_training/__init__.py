"""Tune models on long outputs: from instructions to a GGUF that the app runs (``lwtui train``).

The steps are data, SFT, preferences, DPO, merge, GGUF and benchmark. One recipe (:mod:`lwtui_training.recipe`) drives
them all. Each step works in a folder of its own (:mod:`lwtui_training.steps`); the training itself is TRL's. Importing
this package does not import torch.
"""
