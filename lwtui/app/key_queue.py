"""Keys one after the other: what a key does is done before the next one is looked at.

Textual hands each key on at once. Where several come together, as from quick fingers on a slow line, those after one
that opens a field would still go to the list behind it, where a letter may be a command. Here they wait until the
focus is where the key before took it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from textual import events
from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from textual.app import App
    from textual.widget import Widget

_LONGEST = 0.5  # seconds that a key waits for the one before: what takes longer has no part in where it goes
# What joins letters and emoji is no character of its own, so fields take it for no letter; pasted, they take it.
_JOINING = frozenset("\u200c\u200d\ufe0e\ufe0f")
Typed = events.Key | events.Paste


class KeyQueue:
    """The keys of an app that have come and are not yet looked at."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._waiting: deque[Typed] = deque()
        self._due: Typed | None = None  # the one whose turn it is
        self._working: asyncio.Task[None] | None = None

    async def take(self, event: Typed, handle: Callable[[events.Event], Awaitable[None]]) -> None:
        """Have ``handle`` look at ``event`` now, or when its turn comes."""
        if event is not self._due and self._working is not None:
            self._waiting.append(event)
            return
        self._due = None
        if isinstance(event, events.Key) and event.character is not None and event.character in _JOINING:
            event = events.Paste(event.character)
        target = (self._app.focused or self._app.screen) if self._app.screen_stack else None
        try:
            await handle(event)
        finally:
            self._working = asyncio.create_task(self._let_next_come(target))

    async def _let_next_come(self, target: Widget | None) -> None:
        try:
            with suppress(TimeoutError):  # then it works on, and the keys go where the focus is by now
                async with asyncio.timeout(_LONGEST):
                    await self._is_done(target)
        finally:  # whatever happens, keys go on
            if self._waiting and self._app.is_running:
                self._due = self._waiting.popleft()
                self._app.post_message(self._due)  # and until it is there, none may come before it
            else:
                self._working = None

    async def _is_done(self, target: Widget | None) -> None:
        """Wait until what a key that went to ``target`` sets off has been done."""
        if target is not None:
            for node in target.ancestors_with_self:  # up to the app: a key goes from each to the next
                await _through(node)
        for _ in range(2):  # what it called for: a focus that is set later, a screen, and the focus there
            await asyncio.sleep(0)
            await _through(self._app)
            if self._app.screen_stack:
                await _through(self._app.screen)


async def _through(node: MessagePump) -> None:
    """Wait until ``node`` has handled all messages that it has now."""
    done = asyncio.Event()
    if node.is_running and node.call_later(done.set):
        await done.wait()
