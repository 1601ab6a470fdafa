"""The probes of LlamaIndex's LLMs: ours, and the one of llama-index-llms-stepfun."""
