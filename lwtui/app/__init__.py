"""The Textual app."""

import os

# Textual paints what has changed at most so often a second, by default 60 times. A key then waits up to 16 ms for its
# cell to be painted; so it waits 4. At rest nothing is painted. Textual reads this when it is imported.
os.environ.setdefault("TEXTUAL_FPS", "240")
