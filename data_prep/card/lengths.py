"""How long the conversations are, and what it takes to learn from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_prep.card.stats import BIN, SAMPLED, Stats
from data_prep.request import Recipe
from data_prep.source.tokens import BYTES_PER_TOKEN, Counter, Tokenizer
from settings.machines import PEAK_FLOPS
from settings.models import UTILISATION, WAITS, WAITS_OF_TRAINING, model

_STEPS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072)


def measured(stats: Stats, tokenizer: Tokenizer, name: str) -> dict[str, Any]:
    """Tokens of the training and the test rows, and how they are spread.

    The tokenizer counts a sample of at most 256 rows; their bytes for each token carry over to the rest.
    """
    counter = Counter(tokenizer, model(name))
    sample = [messages for _, messages in stats.sample]
    own = model(name).per_message
    text = sum(len(message["content"].encode()) for messages in sample for message in messages)
    counted = sum(counter.count(messages) - own * len(messages) for messages in sample)
    ratio = text / counted if counter.exact and counted else BYTES_PER_TOKEN
    named = ("train", "test", *(["validation"] if stats.messages["validation"] else []))
    sides = {side: round(stats.text_bytes[side] / ratio) + own * stats.messages[side] for side in named}
    spread = {(step * BIN + BIN / 2) / ratio: rows for step, rows in sorted(stats.lengths.items()) if rows}
    return {
        "counted_by": tokenizer.label,
        "sample": min(len(sample), SAMPLED),
        "bytes_per_token": round(ratio, 3),
        **sides,
        "median": _quantile(spread, 0.5),
        "p95": _quantile(spread, 0.95),
        "longest": round(max(spread, default=0)),
        "context": model(name).context,
        "too_long_by_estimate": stats.too_long,
        "kept": _kept(spread, own * sum(stats.messages.values()) / max(1, sum(spread.values()))),
        "histogram": _histogram(spread),
    }


def _quantile(spread: Mapping[float, int], share: float) -> int:
    rows, gathered = sum(spread.values()), 0
    for tokens, number in spread.items():
        gathered += number
        if gathered >= share * rows:
            return round(tokens)
    return 0


def _kept(spread: Mapping[float, int], own: float) -> dict[str, float]:
    """The share of all tokens that is left where rows are cut at so many."""
    rows = [(tokens + own, number) for tokens, number in spread.items()]
    total = sum(tokens * number for tokens, number in rows) or 1
    return {str(step): round(sum(min(tokens, step) * number for tokens, number in rows) / total, 4) for step in _STEPS}


def left(tokens: Mapping[str, Any], most: int | None) -> float:
    """The share of the tokens that rows cut at ``most`` have; between two steps in proportion."""
    before, share = 0, 0.0
    for step, kept in ((int(step), float(kept)) for step, kept in tokens.get("kept", {}).items()):
        if most is not None and most <= step:
            return share + (kept - share) * (most - before) / (step - before)
        before, share = step, kept
    return 1.0


def _histogram(spread: Mapping[float, int]) -> dict[str, int]:
    """Rows by the power of two that their tokens do not exceed."""
    made: dict[str, int] = {}
    for tokens, rows in spread.items():
        step = next((step for step in _STEPS if tokens <= step), _STEPS[-1])
        made[str(step)] = made.get(str(step), 0) + rows
    return made


def cost(tokens: Mapping[str, Any], name: str, recipe: Recipe) -> dict[str, Any]:
    """An estimate of the fine-tune for ``recipe``; ``unknown`` where something it needs is.

    Time is 6 floating-point operations for each parameter and token (forward and backward), at the share of the GPUs'
    peak that :data:`settings.models.UTILISATION` says, and the component's own waits; starting machines, loading and
    evaluating come on top. All rows of the training file are counted, as they are cut:
    with a validation and a test file beside it, the component takes nothing away from it.
    """
    most = recipe.max_seq_length if recipe.max_seq_length > 0 else model(name).context
    trained = round(int(tokens["train"]) * left(tokens, most)) * recipe.epochs
    parameters, peak = model(name).parameters, PEAK_FLOPS.get(recipe.vm_size or "")
    hours = paid = None
    if parameters is not None and peak is not None:
        training = 6 * parameters * trained / (peak * UTILISATION) / 3600
        hours = training / recipe.nodes + WAITS / 3600
        paid = training + (WAITS + (recipe.nodes - 1) * WAITS_OF_TRAINING) / 3600
    return {
        "model": name,
        "vm_size": recipe.vm_size or "unknown",
        "epochs": recipe.epochs,
        "tokens": trained,
        "hours": "unknown" if hours is None else round(hours, 3),
        "cost_usd": "unknown" if paid is None or recipe.price is None else round(paid * recipe.price, 2),
    }
