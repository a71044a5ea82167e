"""What settings know of machines and models, and the words in which they are refused: each compared whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from settings import machines, models
from settings.implied import SEALED, loosened, with_implied
from settings.machines import VmSize, spelled
from settings.models import Model, Shape
from settings.problems import (
    Problem,
    SettingsError,
    UnknownStackError,
    problem_of,
    shown,
    similar,
    unknown_key,
    written,
)
from settings.untrusted_yaml import NoYaml, read

TOLD = Path(__file__).parents[1] / "fixtures" / "machines_and_models.txt"
"""All that is known, a line for each: sizes with what they cost an hour and how fast they are, then models."""


def known() -> list[str]:
    sizes = [*machines.VM_SIZES.items(), *machines.CPU_SIZES.items()]
    lines = [
        f"{name}: {asdict(size)}, USD {machines.HOURLY_DOLLARS.get(name)}, peak {machines.PEAK_FLOPS.get(name)}"
        for name, size in sizes
    ]
    return [*lines, *(f"{name}: {asdict(model)}" for name, model in models.MODELS.items())]


def test_machines_and_models_are_those_that_were_looked_up() -> None:
    assert known() == TOLD.read_text(encoding="utf-8").splitlines()
    assert (machines.PRICES_SEEN, models.UTILISATION, models.WAITS, models.WAITS_OF_TRAINING) == (
        "2026-11-28",
        0.3,
        420,
        180,
    )


@pytest.mark.parametrize(("instances", "reserve", "cores"), [(5, 0.2, 24), (1, 0.2, 8), (3, 0.0, 12), (6, 0.2, 32)])
def test_cores_of_machines(instances: int, reserve: float, cores: int) -> None:
    size = VmSize("s", "f", 4, 2, 33, 8, reserve=reserve)
    assert (size.endpoint_cores(instances), size.cluster_cores(instances)) == (cores, 4 * instances)
    assert size.memory_per_gpu == 16 and VmSize("s", "f", 4, 0, 0, 8).memory_per_gpu == 0
    assert spelled("STANDARD_d4S_V3") == "Standard_D4s_v3" and spelled("x_Y") == "x_Y"


def test_a_model_by_its_name() -> None:
    phi = models.model("PHI-4-mini-instruct")
    assert phi.ids == ("azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1",)
    assert (phi.repository, phi.parameters) == ("microsoft/Phi-4-mini-instruct", 3.84e9)
    unheard = models.model("Unheard")
    assert unheard == Model(name="Unheard") and unheard.parameters is None and unheard.per_message == 4
    assert Shape.of_size(3.84e9) == Shape(
        parameters=3.84e9, layers=27, hidden=3447, inner=12064, vocabulary=128_256, key_share=0.25
    )
    given = Shape.of_size(1e9, hidden=10, layers=2, inner=7, vocabulary=9)
    assert given == Shape(parameters=1e9, layers=2, hidden=10, inner=7, vocabulary=9, key_share=0.25)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (("recipe", "seed"), "finetune-phi:recipe.seed"),
        (("a", 0, "b"), "finetune-phi:a[0].b"),
        (("location",), "azure-native:location"),
        (("subscriptionId",), "azure-native:subscriptionId"),
        (("location", "x"), "finetune-phi:location.x"),
    ],
)
def test_a_key_as_it_is_written(path: Any, key: str) -> None:
    assert written(path) == key


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("learning-rate", "did you mean learningRate?"),
        ("LEARNING_RAT", "did you mean learningRate?"),
        ("seed", "did you mean sEEd?"),
        ("nothing", ""),
    ],
)
def test_what_was_probably_meant(word: str, told: str) -> None:
    assert similar(word, ["sEEd", "learningRate"]) == told


def test_values_and_problems_in_words() -> None:
    assert (shown(None), shown("ü"), shown("x" * 98), shown({"a": (1,)})) == (
        "(nothing)",
        '"ü"',
        f'"{"x" * 98}"',
        '{"a": [1]}',
    )
    assert shown("x" * 99) == f'"{"x" * 96}...'
    told = unknown_key(("a", "b"), 1, ["z", "y"])
    assert told == Problem("finetune-phi:a.b", "1", "there is no such key", "remove it; the keys here are y, z")
    assert unknown_key(("zz",), 1, ["zz1"]).remedy == "did you mean zz1?"
    assert str(Problem("k", "v", "r", "f")) == "  k = v\n      r\n      fix: f"
    assert str(Problem("k:apiKey", "v", "r", "f")).startswith("  k:apiKey = ***\n")
    one, two = SettingsError("dev", [told]), SettingsError("dev", [told, told])
    assert str(one) == f"the settings of stack 'dev' have a problem; they are in Pulumi.dev.yaml:\n{told}"
    assert str(two) == f"the settings of stack 'dev' have 2 problems; they are in Pulumi.dev.yaml:\n{told}\n{told}"
    assert str(UnknownStackError("pro", ["prod", "dev"])) == (
        "there is no stack 'pro': it has no file Pulumi.pro.yaml\n"
        "      fix: did you mean prod? there are dev, prod; for a new one, copy one of their files to Pulumi.pro.yaml"
    )


def error(kind: str, message: str = "Input Should be", **context: Any) -> Any:
    return {"type": kind, "loc": ("a", "b"), "msg": message, "input": 7, "ctx": context}


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (error("missing"), "is needed and has no default"),
        (error("greater_than", gt=1), "must be greater than 1"),
        (error("greater_than_equal", ge=1), "must be 1 or more"),
        (error("less_than", lt=1), "must be less than 1"),
        (error("less_than_equal", le=1), "must be 1 or less"),
        (error("literal_error", expected="'x' or 'y'"), "must be one of 'x' or 'y'"),
        (error("string_type"), "must be text (put it in quotes)"),
        (error("string_too_short"), "must not be empty"),
        (error("string_too_long", max_length=9), "must have at most 9 characters"),
        *((error(kind), "must be a whole number") for kind in ("int_type", "int_from_float", "int_parsing")),
        (error("float_type"), "must be a number"),
        (error("finite_number"), "must be a finite number"),
        (error("bool_type"), "must be true or false"),
        *((error(kind), "must be a list") for kind in ("list_type", "tuple_type")),
        (error("too_short"), "must not be empty"),
        *((error(kind), "must be a section with keys of its own") for kind in ("dict_type", "model_type")),
        (error("refused", rule="is {odd}"), "is {odd}"),
        (error("other"), "input Should be"),
    ],
)
def test_each_kind_of_mistake_has_its_rule(given: Any, rule: str) -> None:
    value = "(nothing)" if given["type"] == "missing" else "7"
    command = "for example: pulumi config set --path 'finetune-phi:a.b' 5 --stack dev"
    assert problem_of(given, "dev", 5, []) == Problem("finetune-phi:a.b", value, rule, command)


@pytest.mark.parametrize(
    ("given", "example", "problem"),
    [
        (error("extra_forbidden"), 5, Problem("finetune-phi:a.b", "7", "there is no such key", "did you mean bb?")),
        (
            error("refused", rule="r", remedy="do", at="c", at_value=[1]),
            5,
            Problem("finetune-phi:a.b.c", "[1]", "r", "do"),
        ),
        (
            error("float_type"),
            None,
            Problem(
                "finetune-phi:a.b", "7", "must be a number", "see finetune-phi:a in Pulumi.yaml for what belongs there"
            ),
        ),
        (
            error("float_type"),
            {"x": 1},
            Problem("finetune-phi:a.b", "7", "must be a number", 'for example {"x": 1} in Pulumi.dev.yaml'),
        ),
        (
            {**error("literal_error", expected="'seven' or 'nine'"), "loc": ("a",), "input": "sevn"},
            "nine",
            Problem(
                "finetune-phi:a",
                '"sevn"',
                "must be one of 'seven' or 'nine'",
                "did you mean seven? for example: pulumi config set 'finetune-phi:a' 'nine' --stack dev",
            ),
        ),
    ],
)
def test_what_mends_a_mistake(given: Any, example: Any, problem: Problem) -> None:
    assert problem_of(given, "dev", example, ["bb"]) == problem


NESTED = "[" * 51 + "]" * 51


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (NESTED, "it is nested more than 50 deep, or holds more than 100000 values"),
        ("&a [*a]", "*a stands inside of itself"),
        ("a: &a [1]\nb: &b {c: [*b]}", "*b stands inside of itself"),
        (
            "a: &a [" + "1," * 400 + "]\nb: [" + "*a," * 300 + "]",
            "it is nested more than 50 deep, or holds more than 100000 values",
        ),
    ],
)
def test_yaml_that_is_too_much(text: str, told: str) -> None:
    with pytest.raises(NoYaml) as raised:
        read(text)
    assert str(raised.value) == told
    assert read("a: &a [1, 2]\nb: *a") == {"a": [1, 2], "b": [1, 2]} and read(NESTED[1:-1]) is not None


def test_what_is_implied_stays_behind_what_is_said() -> None:
    assert with_implied(3) == 3 and with_implied({"a": 1}) == {"a": 1}
    assert with_implied({"sealed": "TRUE"}) == {"sealed": "TRUE", **SEALED, "storage": {"sharedKeys": False}}
    own = {"sealed": True, "localAuth": "true", "vault": {"retentionDays": 7}, "monitoring": None, "protect": False}
    assert with_implied(own) == {**SEALED, **own, "vault": {"purgeProtection": True, "retentionDays": 7}}
    assert with_implied({"localAuth": "False", "storage": {"x": 1}})["storage"] == {"sharedKeys": False, "x": 1}
    assert with_implied({"sealed": 1, "localAuth": 0}) == {"sealed": 1, "localAuth": 0}
    assert list(loosened({**SEALED, "encryption": {"key": "k", "infrastructure": True}})) == []
    assert list(loosened({**own, "network": "public", "encryption": {"infrastructure": False}})) == [
        ("encryption.key", ""),
        ("network", "public"),
        ("localAuth", "true"),
        ("highBusinessImpact", None),
        ("encryption.infrastructure", False),
        ("identity.contributorScope", None),
        ("vault.purgeProtection", None),
        ("vault.retentionDays", 7),
        ("monitoring.diagnostics", None),
        ("monitoring.allResources", None),
        ("protect", False),
    ]
