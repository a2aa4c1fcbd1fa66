"""The Textual app."""

import os

# Textual repaints at most TEXTUAL_FPS times a second, 60 by default: a typed letter could take 16 ms to appear. At 240
# it takes 4 ms at most, and an idle screen is still not painted at all. Textual reads the variable on import.
os.environ.setdefault("TEXTUAL_FPS", "240")
