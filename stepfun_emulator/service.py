"""The state of one emulator: what its endpoints share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stepfun_emulator.files import Cabinet
from stepfun_emulator.images.gallery import Gallery
from stepfun_emulator.journal import Journal
from stepfun_emulator.recognition.jobs import Jobs
from stepfun_emulator.speech.cloned import Voices
from stepfun_emulator.stores import Stores
from stepfun_emulator.tokens import PromptCache

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection


_SLOW = 0.02  # where no delay is given


@dataclass
class Service:
    """Everything an app instance remembers.

    Attributes:
        lenient: Ignore undocumented parameters, as the service does.
        delay: Seconds between the events of a stream.
        idle_seconds: After how long a client that says nothing over a WebSocket is closed.
        session_seconds: How long a realtime session lasts at most.
        files: The uploaded files.
        stores: The vector stores.
        jobs: The recognition jobs submitted.
        voices: The cloned voices.
        speeches: What was said and is to be fetched by URL, by the names in the URLs.
        gallery: The pictures that were painted and are to be fetched by URL.
        cache: The beginnings of the prompts seen.
        journal: What was received.
    """

    lenient: bool = False
    delay: float = 0.0
    idle_seconds: float = 60.0
    session_seconds: float = 1800.0
    files: Cabinet = field(default_factory=Cabinet)
    stores: Stores = field(init=False)
    voices: Voices = field(init=False)
    speeches: dict[str, bytes] = field(default_factory=dict)
    gallery: Gallery = field(default_factory=Gallery)
    jobs: Jobs = field(default_factory=Jobs)
    cache: PromptCache = field(default_factory=PromptCache)
    journal: Journal = field(default_factory=Journal)

    def __post_init__(self) -> None:
        self.stores = Stores(self.files)
        self.voices = Voices(self.files)

    @property
    def pause(self) -> float:
        """The pause of the slow faults, in seconds."""
        return self.delay or _SLOW


def service_of(request: HTTPConnection) -> Service:
    """The service that a request is for."""
    service: Service = request.app.state.service
    return service
