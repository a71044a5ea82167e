"""Counting tokens: by the model's own tokenizer where it is at hand, else by an estimate that says so."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.errors import DataError
from data_prep.source.hub import first_line
from settings.models import Model

AUTO = "auto"
ESTIMATE = "estimate"
BYTES_PER_TOKEN = 4.0
"""Of English text in UTF-8, by the rule of thumb of the tokenizers' makers; other languages take more tokens."""


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer file, or none; travels to worker processes as its path.

    ``label`` is what a card calls it: the repository or file and the first characters of its SHA-256.
    """

    label: str = ESTIMATE
    path: Path | None = None

    @property
    def exact(self) -> bool:
        return self.path is not None


class Counter:
    """Tokens of a conversation as the model sees it, its template's own included."""

    def __init__(self, tokenizer: Tokenizer, model: Model) -> None:
        self.exact = tokenizer.exact
        self.context = model.context
        self._per_message = model.per_message
        self._encoder: Any = _load(tokenizer.path) if tokenizer.path is not None else None

    def count(self, messages: Sequence[dict[str, Any]]) -> int:
        own = self._per_message * len(messages)
        texts = [message["content"] for message in messages]
        if self._encoder is None:
            return own + round(sum(len(text.encode()) for text in texts) / BYTES_PER_TOKEN)
        return own + sum(len(each.ids) for each in self._encoder.encode_batch(texts, add_special_tokens=False))

    def may_exceed(self, size: int, messages: int) -> bool:
        """Whether a row of ``size`` bytes could be too long at all: no tokenizer makes more tokens than bytes."""
        return self.context is not None and size + self._per_message * messages > self.context


def resolve(wanted: str, model: Model, online: bool) -> Tokenizer:
    """The tokenizer that ``wanted`` means: ``auto``, ``estimate``, a tokenizer.json or a hub repository.

    ``auto`` takes the model's own from the local cache of the hub, or from the hub where ``online`` (the data come
    from there anyway), and otherwise falls back to the estimate. Raises :class:`DataError` where a tokenizer that
    was asked for by name cannot be had.
    """
    if wanted == ESTIMATE:
        return Tokenizer()
    if wanted != AUTO and wanted.endswith(".json"):
        path = Path(wanted).expanduser()
        if not path.is_file():
            raise DataError(f"there is no tokenizer file {path}: name a tokenizer.json, or set data.tokenizer to auto")
        return Tokenizer(f"{path.name} {_short(path)}", path)
    if wanted == AUTO and model.context is None:
        return Tokenizer()
    repository = model.repository if wanted == AUTO else wanted
    found = _cached(repository)
    if found is None and (online or wanted != AUTO):
        found = _downloaded(repository, must=wanted != AUTO)
    return Tokenizer() if found is None else Tokenizer(f"{repository} {_short(found)}", found)


def template_of(model: Model, tokenizer: Tokenizer) -> tuple[str | None, str]:
    """The chat template in Jinja, and where it comes from."""
    import json

    if tokenizer.path is not None:
        beside = tokenizer.path.with_name("tokenizer_config.json")
        try:
            template = json.loads(beside.read_bytes()).get("chat_template")
        except (OSError, ValueError):
            template = None  # not every tokenizer comes with one
        if isinstance(template, str):
            return template, str(beside.name)
    return model.template, f"built in for {model.name}"


def _cached(repository: str) -> Path | None:
    """The newest copy in the hub's local cache; its folder is looked for first, as the client takes long to import."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(home, "hub")).expanduser()
    if not (cache / f"models--{repository.replace('/', '--')}").is_dir():
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, "tokenizer.json")
    return Path(found) if isinstance(found, str) else None


def _downloaded(repository: str, must: bool) -> Path | None:
    from huggingface_hub import hf_hub_download

    try:
        path = Path(hf_hub_download(repository, "tokenizer.json"))
        hf_hub_download(repository, "tokenizer_config.json")
    except Exception as error:  # each transport of the hub raises types of its own
        if not must:
            return None
        raise DataError(
            f"the tokenizer of {repository} cannot be had: {first_line(error)}. Set data.tokenizer to a "
            f"tokenizer.json, or to {ESTIMATE}"
        ) from error
    return path


def _load(path: Path) -> Any:
    from tokenizers import Tokenizer as Encoder

    try:
        return Encoder.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise DataError(f"{path} is no tokenizer: {error}") from error


def _short(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]
