"""The WebSocket /realtime: a conversation by voice (WIRE.md section 12).

The session is told by events what it hears and is asked, event by event, what it answers; it does no I/O. The words
come from the answerer that chat uses, the voice from the speech that can be heard again.
"""
