"""Shows how far long work is, where somebody is watching: a tqdm bar in terminals and notebooks, else nothing."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from collections.abc import Callable


class ProgressBar:
    """How far the work is; one that is off shows nothing."""

    def __init__(self, bar: Any = None) -> None:
        self._bar = bar

    @property
    def is_shown(self) -> bool:
        """Whether it is on."""
        return self._bar is not None

    def update(self, n: float = 1) -> None:
        """Show that so much more is done."""
        if self._bar is not None:
            self._bar.update(n)

    def reach(self, n: float) -> None:
        """Show that so much is done in all: less than before where the work begins anew."""
        if self._bar is not None:
            self._bar.update(n - self._bar.n)


@contextmanager
def progress_bar(
    total: float | None, *, unit: str, description: str, wanted: bool | None = None
) -> Iterator[ProgressBar]:
    """Show a bar until the block's end.

    Args:
        total: How much there is to do, in `unit`; None where that is unknown.
        unit: What is counted, e.g. `"character"`; `"B"` for bytes, shown in KiB and MiB.
        description: What is done, before the bar.
        wanted: None to show it where tqdm is installed and standard error is a terminal or a notebook runs this; True
            to show it in any case, False not to.

    Yields:
        The bar, to be told how much is done.

    Raises:
        InvalidParameterError: If it is wanted and tqdm is not installed.

    Example:
        >>> with progress_bar(3, unit="page", description="pages", wanted=False) as bar:
        ...     for page in range(3):
        ...         bar.update(1)
    """
    make = _tqdm() if wanted or (wanted is None and is_watched()) else None
    if make is None:
        if wanted:
            raise InvalidParameterError(
                "progress=True needs tqdm: pip install tqdm (it is in stepfun-integrations[notebooks])",
                param="progress",
            )
        yield ProgressBar()
        return
    with make(total=total, unit=unit, desc=description, unit_scale=unit == "B", unit_divisor=1024) as bar:
        yield ProgressBar(bar)


def is_watched() -> bool:
    """Say whether standard error is a terminal, or a notebook's kernel runs this process."""
    if ipython := sys.modules.get("IPython"):
        shell = ipython.get_ipython()
        if getattr(shell, "kernel", None) is not None:
            return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def _tqdm() -> Callable[..., Any] | None:
    """The bar that fits the place; tqdm is optional, and loaded where one is shown."""
    try:
        with warnings.catch_warnings():
            # Where a notebook has no widgets tqdm warns, and writes the bar as text: which will do.
            warnings.filterwarnings("ignore", message="IProgress not found")
            make: Callable[..., Any] = import_module("tqdm.auto").tqdm
    except ImportError:
        return None
    return make
