"""The Phi models: what the checks and estimates need to know about a base model, and about its fine-tune.

Context lengths, parameters and chat templates are those of the models' cards and tokenizer files on the Hugging Face
hub (organisation microsoft). Not checked against Azure: the GPU memory a model needs. The component's waits are seven
of 60 seconds, counted in the logs of a run of its code (azureml-acft 0.0.91): importing the model 1, preparing the
data 1, training 3, converting the model 2.
"""

from __future__ import annotations

from dataclasses import dataclass

_PHI3 = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}<|endoftext|>"
_PHI4_MINI = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}<|endoftext|>"
_PHI4 = "{% for m in messages %}<|im_start|>{{ m.role }}<|im_sep|>{{ m.content }}<|im_end|>{% endfor %}"


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of the `azureml` registry, with what is known of it.

    `context` is the longest conversation in tokens, `parameters` the number of its weights, `template` how its
    messages are laid out, `per_message` the template's own tokens in each. GPU memory in GB of one machine:
    `serving_memory` serves it in 16 bit with room for a conversation, `adapter_memory` trains low-rank adapters,
    `training_memory` trains all weights with AdamW (16 bytes a weight, and the activations). None where unknown.
    `versions` are those of the registry that this project was tried with. `retired` is the day on which Azure ended
    fine-tuning it, by Microsoft's page "Model deprecation and retirement for Azure AI Foundry Models" and the
    registry's entry.
    """

    name: str
    versions: tuple[str, ...] = ()
    context: int | None = None
    parameters: float | None = None
    template: str | None = None
    per_message: int = 4
    serving_memory: int | None = None
    adapter_memory: int | None = None
    training_memory: int | None = None
    retired: str = ""
    successor: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its versions in the registry."""
        return tuple(f"azureml://registries/azureml/models/{self.name}/versions/{v}" for v in self.versions)

    @property
    def repository(self) -> str:
        """Where its tokenizer is on the hub."""
        return f"microsoft/{self.name}"


_KNOWN = (
    Model(
        name="Phi-4-mini-instruct",
        versions=("1",),
        context=131_072,
        parameters=3.8e9,
        template=_PHI4_MINI,
        per_message=3,
        serving_memory=24,
        adapter_memory=24,
        training_memory=80,
    ),
    Model(name="Phi-4", context=16_384, parameters=14e9, template=_PHI4),
    Model(
        name="Phi-3-mini-4k-instruct",
        versions=("15",),
        context=4096,
        parameters=3.8e9,
        template=_PHI3,
        serving_memory=24,
        adapter_memory=24,
        training_memory=80,
        retired="2025-08-30",
        successor="Phi-4-mini-instruct",
    ),
    Model(name="Phi-3-mini-128k-instruct", context=131_072, parameters=3.8e9, template=_PHI3),
    Model(name="Phi-3.5-mini-instruct", context=131_072, parameters=3.8e9, template=_PHI3),
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
