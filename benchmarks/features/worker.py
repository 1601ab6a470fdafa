"""All probes for one class, in a process of its own, with no network but the loopback.

`python -m benchmarks.features.worker TABLE NAME BASE_URL` prints `{"version": str, "found": [[good, note], ...]}`, with
a finding for each row.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from benchmarks.features.probing import Case
from benchmarks.features.subjects import SUBJECTS

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _keep_to_the_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse every other address: what is measured must not depend on the network."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if host not in _LOOPBACK:
        message = f"no network here: {host}"
        raise ConnectionRefusedError(message)


def _spare_the_download() -> None:
    """Let tiktoken find its tables without fetching them: only what comes after that tells who can count."""
    with suppress(ImportError):
        import tiktoken  # noqa: PLC0415 - not everybody has it

        tiktoken.get_encoding = lambda name: name


def main() -> None:
    """Run the probes."""
    table, name, base_url = sys.argv[1:]
    subject = SUBJECTS[table]
    contender = next(one for one in subject.contenders if one.name == name)
    _spare_the_download()
    sys.addaudithook(_keep_to_the_loopback)
    found = [probe.run(Case(contender, base_url)) for probe in subject.rows]
    print(json.dumps({"version": version(contender.distribution), "found": found}))


if __name__ == "__main__":
    main()
