"""What the service refuses, and how it says so (WIRE.md section 2).

Everything below the edge raises :class:`Refusal`; the edge turns it into the JSON body
``{"error": {"message", "type"}}``, sometimes with ``param`` and ``code``. A wrong path is the exception: the gateway in
front of the service answers it, in plain text.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response


class Refusal(Exception):  # noqa: N818 - it is an answer of the service, not an error of the emulator
    """A request that the service answers with an error.

    Args:
        status: The HTTP status.
        kind: What stands in ``error.type``.
        message: What stands in ``error.message``.
        param: The parameter at fault, where there is one.
        code: What stands in ``error.code``, where there is one.
    """

    def __init__(
        self, status: int, kind: str, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.param = param
        self.code = code

    def body(self) -> dict[str, Any]:
        """The JSON body, with ``param`` and ``code`` only where there is something to say."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind}
        if self.param is not None:
            error["param"] = self.param
        if self.code is not None:
            error["code"] = self.code
        return {"error": error}

    def response(self, headers: dict[str, str] | None = None, *, typed: bool = False) -> Response:
        """The refusal as an HTTP reply; if typed, ``"type": "error"`` stands beside it, as in Anthropic's API."""
        body = {"type": "error", **self.body()} if typed else self.body()
        return JSONResponse(body, self.status, headers, media_type="application/json; charset=utf-8")


def invalid(param: str, message: str) -> Refusal:
    """A parameter that is missing, of the wrong type, out of range or not documented: 400."""
    return Refusal(400, "request_params_invalid", message, param=param)


def undocumented(param: str) -> Refusal:
    """A parameter that the documents do not know: refused here, so that a client cannot drift. Live it is ignored."""
    return invalid(
        param,
        f"unknown parameter: {param} (refused by the strict emulator; the service ignores it, as does lenient=True)",
    )


def no_such_model(model: str) -> Refusal:
    """404 for a model that does not exist, or not under this prefix."""
    return Refusal(404, "model_invalid", f"The model {model!r} does not exist or you do not have access to it.")


def unfetchable(url: str) -> Refusal:
    """400 for a URL that the service could not read."""
    return Refusal(
        400, "input_invalid", f"url invalid. url: {url} msg: Cannot fetch the content of url(s) you provided."
    )


_NGINX = "404 page not found"


def wrong_path() -> Response:
    """The gateway's 404: plain text, no JSON, no trace id."""
    return PlainTextResponse(_NGINX, 404, {"server": "nginx"})
