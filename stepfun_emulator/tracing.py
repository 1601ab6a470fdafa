"""The headers that every reply of the service carries, as recorded (WIRE.md section 1)."""

from __future__ import annotations

import secrets


def new_trace_id() -> str:
    """A trace id: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def trace_headers(trace_id: str, path: str) -> dict[str, str]:
    """The headers for a reply to a request for a path."""
    parts = path.split("/")
    family = "/".join(parts[: parts.index("v1") + 2]) if "v1" in parts else path.rstrip("/")
    return {
        "x-trace-id": trace_id,
        "x-router-id": f"path:{family}/",
        "x-proxy-latency": "1350",
        "x-upstream-latency": "0",
        "cache-control": "no-cache",
    }
