"""Recognition (WIRE.md section 8): in one piece, as a stream, by task, and over the socket.

The emulator hears its own speech only, by ``stepfun_emulator.sound.tongue``; of other audio it says so.
"""
