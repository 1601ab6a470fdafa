"""What hangs on a client: the families of calls, each loaded at first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepfun_client.api.account import Account, AsyncAccount, AsyncModels, AsyncTokens, Models, Tokens
    from stepfun_client.api.chat import AsyncChat, Chat
    from stepfun_client.api.files import AsyncFiles, Files
    from stepfun_client.api.images import AsyncImages, Images
    from stepfun_client.api.knowledge import AsyncVectorStores, VectorStores
    from stepfun_client.api.messages import AsyncMessages, Messages
    from stepfun_client.api.realtime import AsyncRealtime, Realtime
    from stepfun_client.api.resource import AsyncRunner, Runner
    from stepfun_client.api.responses import AsyncResponses, Responses
    from stepfun_client.api.search import AsyncSearch, Search
    from stepfun_client.api.speech import AsyncSpeech, Speech
    from stepfun_client.api.transcription import AsyncTranscription, Transcription
    from stepfun_client.api.voices import AsyncVoices, Voices


class Resources:
    """The families of calls of a `StepFunClient`."""

    @property
    def chat(self: Runner) -> Chat:
        """Chat completions."""
        from stepfun_client.api.chat import Chat

        return Chat(self)

    @property
    def messages(self: Runner) -> Messages:
        """The Messages API, Anthropic's shape of chat."""
        from stepfun_client.api.messages import Messages

        return Messages(self)

    @property
    def files(self: Runner) -> Files:
        """Files: upload, wait, list, content, delete."""
        from stepfun_client.api.files import Files

        return Files(self)

    @property
    def images(self: Runner) -> Images:
        """Pictures: generated, transformed, edited."""
        from stepfun_client.api.images import Images

        return Images(self)

    @property
    def vector_stores(self: Runner) -> VectorStores:
        """Knowledge bases and their files."""
        from stepfun_client.api.knowledge import VectorStores

        return VectorStores(self)

    @property
    def search(self: Runner) -> Search:
        """Search of the web."""
        from stepfun_client.api.search import Search

        return Search(self)

    @property
    def speech(self: Runner) -> Speech:
        """Speech from text."""
        from stepfun_client.api.speech import Speech

        return Speech(self)

    @property
    def transcription(self: Runner) -> Transcription:
        """Text from speech: files, streams, live."""
        from stepfun_client.api.transcription import Transcription

        return Transcription(self)

    @property
    def voices(self: Runner) -> Voices:
        """Voices: cloned ones and official ones."""
        from stepfun_client.api.voices import Voices

        return Voices(self)

    @property
    def responses(self: Runner) -> Responses:
        """Answers as typed items, in OpenAI's newer shape."""
        from stepfun_client.api.responses import Responses

        return Responses(self)

    @property
    def realtime(self: Runner) -> Realtime:
        """Conversations in realtime."""
        from stepfun_client.api.realtime import Realtime

        return Realtime(self)

    @property
    def models(self: Runner) -> Models:
        """The models this key may use."""
        from stepfun_client.api.account import Models

        return Models(self)

    @property
    def tokens(self: Runner) -> Tokens:
        """The service's own token count."""
        from stepfun_client.api.account import Tokens

        return Tokens(self)

    @property
    def account(self: Runner) -> Account:
        """The account's balance."""
        from stepfun_client.api.account import Account

        return Account(self)


class AsyncResources:
    """The families of calls of an `AsyncStepFunClient`."""

    @property
    def chat(self: AsyncRunner) -> AsyncChat:
        """Chat completions."""
        from stepfun_client.api.chat import AsyncChat

        return AsyncChat(self)

    @property
    def messages(self: AsyncRunner) -> AsyncMessages:
        """The Messages API, Anthropic's shape of chat."""
        from stepfun_client.api.messages import AsyncMessages

        return AsyncMessages(self)

    @property
    def files(self: AsyncRunner) -> AsyncFiles:
        """Files: upload, wait, list, content, delete."""
        from stepfun_client.api.files import AsyncFiles

        return AsyncFiles(self)

    @property
    def images(self: AsyncRunner) -> AsyncImages:
        """Pictures: generated, transformed, edited."""
        from stepfun_client.api.images import AsyncImages

        return AsyncImages(self)

    @property
    def vector_stores(self: AsyncRunner) -> AsyncVectorStores:
        """Knowledge bases and their files."""
        from stepfun_client.api.knowledge import AsyncVectorStores

        return AsyncVectorStores(self)

    @property
    def search(self: AsyncRunner) -> AsyncSearch:
        """Search of the web."""
        from stepfun_client.api.search import AsyncSearch

        return AsyncSearch(self)

    @property
    def speech(self: AsyncRunner) -> AsyncSpeech:
        """Speech from text."""
        from stepfun_client.api.speech import AsyncSpeech

        return AsyncSpeech(self)

    @property
    def transcription(self: AsyncRunner) -> AsyncTranscription:
        """Text from speech: files, streams, live."""
        from stepfun_client.api.transcription import AsyncTranscription

        return AsyncTranscription(self)

    @property
    def voices(self: AsyncRunner) -> AsyncVoices:
        """Voices: cloned ones and official ones."""
        from stepfun_client.api.voices import AsyncVoices

        return AsyncVoices(self)

    @property
    def responses(self: AsyncRunner) -> AsyncResponses:
        """Answers as typed items, in OpenAI's newer shape."""
        from stepfun_client.api.responses import AsyncResponses

        return AsyncResponses(self)

    @property
    def realtime(self: AsyncRunner) -> AsyncRealtime:
        """Conversations in realtime."""
        from stepfun_client.api.realtime import AsyncRealtime

        return AsyncRealtime(self)

    @property
    def models(self: AsyncRunner) -> AsyncModels:
        """The models this key may use."""
        from stepfun_client.api.account import AsyncModels

        return AsyncModels(self)

    @property
    def tokens(self: AsyncRunner) -> AsyncTokens:
        """The service's own token count."""
        from stepfun_client.api.account import AsyncTokens

        return AsyncTokens(self)

    @property
    def account(self: AsyncRunner) -> AsyncAccount:
        """The account's balance."""
        from stepfun_client.api.account import AsyncAccount

        return AsyncAccount(self)
