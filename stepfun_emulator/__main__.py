"""``python -m stepfun_emulator``: run the emulator until it is interrupted."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
from typing import TYPE_CHECKING

from stepfun_emulator import FAULTS, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_LAST_PORT = 65_535


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve on the loopback until SIGINT or SIGTERM; the base URL is printed on a line of its own."""
    options = _parser().parse_args(arguments)
    with contextlib.ExitStack() as until_the_end:
        ended = until_the_end.enter_context(_told_to_end())
        emulator = running(port=options.port, fault=options.fault, lenient=options.lenient, delay=options.delay)
        try:
            base_url = until_the_end.enter_context(emulator)
        except OSError as error:
            sys.exit(f"cannot listen on port {options.port}: {error.strerror}; choose another (--port 0: a free one)")
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


def _port(value: str) -> int:
    number = int(value)
    if not 0 <= number <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to {_LAST_PORT}, not {value}")
    return number


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, FAULTS))
    faults = "\n".join(f"  {name:{width}}  {fault.summary}" for name, fault in FAULTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m stepfun_emulator",
        description="A local stand-in for StepFun's API. Any key works, but one that begins with invalid or broke.",
        epilog=f"faults (--fault NAME, or the header x-emulator-fault: NAME on one request):\n{faults}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=_port, default=8765, help="the port on 127.0.0.1 (default: 8765; 0: a free one)")
    parser.add_argument("--fault", choices=FAULTS, metavar="NAME", help="what befalls every request")
    parser.add_argument("--lenient", action="store_true", help="ignore undocumented parameters as the service does")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds between the events of a stream")
    return parser


if __name__ == "__main__":
    main()
