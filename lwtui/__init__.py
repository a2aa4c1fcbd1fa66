"""lwtui: plan and write long documents with language models, in the terminal."""

__version__ = "1.0.0rc1"
