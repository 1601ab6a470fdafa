"""Speech: ``/audio/speech`` and the WebSocket ``/realtime/audio`` (WIRE.md section 6)."""
