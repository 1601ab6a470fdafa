"""POST /chat/completions (WIRE.md section 4)."""
