"""`python -m toolchain.checks.audit [--all]`: known vulnerabilities of what is locked, as registries tell them.

Without `--all` it asks PyPI about the packages that the product and its tests run with. With it, also about what else
set-up installs, npm about Azurite's packages, and, with GH_TOKEN, GitHub about the actions of the workflows.

Not every registry tells: a mirror may have the packages and not what is known about them, and then says so for none.
So a package that is known to be vulnerable is asked for first. Where even that one seems fine, nothing was audited,
and the last line says that and why; it is no failure, as there is nothing to mend in the checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolchain import azurite, environment
from toolchain.commands import Processes
from toolchain.errors import SetupError

ROOT = Path(__file__).resolve().parents[2]
PINS = ROOT / environment.CONSTRAINTS
MORE_PINS = tuple(ROOT / name for name in (environment.AGENT_CONSTRAINTS, environment.UV_PINNED, environment.GO_PINNED))
KNOWN = "requests==2.19.0"
"""Has PYSEC-2018-28 and others."""
KNOWN_NPM = ("minimist", "0.0.8")
"""Has GHSA-vh95-rmgr-6w4m and others."""

Asked = Callable[[Path], "Answer"]


@dataclass(frozen=True)
class Answer:
    """What pip-audit said: one entry a package, or why it said nothing."""

    dependencies: list[dict[str, Any]]
    complaint: str = ""

    @property
    def vulnerable(self) -> list[dict[str, Any]]:
        return [each for each in self.dependencies if each.get("vulns")]

    @property
    def skipped(self) -> list[dict[str, Any]]:
        return [each for each in self.dependencies if each.get("skip_reason")]


def ask(requirements: Path) -> Answer:
    """Run pip-audit over exact pins."""
    options = ["--vulnerability-service", "pypi", "--timeout", "10", "--disable-pip", "--no-deps"]
    command = [sys.executable, "-m", "pip_audit", *options, "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run([*command, "--requirement", str(requirements)], capture_output=True, text=True, check=False)
    try:
        return Answer(json.loads(done.stdout)["dependencies"])
    except ValueError:
        said = [line for line in done.stderr.strip().splitlines() if line and not line.startswith("WARNING")]
        return Answer([], said[-1].removeprefix("ERROR:pip_audit._cli:") if said else "pip-audit said nothing")


def ask_npm(lock: Path) -> Answer:
    """Run `npm audit` over a package-lock.json; its advisories, by package."""
    try:
        node = azurite.system_node(Processes()) or azurite.packaged_node(ROOT)
    except SetupError as error:
        return Answer([], error.what)
    options = ["audit", "--package-lock-only", "--omit=dev", "--json", "--loglevel=silent"]
    path = os.pathsep.join((str(node.program.parent), os.environ.get("PATH", "")))
    done = subprocess.run(
        [*node.npm, *options],
        cwd=lock.parent,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path},
    )
    try:
        said = json.loads(done.stdout)
        found = {name: _advisories(entry["via"]) for name, entry in said["vulnerabilities"].items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        lines = (done.stdout + done.stderr).strip().splitlines()
        return Answer([], next((line.strip(' ",') for line in lines if "message" in line), "npm audit said nothing"))
    packages = [
        (place.rpartition("node_modules/")[2], entry["version"])
        for place, entry in json.loads(lock.read_text())["packages"].items()
        if place
    ]
    return Answer([{"name": name, "version": version, "vulns": found.get(name, [])} for name, version in packages])


def _advisories(via: list[Any]) -> list[dict[str, Any]]:
    """npm's own; a name in their place is a package that is listed itself."""
    return [{"id": one["url"].rpartition("/")[2]} for one in via if isinstance(one, dict)]


def pin(folder: Path) -> Path:
    """A file with the one known package."""
    (folder / "known.txt").write_text(f"{KNOWN}\n")
    return folder / "known.txt"


def pin_npm(folder: Path) -> Path:
    """Likewise for npm."""
    name, version = KNOWN_NPM
    wanted = {"name": "known", "dependencies": {name: version}}
    packages = {"": wanted, f"node_modules/{name}": {"version": version}}
    (folder / "package.json").write_text(json.dumps(wanted))
    lock = folder / "package-lock.json"
    lock.write_text(json.dumps({"name": "known", "lockfileVersion": 3, "packages": packages}))
    return lock


@dataclass(frozen=True)
class Service:
    """Who tells, and of which package it is known that there is something to tell."""

    name: str
    known: str
    probe: Callable[[Path], Path]


PYPI = Service("PyPI", KNOWN, pin)
NPM = Service("npm", "@".join(KNOWN_NPM), pin_npm)


def audit(pins: Path, asked: Asked = ask, service: Service = PYPI) -> tuple[int, list[str]]:
    """Exit code, and lines for a person."""
    with tempfile.TemporaryDirectory() as folder:
        first = asked(service.probe(Path(folder)))
    if not first.vulnerable:
        reason = first.complaint or "; ".join(str(each["skip_reason"]) for each in first.skipped)
        why = reason or f"it knows of nothing against {service.known}, against which a lot is known"
        skipped = f"no package of {pins.name} was checked: {service.name}'s vulnerability service does not answer here"
        return 0, [f"audit SKIPPED, {skipped}: {why}"]
    found = asked(pins)
    if found.complaint:
        return 1, [f"audit: {pins.name} could not be asked about: {found.complaint}. What to do: try again"]
    lines = [_line(package, known) for package in found.vulnerable for known in package["vulns"]]
    lines += [f"audit: not checked: {each['name']}: {each['skip_reason']}" for each in found.skipped]
    checked = len(found.dependencies) - len(found.skipped)
    if found.vulnerable:
        lines.append(f"What to do: pin a version with the fix where {pins.name} comes from, make lock")
        return 1, lines
    return 0, [*lines, f"audit: {checked} packages of {pins.name}, no known vulnerability"]


def actions() -> tuple[int, list[str]]:
    """Whether the workflows' actions are known to be vulnerable, or pinned to a commit that is not their tag's."""
    zizmor = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    if not os.environ.get("GH_TOKEN") or zizmor is None:
        return 0, ["audit SKIPPED, no action was checked: GitHub tells whoever has a token (GH_TOKEN)"]
    done = subprocess.run([zizmor, "--min-severity", "medium", "--no-progress", str(ROOT / ".github")], check=False)
    return done.returncode, ["audit: actions checked"] if done.returncode == 0 else ["audit: see above, of .github"]


def _line(package: dict[str, Any], known: dict[str, Any]) -> str:
    fixed = ", ".join(known.get("fix_versions") or ()) or "no version yet"
    names = " = ".join((known["id"], *(known.get("aliases") or ())))
    return f"audit: {package['name']} {package['version']} has {names}; fixed in {fixed}"


def main(arguments: Sequence[str]) -> int:
    """Prints the lines; the code is 1 if something known is wrong with a locked package."""
    results = [audit(PINS)]
    if "--all" in arguments:
        results += [audit(pins) for pins in MORE_PINS]
        results += [audit(azurite.LOCK / "package-lock.json", ask_npm, NPM), actions()]
    for code, lines in results:
        print("\n".join(lines), file=sys.stderr if code else sys.stdout)
    return int(any(code for code, _ in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
