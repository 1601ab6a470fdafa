"""POST /responses: OpenAI's newer shape of the same answers (WIRE.md section 5)."""
