"""Which of the emulator's faults a chat meets; the others befall WebSockets, pictures and other protocols."""

from stepfun_emulator import FAULTS

_ELSEWHERE = {"response-failed", "stop-reason-on-top"}

CHAT_FAULTS = {
    name for name in FAULTS if not (name.endswith("-websocket") or name.startswith("hostile-") or name in _ELSEWHERE)
}
