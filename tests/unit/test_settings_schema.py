"""The schema for editors: it takes every stack file, and refuses of the mistakes those that a schema can tell."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from settings_parsed import WRONG

from documentation.settings.schema import schema
from settings.commandline import stacks
from settings.stack import ROOT
from settings.tree import Settings

VALIDATOR = Draft202012Validator(schema())
ASKED_OF_THE_PROGRAM = (
    "the program sets itself",
    "without <",
    "must be `sample`",
    "must not be an address",
    "inside the project",
    "finite",
    "can no longer be fine-tuned",
    "2025-08-30",
    "2025-09-30",
    "must be a CPU size",
    "GPU size",
    "not offered for",
    "GB of GPU memory",
    "must rise",
    "end at 100",
    "no effect without",
    "fails at the first evaluation",
    "switches ONNX Runtime off",
    "cannot be read",
    "must be made of letters",
    "must be the id of",
    "the id of a",
    "end with a name as Azure",
    "which tells the names apart",
    "compute.maxNodes is 1",
)
"""Rules that stand between keys, ask for what is known of a size or a model, or look at a file."""


def refused(document: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(document)]


def stack_file(key: str, value: Any) -> dict[str, Any]:
    top, *inner = key.split(".")
    for name in reversed(inner):
        value = {name: value}
    return {"config": {"finetune-phi:purgeOnDestroy": True, f"finetune-phi:{top}": value}}


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("stack", stacks())
def test_a_stack_file_names_it_and_passes(stack: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=settings/stack.schema.json\n")
    assert refused(yaml.safe_load(text)) == []


@pytest.mark.parametrize(("key", "value", "rule", "remedy"), WRONG)
def test_it_refuses_what_it_can_tell(key: str, value: Any, rule: str, remedy: str) -> None:
    assert bool(refused(stack_file(key, value))) is not any(part in rule for part in ASKED_OF_THE_PROGRAM)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("recipe.learning_rate", "2e-5"),
        ("recipe.precision", 16),
        ("recipe.apply_lora", "True"),
        ("recipe.lora_r", 8),
        ("serving.instances", "2"),
        ("serving.health", {"failedPercent": 1}),
        ("model.version", 1),
        ("model.id", "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1"),
        ("data.rows", 500),
        ("tags", {"owner": "me"}),
        ("monitoring.email", {"secure": "v1:abc"}),
        ("monitoring.email", "me@example.org"),
        ("github.repository", ""),
    ],
)
def test_it_takes_what_the_program_takes(key: str, value: Any) -> None:
    assert refused(stack_file(key, value)) == []


@pytest.mark.parametrize(
    "document",
    [
        {"config": {"purgeOnDestroy": True, "azure-native:tenantId": "x", "azure-native:location": "eastus2"}},
        {"environment": ["shared"]},
        {"config": {"finetune-phi:purgeOnDestroy": "true"}, "encryptionsalt": "v1:abc"},
    ],
)
def test_a_whole_file(document: dict[str, Any]) -> None:
    assert refused(document) == []


@pytest.mark.parametrize(
    "document", [{}, {"config": {}}, {"config": {"finetune-phi:purgeOnDestroy": True}, "enviroment": ["shared"]}]
)
def test_not_a_whole_file(document: dict[str, Any]) -> None:
    assert refused(document)


def test_every_key_is_on_the_page() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    tree = Settings.model_validate({"purgeOnDestroy": True}).model_dump(by_alias=True)
    for section, value in tree.items():
        assert f"## {section}" in text or f"`{section}`" in text or f":{section}`" in text
        for key in value if isinstance(value, dict) else ():
            assert f"`{key}`" in text, f"{section}.{key}"


def test_every_key_says_what_it_is() -> None:
    assert [path for path, text in _descriptions(Settings) if not text] == []


def _descriptions(model: Any, path: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, field in model.model_fields.items():
        inner = field.annotation if hasattr(field.annotation, "model_fields") else None
        if inner:
            found += [(f"{path}{name}", inner.__doc__ or ""), *_descriptions(inner, f"{path}{name}.")]
        elif field.default is not None:  # keys of the recipe without a default are the component's to explain
            found.append((f"{path}{name}", field.description or ""))
    return found
