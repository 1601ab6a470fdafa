"""POST /messages and POST /messages/count_tokens: Anthropic's shape of the same answers (WIRE.md section 5)."""
