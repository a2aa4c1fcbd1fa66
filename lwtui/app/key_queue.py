"""Handles keys one at a time: the effects of a key are complete before the next key is handled.

Textual dispatches every key at once. When several arrive together, as on a slow connection, a key that opens a field
and the text typed into it would all go to the list behind the field, where letters are commands. The queue holds each
key back until the focus has moved where the previous key sent it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from textual import events
from textual.message_pump import MessagePump

from lwtui.app.keyboard_layouts import latin_key

if TYPE_CHECKING:
    from textual.app import App
    from textual.widget import Widget

_MAX_WAIT = 0.5  # seconds that a key waits for the previous one
# Joiners and variation selectors are not printable, so a field ignores them as keys; it accepts them as pasted text.
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
Typed = events.Key | events.Paste


class KeyQueue:
    """The pending keys of an app."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._waiting: deque[Typed] = deque()
        self._next: Typed | None = None  # reposted to the app, to be handled before all others
        self._working: asyncio.Task[None] | None = None

    async def take(self, event: Typed, handle: Callable[[events.Event], Awaitable[None]]) -> None:
        """Pass ``event`` to ``handle``, now or after the keys before it."""
        if event is not self._next and self._working is not None:
            self._waiting.append(event)
            return
        self._next = None
        if isinstance(event, events.Key) and event.character is not None and event.character in _JOINERS:
            event = events.Paste(event.character)
        target = (self._app.focused or self._app.screen) if self._app.screen_stack else None
        if isinstance(event, events.Key) and target is not None:
            event = _shortcut(event, target)
        try:
            await handle(event)
        finally:
            self._working = asyncio.create_task(self._release_next(target))

    async def _release_next(self, target: Widget | None) -> None:
        try:
            with suppress(TimeoutError):  # the key still has effects; the next keys go to the present focus
                async with asyncio.timeout(_MAX_WAIT):
                    await self._settle(target)
        finally:  # an error must not block the keyboard
            if self._waiting and self._app.is_running:
                self._next = self._waiting.popleft()
                self._app.post_message(self._next)  # newer keys wait behind it
            else:
                self._working = None

    async def _settle(self, target: Widget | None) -> None:
        """Wait until all effects of a key that went to ``target`` are complete."""
        if target is not None:
            for node in target.ancestors_with_self:  # the key bubbles up to the app
                await _drain(node)
        for _ in range(2):  # deferred effects: a change of focus, a new screen and its focus
            await asyncio.sleep(0)
            await _drain(self._app)
            if self._app.screen_stack:
                await _drain(self._app.screen)


def _shortcut(event: events.Key, target: Widget) -> events.Key:
    """Return the key of a shortcut that was typed on another keyboard layout; other keys as they are."""
    letter = latin_key(event.key)  # not with Alt or Ctrl, which keys have in their names
    return events.Key(letter, letter) if letter and not target.check_consume_key(event.key, event.character) else event


async def _drain(node: MessagePump) -> None:
    """Wait until ``node`` has handled all messages in its queue."""
    done = asyncio.Event()
    if node.is_running and node.call_later(done.set):
        await done.wait()
