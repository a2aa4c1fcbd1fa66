"""Lets a test control how fast a scripted author writes, so that no test races against the text."""

from __future__ import annotations

import asyncio


class Tempo:
    """For ``Author(delay=Tempo(20))``: after 20 pieces the author waits for :meth:`give` or :meth:`go`.

    Pieces of concurrent sections all count. For use within one event loop.
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
        """Allow ``pieces`` more pieces."""
        self._left += pieces
        self._more.set()

    def go(self) -> None:
        """Allow all further pieces."""
        self.give(float("inf"))
