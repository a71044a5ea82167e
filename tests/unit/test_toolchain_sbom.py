"""What a release says it is made of is all that is locked."""

from __future__ import annotations

import json
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from toolchain import pins
from toolchain.checks.sbom import bom, text

ROOT = Path(__file__).resolve().parents[2]


def test_every_locked_package_is_in_it_and_the_schema_is_met() -> None:
    made = text(bom(ROOT))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made) is None
    found = {component["bom-ref"]: component for component in json.loads(made)["components"]}
    pinned = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    assert len([ref for ref in found if ref.startswith("pkg:pypi/")]) >= len(pinned)
    modules = {line.split()[0] for line in (ROOT / "toolchain/engine/go.sum").read_text().splitlines()}
    assert len([ref for ref in found if ref.startswith("pkg:golang/")]) > len(modules) / 2
    for ref in (
        f"pkg:pypi/pulumi@{pins.PULUMI}",
        f"pkg:pypi/uv@{pins.UV}",
        f"pkg:npm/azurite@{pins.AZURITE}",
        f"pkg:generic/pulumi-v{pins.PULUMI}-linux-x64@{pins.PULUMI}",
        f"pkg:golang/github.com/pulumi/pulumi/sdk/v3@v{pins.PULUMI}",
    ):
        assert ref in found, ref
        assert found[ref].get("hashes") or ref.startswith("pkg:golang/"), ref
