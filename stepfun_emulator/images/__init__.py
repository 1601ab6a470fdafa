"""The image endpoints (WIRE.md sections 9 and 10) and the pictures they answer with.

The pictures are real: PNGs of exactly the asked size, landscapes drawn from the prompt's words and the seed, the same
for the same request. Where an edit is given a JPEG it answers with a JPEG. numpy and Pillow load at first use.

What no source settles is decided so: without ``size`` a picture has 1024x1024 pixels; ``source_weight`` follows the
document that says more is more of the source; a seed is any whole number of 64 bits; a filtered picture (the marker
``filtered-by-emulator`` in the prompt) has neither ``url`` nor ``b64_json``, only ``finish_reason``; edits take PNG,
JPEG and WebP; modelverse answers in the same URLs and refuses what its page does not name.
"""
