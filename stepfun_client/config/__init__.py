"""Providers and models by name, from a YAML file: one place that says which model is used, where, and how.

    # config.yml
    providers:
      step:
        api_key: "${STEP_API_KEY}"
        timeout: 60
        limits: {max_concurrency: 5}
    models:
      fast: {vendor: step, type: text, model: step-3.7-flash, temperature: 0.2}
      step-tts-2: {vendor: step, type: tts, voice: linjiajiejie}

A provider takes `api_key`, `base_url`, `region`, `plan`, `timeout` in seconds, `max_retries`, `default_headers` and
`limits`; its texts may hold `${VARIABLE}`, filled in when it is used. A model takes `vendor` (needed where there are
several providers), `type` (needed where the catalogue does not know the model), `model` (the real id, where the name is
one of your own), `timeout`, `max_retries`, `supports_streaming`, `supports_multimodal`, and the parameters its calls
have in `stepfun_client`. Types are `text`, `imageunderstand`, `multimodal`, `functioncalling`, `tts`, `asr`,
`generateimage`, `editimage`, `transformimage`, and the catalogue's `chat` and `image`.

`langchain_stepfun.load` and `llama_index_stepfun.load` make a chat model or a tool of a model's name.
"""

from stepfun_client.config.configuration import Config, Configuration, load_config
from stepfun_client.config.models import Model
from stepfun_client.config.providers import Provider

__all__ = ["Config", "Configuration", "Model", "Provider", "load_config"]
