"""``python -m stepfun_emulator``: run the emulator until it is interrupted."""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from typing import TYPE_CHECKING

from stepfun_emulator import FAULTS, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve on the loopback until SIGINT or SIGTERM; the base URL is printed on a line of its own."""
    options = _parser().parse_args(arguments)
    with (
        _told_to_end() as ended,
        running(port=options.port, fault=options.fault, lenient=options.lenient, delay=options.delay) as base_url,
    ):
        print(base_url, flush=True)
        ended.wait()


@contextlib.contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, FAULTS))
    faults = "\n".join(f"  {name:{width}}  {fault.summary}" for name, fault in FAULTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m stepfun_emulator",
        description="A local stand-in for StepFun's API. Any API key is accepted.",
        epilog=f"faults (--fault NAME, or the header x-emulator-fault: NAME on one request):\n{faults}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=8765, help="the port on 127.0.0.1 (default: 8765; 0: a free one)")
    parser.add_argument("--fault", choices=FAULTS, metavar="NAME", help="what befalls every request")
    parser.add_argument("--lenient", action="store_true", help="ignore undocumented parameters as the service does")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds between the events of a stream")
    return parser


if __name__ == "__main__":
    main()
