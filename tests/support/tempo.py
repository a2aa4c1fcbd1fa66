"""How fast a scripted author writes, as the test beats time: so that no test has to race against text."""

from __future__ import annotations

import asyncio


class Tempo:
    """For ``Author(delay=Tempo(20))``: 20 pieces come, then it waits for :meth:`give` or :meth:`go`.

    Of sections side by side each piece counts. For use within one event loop.
    """

    def __init__(self, pieces: int) -> None:
        self._left: float = pieces
        self._more = asyncio.Event()

    async def __call__(self) -> None:
        while self._left <= 0:
            self._more.clear()
            await self._more.wait()
        self._left -= 1
        await asyncio.sleep(0.002)

    def give(self, pieces: float) -> None:
        """So many more."""
        self._left += pieces
        self._more.set()

    def go(self) -> None:
        """From now on without a stop."""
        self.give(float("inf"))
