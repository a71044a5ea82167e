"""The Phi models: what the checks and estimates need to know about a base model, and about its fine-tune.

Context lengths, shapes and chat templates are those of the models' cards, config.json and tokenizer files on the
Hugging Face hub (organisation microsoft). Not checked against Azure: the GPU memory that serving needs. The component's
waits are seven of 60 seconds, counted in the logs of a run of its code (azureml-acft 0.0.91): importing the model 1,
preparing the data 1, training 3, converting the model 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_PHI3 = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}<|endoftext|>"
_PHI4_MINI = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}<|endoftext|>"
_PHI4 = "{% for m in messages %}<|im_start|>{{ m.role }}<|im_sep|>{{ m.content }}<|im_end|>{% endfor %}"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a decoder consists of: weights, layers, their width, the width inside, words, and keys for each query."""

    parameters: float
    layers: int
    hidden: int
    inner: int
    vocabulary: int
    key_share: float = 1.0

    @classmethod
    def of_size(cls, parameters: float, **known: float) -> Shape:
        """The usual shape of a model of that size (a layer for each 128 of its width), with what is known of it."""
        hidden = int(known.get("hidden") or round((parameters * 128 / 12) ** (1 / 3)))
        return cls(
            parameters=parameters,
            layers=int(known.get("layers") or round(hidden / 128)),
            hidden=hidden,
            inner=int(known.get("inner") or round(3.5 * hidden)),
            vocabulary=int(known.get("vocabulary") or 128_256),
            key_share=0.25,
        )


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of the `azureml` registry, with what is known of it.

    `context` is the longest conversation in tokens, `shape` what it consists of (its config.json on the hub),
    `template` how its messages are laid out, `per_message` the template's own tokens in each. `serving_memory` is the
    GPU memory in GB of one machine that serves it in 16 bit with room for a conversation; None where unknown.
    `tools` says that the template writes the tools of a system message, and the tokenizer has marks for calls
    (docs/data.md has where that was read). `versions` are those of the registry that this project was tried with.
    `retired` is the day on which Azure ended fine-tuning it, by Microsoft's page "Model deprecation and retirement for
    Azure AI Foundry Models" and, of Phi-3-mini-4k-instruct, the registry's entry.
    """

    name: str
    versions: tuple[str, ...] = ()
    context: int | None = None
    shape: Shape | None = None
    template: str | None = None
    per_message: int = 4
    serving_memory: int | None = None
    tools: bool = False
    retired: str = ""
    successor: str = ""

    @property
    def parameters(self) -> float | None:
        """The number of its weights."""
        return self.shape.parameters if self.shape else None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its versions in the registry."""
        return tuple(f"azureml://registries/azureml/models/{self.name}/versions/{v}" for v in self.versions)

    @property
    def repository(self) -> str:
        """Where its tokenizer is on the hub."""
        return f"microsoft/{self.name}"


_SMALL_4, _LARGE_4 = "Phi-4-mini-instruct", "Phi-4"
_MINI_3 = Shape(parameters=3.82e9, layers=32, hidden=3072, inner=8192, vocabulary=32_064)
_SMALL_3 = Shape(parameters=7.39e9, layers=32, hidden=4096, inner=14_336, vocabulary=100_352, key_share=1 / 4)
_MEDIUM_3 = Shape(parameters=13.96e9, layers=40, hidden=5120, inner=17_920, vocabulary=32_064, key_share=1 / 4)
# Two of sixteen experts work on a token; all of them are there.
_MOE_3 = Shape(parameters=41.9e9, layers=32, hidden=4096, inner=2 * 6400, vocabulary=32_064, key_share=1 / 4)
_MINI_4 = Shape(parameters=3.84e9, layers=32, hidden=3072, inner=8192, vocabulary=200_064, key_share=1 / 3)
_PHI_4 = Shape(parameters=14.66e9, layers=40, hidden=5120, inner=17_920, vocabulary=100_352, key_share=1 / 4)
_FLASH_4 = Shape(parameters=3.85e9, layers=32, hidden=2560, inner=10_240, vocabulary=200_064, key_share=1 / 2)


def _three(name: str, shape: Shape, context: int, successor: str = _SMALL_4, **more: Any) -> Model:
    """A model of the third generation, all of whose text models Azure retired on one day."""
    kept = {"template": _PHI3, "retired": "2025-08-30", "successor": successor}
    return Model(name=name, shape=shape, context=context, **{**kept, **more})


_KNOWN = (
    Model(
        name=_SMALL_4,
        versions=("1",),
        context=131_072,
        shape=_MINI_4,
        template=_PHI4_MINI,
        per_message=3,
        serving_memory=24,
        tools=True,
    ),
    Model(name="Phi-4-mini-reasoning", context=131_072, shape=_MINI_4, template=_PHI4_MINI, per_message=3),
    Model(name="Phi-4-mini-flash-reasoning", context=65_536, shape=_FLASH_4, template=_PHI4_MINI, per_message=3),
    Model(name=_LARGE_4, context=16_384, shape=_PHI_4, template=_PHI4),
    Model(name="Phi-4-reasoning", context=32_768, shape=_PHI_4, template=_PHI4),
    Model(name="Phi-4-reasoning-plus", context=32_768, shape=_PHI_4, template=_PHI4),
    _three("Phi-3-mini-4k-instruct", _MINI_3, 4096, versions=("15",), serving_memory=24),
    _three("Phi-3-mini-128k-instruct", _MINI_3, 131_072),
    _three("Phi-3-small-8k-instruct", _SMALL_3, 8192),
    _three("Phi-3-small-128k-instruct", _SMALL_3, 131_072),
    _three("Phi-3-medium-4k-instruct", _MEDIUM_3, 4096, _LARGE_4),
    _three("Phi-3-medium-128k-instruct", _MEDIUM_3, 131_072, _LARGE_4),
    _three("Phi-3.5-mini-instruct", _MINI_3, 131_072),
    _three("Phi-3.5-MoE-instruct", _MOE_3, 131_072),
)
MODELS = {known.name.lower(): known for known in _KNOWN}
"""The base models this project knows more about than their name, by that name in small letters."""

UTILISATION = 0.3
"""Share of the peak that fine-tuning reaches; 0.2 to 0.45 is what is usually reported."""

WAITS = 420
"""Seconds that the fine-tune component sleeps on the cluster's node in every job, once a step or more often."""
WAITS_OF_TRAINING = 180
"""Those of them that the step sleeps which trains, on each of its nodes."""


def model(name: str) -> Model:
    """What is known of a model, whatever its case; of one that is not known, its name."""
    return MODELS.get(name.lower(), Model(name=name))
