"""Models, token counts and the balance: what this key may use, and what is left (WIRE.md sections 3, 5, 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stepfun_client.api.resource import AsyncResource, CallOptions, Resource, WireModel, checked, read
from stepfun_client.core.call import Call, Flow, encode_json

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Model(WireModel):
    """A model as the service lists it; what it says beyond the id differs from model to model.

    Attributes:
        max_input_tokens: The longest input.
        enable_reason: Whether it thinks before it answers.
        enable_vision_input: Whether it takes pictures.
        reasoning_effort_support_list: The efforts it takes.
        supported_protocols: The APIs it speaks, e.g. chat or messages.
    """

    id: str
    model_type: str | None = None
    max_input_tokens: int | None = None
    enable_reason: bool | None = None
    enable_vision_input: bool | None = None
    reasoning_effort_support_list: list[str] | None = None
    supported_protocols: list[str] | None = None


class ModelList(WireModel):
    """The models this key may use."""

    data: list[Model]


class TokenCount(WireModel):
    """The service's count of a conversation's tokens."""

    total_tokens: int


class Balance(WireModel):
    """The account: `type` is prepaid or postpaid, amounts are in yuan."""

    type: str | None = None
    balance: float
    total_cash_balance: float | None = None
    total_voucher_balance: float | None = None


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    given = checked(CallOptions, options)
    return {"timeout": given.get("timeout"), "headers": given.get("extra_headers") or {}}


def list_models(**options: Unpack[CallOptions]) -> Flow[list[Model]]:
    """List the models this key may use."""
    reply = yield Call("GET", "/models", **_options(options))
    listed = read(ModelList, reply)
    for model in listed.data:
        model.trace_id = listed.trace_id
    return listed.data


def retrieve_model(model: str, **options: Unpack[CallOptions]) -> Flow[Model]:
    """Look one model up."""
    reply = yield Call("GET", f"/models/{quote(model)}", **_options(options))
    return read(Model, reply)


def count_tokens(
    *, model: str, messages: Sequence[Mapping[str, Any]], **options: Unpack[CallOptions]
) -> Flow[TokenCount]:
    """Count a conversation's tokens."""
    content = encode_json({"model": model, "messages": list(messages)})
    reply = yield Call("POST", "/token/count", content=content, model=model, **_options(options))
    counted = read(_TokenCountReply, reply)
    counted.data.trace_id = counted.trace_id
    return counted.data


class _TokenCountReply(WireModel):
    data: TokenCount


def retrieve_account(**options: Unpack[CallOptions]) -> Flow[Balance]:
    """Read the account's balance."""
    reply = yield Call("GET", "/accounts", **_options(options))
    return read(Balance, reply)


class Models(Resource):
    """`client.models`: the models this key may use."""

    def list(self, **options: Unpack[CallOptions]) -> list[Model]:
        """List them.

        Returns:
            The models, in the service's order.

        Raises:
            APIStatusError: If the service refuses or fails.

        Example:
            >>> "step-3.7-flash" in [model.id for model in client.models.list()]
            True
        """
        return self._runner.run(list_models(**options))

    def retrieve(self, model: str, **options: Unpack[CallOptions]) -> Model:
        """Look one up by its id.

        Raises:
            NotFoundError: If this key has no such model.

        Example:
            >>> client.models.retrieve("step-3.7-flash").reasoning_effort_support_list
            ['low', 'medium', 'high']
        """
        return self._runner.run(retrieve_model(model, **options))


class AsyncModels(AsyncResource):
    """`client.models` of the asynchronous client; see `Models`."""

    async def list(self, **options: Unpack[CallOptions]) -> list[Model]:
        """List them; see `Models.list`."""
        return await self._runner.run(list_models(**options))

    async def retrieve(self, model: str, **options: Unpack[CallOptions]) -> Model:
        """Look one up by its id; see `Models.retrieve`."""
        return await self._runner.run(retrieve_model(model, **options))


class Tokens(Resource):
    """`client.tokens`: the service's own token count."""

    def count(self, *, model: str, messages: Sequence[Mapping[str, Any]], **options: Unpack[CallOptions]) -> TokenCount:
        """Count a conversation's tokens, without asking for an answer (`POST /token/count`).

        Args:
            model: The model whose tokens count.
            messages: The conversation as StepFun's message objects.
            **options: `timeout` and `extra_headers` of this call.

        Returns:
            The count, as `total_tokens`.

        Raises:
            APIStatusError: If the service refuses or fails.

        Example:
            >>> count = client.tokens.count(model="step-3.7-flash", messages=[{"role": "user", "content": "Hello"}])
            >>> count.total_tokens > 0
            True
        """
        return self._runner.run(count_tokens(model=model, messages=messages, **options))


class AsyncTokens(AsyncResource):
    """`client.tokens` of the asynchronous client; see `Tokens`."""

    async def count(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], **options: Unpack[CallOptions]
    ) -> TokenCount:
        """Count a conversation's tokens; see `Tokens.count`."""
        return await self._runner.run(count_tokens(model=model, messages=messages, **options))


class Account(Resource):
    """`client.account`: what is left to spend."""

    def retrieve(self, **options: Unpack[CallOptions]) -> Balance:
        """Read the balance, in yuan (`GET /accounts`).

        Raises:
            APIStatusError: If the service refuses or fails.

        Example:
            >>> client.account.retrieve().balance >= 0
            True
        """
        return self._runner.run(retrieve_account(**options))


class AsyncAccount(AsyncResource):
    """`client.account` of the asynchronous client; see `Account`."""

    async def retrieve(self, **options: Unpack[CallOptions]) -> Balance:
        """Read the balance; see `Account.retrieve`."""
        return await self._runner.run(retrieve_account(**options))
