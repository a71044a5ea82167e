"""The types of settings: how each kind of value is read, whatever YAML or the Pulumi CLI made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from settings.machines import VM_SIZES, VmSize
from settings.problems import refuse, similar

GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""As Azure writes them, in lower case."""


def object_ids(given: dict[str, Any]) -> dict[str, Any]:
    """Checks that the keys are ids of Entra ID."""
    for id_, value in given.items():
        if not re.fullmatch(GUID, id_):
            rule = "must be an object id of Entra ID in lower case"
            remedy = "az ad signed-in-user show --query id prints yours, az ad group show --group <name> a group's"
            raise refuse(rule, remedy, at=id_, value=value)
    return given


def as_number(value: Any) -> Any:
    """YAML 1.1 reads 2e-5, and `pulumi config set --path` every fraction, as text; true is no number."""
    if isinstance(value, bool):
        raise refuse("must be a number")
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise refuse("must be a number") from None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _flag(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false")):
        return value
    raise refuse("must be true or false")


class WholeAsText:
    """A text that YAML may read as a whole number."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._text, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "type": ["string", "integer"]}

    @staticmethod
    def _text(value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@dataclass(frozen=True)
class Pattern:
    """Text that matches `expression` as a whole, refused with `rule` in words, and `remedy` where it has one."""

    expression: str
    rule: str
    remedy: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^({self.expression})$"}

    def _check(self, value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(self.expression, value):
            raise refuse(self.rule, self.remedy)
        return value


AsText = WholeAsText()
"""Beside a text: a whole number is one, too, as YAML reads a version or a count without quotes."""
Whole = Annotated[int, BeforeValidator(as_number)]
Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(as_number)]
Positive = Annotated[Whole, Field(ge=1)]
Count = Annotated[Whole, Field(ge=0)]
CountOrOff = Annotated[Whole, Field(ge=-1)]  # -1 switches the component's limit off
Share = Annotated[Number, Field(ge=0, lt=1)]
Flag = Annotated[bool, BeforeValidator(_flag)]
# What people type: letters, digits and the few signs mail systems agree on.
_EMAIL = r"[A-Za-z0-9][\w.+'-]*@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, strict=True)]
AssetName = Annotated[
    Text,
    Pattern(r"[A-Za-z0-9][\w.-]{0,250}", "must be letters, digits, - _ . with a letter or digit first"),
]
Email = Annotated[
    str,
    Pattern(rf"|{_EMAIL}", "must be an e-mail address"),
    StringConstraints(max_length=254, strict=True),
]
"""An address, or nothing."""
RegistryVersion = Annotated[Text, Pattern(r"\d+(\.\d+)*", "must be a version number like 1 or 0.0.82"), AsText]


def gpu_size(name: str) -> VmSize:
    """The GPU size of a name, whatever its case. Raises what `refuse` makes for an unknown and for a retired one."""
    by_lower = {known.lower(): size for known, size in VM_SIZES.items()}
    size = by_lower.get(name.lower())
    if size is None:
        offered = [known for known, candidate in VM_SIZES.items() if not candidate.retired]
        guess = similar(name, offered)
        raise refuse("must be a GPU size this project knows", f"{guess} there are {', '.join(offered)}".strip())
    if size.retired:
        raise refuse(f"was retired by Azure on {size.retired}", f"take {size.successor}")
    return size


class Section(BaseModel):
    """Keys are written in camelCase; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, use_attribute_docstrings=True)
