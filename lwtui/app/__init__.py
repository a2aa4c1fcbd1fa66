"""The Textual app."""

import os

# Textual paints what has changed at most so often a second. Twice its default halves the time that a key waits for
# its cell, and costs nothing at rest. Textual reads this when it is imported.
os.environ.setdefault("TEXTUAL_FPS", "120")
