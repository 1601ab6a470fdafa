"""What is read piece by piece: iterated, closed early, or left to the end of a `with` block."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from contextlib import aclosing, closing
from typing import Any, Generic, TypeVar

from typing_extensions import Self

T = TypeVar("T")


class End:
    """Whether the end has come, and not only a `close` or an error.

    Attributes:
        has_come: Whether it has.
    """

    has_come = False


def to_the_end(parts: Iterable[Generator[T]], end: End) -> Generator[T]:
    """Give the pieces of one part after the other, and note the end. It knows nothing of the stream that it feeds.

    If it did, the two would hold each other, and a stream that is dropped would stay open until the garbage is
    collected; asynchronously, every generator in such a ring is closed at once, in each other's way.
    """
    for part in parts:
        with closing(part):
            yield from part
    end.has_come = True


async def to_the_end_async(parts: Iterable[AsyncGenerator[T]], end: End) -> AsyncGenerator[T]:
    """Give the pieces of one part after the other; see `to_the_end`."""
    for part in parts:
        async with aclosing(part) as pieces:
            async for piece in pieces:
                yield piece
    end.has_come = True


class Stream(Generic[T]):
    """Pieces to iterate. Leaving them unread (`break`, `close`, the end of a `with` block) closes the connection."""

    def __init__(self, pieces: Generator[T]) -> None:
        self._pieces = pieces
        self._was_closed = False
        self._was_read = False  # to its end

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            piece = next(self._pieces)
        except StopIteration:
            self._was_read = not self._was_closed
            raise
        self._take(piece)
        return piece

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; what has not been read is lost."""
        self._was_closed = not self._was_read
        self._pieces.close()

    def _take(self, piece: T) -> None:
        """Keep of a piece what the whole is made of."""

    def _read_to_end(self) -> None:
        for _ in self:
            pass


class AsyncStream(Generic[T]):
    """Pieces to iterate with `async for`; see `Stream`. Awaiting it gives itself, for code written that way."""

    def __init__(self, pieces: AsyncGenerator[T]) -> None:
        self._pieces = pieces
        self._was_closed = False
        self._was_read = False  # to its end

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        try:
            piece = await self._pieces.__anext__()
        except StopAsyncIteration:
            self._was_read = not self._was_closed
            raise
        self._take(piece)
        return piece

    def __await__(self) -> Generator[Any, None, Self]:
        return self.__aenter__().__await__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; what has not been read is lost."""
        self._was_closed = not self._was_read
        await self._pieces.aclose()

    def _take(self, piece: T) -> None:
        """Keep of a piece what the whole is made of."""

    async def _read_to_end(self) -> None:
        async for _ in self:
            pass
