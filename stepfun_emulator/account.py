"""GET /models, GET /models/{id}, GET /accounts, POST /token/count (WIRE.md sections 3, 5 and 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from stepfun_emulator.catalogue import MODELS
from stepfun_emulator.chat.attachments import Attachments
from stepfun_emulator.chat.messages import Reader
from stepfun_emulator.chat.rules import find_model
from stepfun_emulator.errors import no_such_model
from stepfun_emulator.replies import json_fields
from stepfun_emulator.service import service_of
from stepfun_emulator.tokens import count_prompt

if TYPE_CHECKING:
    from starlette.requests import Request


async def list_models(request: Request) -> Response:
    """The models, those of the Step Plan left out."""
    del request
    return JSONResponse({"object": "list", "data": [model.entry() for model in MODELS.values() if not model.plan_only]})


async def retrieve_model(request: Request) -> Response:
    """One model."""
    model = MODELS.get(request.path_params["model"])
    if model is None or model.plan_only:
        raise no_such_model(request.path_params["model"])
    return JSONResponse(model.entry())


async def retrieve_account(request: Request) -> Response:
    """A balance that never changes."""
    del request
    return JSONResponse(
        {
            "object": "account",
            "type": "prepaid",
            "balance": 100.0,
            "total_cash_balance": 80.0,
            "total_voucher_balance": 20.0,
        }
    )


async def count_tokens(request: Request) -> Response:
    """The number of tokens of messages, the same that a chat request would be charged for."""
    service = service_of(request)
    body = json_fields(request, "model", "messages")
    attachments = Attachments(find_model(body.get("model")), service.files.stored)
    said = Reader(attachments, service.lenient).read(body.get("messages"))
    return JSONResponse({"data": {"total_tokens": count_prompt(said)}})
