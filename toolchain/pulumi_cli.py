"""A Pulumi CLI: from PATH, Pulumi's own release, or built from Go modules.

Of a release pulumi.sha256 names the digest, of each module toolchain/engine/go.sum: nothing else is run.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from toolchain import cache, golang, pins
from toolchain.commands import Completed, Runner
from toolchain.environment import Report
from toolchain.errors import SetupError

ENGINE = Path(__file__).parent / "engine"
COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
VERSION_FLAG = f"-X {SDK}/go/common/version.Version=v{pins.PULUMI}"
FROM_SDK_MODULE = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
FETCHER = Path(__file__).parent / "official_cli.py"
DIGESTS = Path(__file__).parent / "pulumi.sha256"
SITE = "https://get.pulumi.com/releases/sdk"
REACH_SECONDS = 6.0
INSTALL_SECONDS = 300.0
REMEDY = (
    f"install Pulumi {pins.PULUMI} (any from {pins.PULUMI_MINIMUM} with its Python language host) and put it "
    "on PATH, or give this machine access to a Go module proxy (GOPROXY) and a Python package index; "
    "then: make setup"
)


@dataclass(frozen=True)
class Cli:
    """A usable CLI. `kind` is "path" (the user's own), "official" or "built".

    `bin` the directory that holds it.
    """

    kind: str
    bin: Path


def engine_digest() -> str:
    """What decides a built CLI: the module files, the version, and the machine."""
    return cache.digest((ENGINE / name for name in ("go.mod", "go.sum", "tools.go")), pins.PULUMI, cache.machine())


def find(root: Path, uv: Path, run: Runner, report: Report, environ: Mapping[str, str] = os.environ) -> Cli:
    """The first CLI there is, in this order: PATH, our cache, Pulumi's release, Go modules.

    Raises SetupError naming every way that was tried and why it failed.
    """
    why: list[str] = []
    if directory := on_path(root, run, environ, why):
        report(f"using the Pulumi CLI on PATH: {directory / 'pulumi'}")
        return Cli("path", directory)
    built = cache.cache_root() / f"pulumi-{pins.PULUMI}-{engine_digest()}"
    cache.private(cache.cache_root())
    for kind, entry in (("official", official_entry()), ("built", built)):
        if (entry / "bin" / "pulumi").exists():
            report(f"using the Pulumi CLI in {entry}")
            return Cli(kind, entry / "bin")
    try:
        return Cli("official", official(run, report) / "bin")
    except SetupError as error:
        report(f"{error.what} ({'; '.join(error.why)}); building the CLI instead")
        why.append(f"{error.what}: {'; '.join(error.why)}")
    try:
        entry = cache.make_once(built, "bin/pulumi", lambda to: build(root, uv, to, run, report), _waiting(report))
        return Cli("built", entry / "bin")
    except SetupError as error:
        why.append(f"{error.what}: {'; '.join(error.why)}")
        raise SetupError("there is no Pulumi CLI, and none could be had", why, REMEDY) from error


def release() -> str:
    """The name of Pulumi's release archive for this machine."""
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform, sys.platform)
    kind = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower())
    return f"pulumi-v{pins.PULUMI}-{system}-{kind or platform.machine()}.tar.gz"


def locked_digest(digests: Path = DIGESTS) -> str | None:
    """The SHA-256 that `release()` must have; None where none is locked."""
    lines = (line.split() for line in digests.read_text().splitlines() if not line.startswith("#"))
    return next((parts[0] for parts in lines if parts[1:] == [release()]), None)


def official_entry() -> Path:
    """Where Pulumi's own CLI is kept: by its digest, so that no other is taken for it."""
    return cache.cache_root() / f"pulumi-{pins.PULUMI}-official-{(locked_digest() or 'none')[:12]}"


def official(run: Runner, report: Report) -> Path:
    """Pulumi's own CLI, in the cache or from its site. Raises SetupError where it cannot be had."""
    return cache.make_once(official_entry(), "bin/pulumi", lambda to: install(to, run, report), _waiting(report))


def _waiting(report: Report) -> Callable[[], None]:
    return lambda: report("waiting: another clone is making the Pulumi CLI")


def on_path(root: Path, run: Runner, environ: Mapping[str, str], why: list[str]) -> Path | None:
    """The directory of a recent `pulumi` on PATH that has its Python language host.

    Adds to `why` if there is none.

    The clone's own directory is not looked at: what it holds was made here.
    """
    ours = root / ".venv"
    path = os.pathsep.join(
        part for part in environ.get("PATH", "").split(os.pathsep) if not Path(part).is_relative_to(ours)
    )
    program = shutil.which("pulumi", path=path)
    if program is None:
        why.append("on PATH: no pulumi")
        return None
    said = run([program, "version"], env={"PULUMI_SKIP_UPDATE_CHECK": "true"}, timeout=20).output.strip()
    if not pins.at_least(said, pins.PULUMI_MINIMUM):
        why.append(f"on PATH: {program} is {said or 'silent about its version'}, older than {pins.PULUMI_MINIMUM}")
        return None
    beside = Path(program).resolve().parent
    if not shutil.which("pulumi-language-python", path=os.pathsep.join((str(beside), path))):
        why.append(f"on PATH: {program} is {said} but comes without pulumi-language-python")
        return None
    return Path(program).parent


def install(directory: Path, run: Runner, report: Report) -> None:
    """Pulumi's release archive, if it has its locked digest; gives up after REACH_SECONDS without an answer."""
    digest = locked_digest()
    if digest is None:
        raise SetupError("Pulumi's own release is not locked", [f"{DIGESTS.name} has no digest of {release()}"])
    report(f"asking Pulumi's site for {release()}")
    done = run(
        [sys.executable, FETCHER, f"{SITE}/{release()}", digest, directory, str(REACH_SECONDS)],
        timeout=INSTALL_SECONDS,
    )
    if done.code != 0 or not (directory / "bin" / "pulumi-language-python").exists():
        raise SetupError("Pulumi's own release could not be had", done.last_lines[-1:] or ["it holds no CLI"])


def build(root: Path, uv: Path, directory: Path, run: Runner, report: Report) -> None:
    """Build the CLI from Go modules into `directory/bin`, with the SDK module's Python programs beside it."""
    go = golang.find(root, uv, run, report)
    environ = {
        **go.environ,
        "GOFLAGS": "-mod=readonly -modcacherw",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    report(f"building Pulumi {pins.PULUMI} from Go modules (about 4 minutes the first time)")
    bin_directory = directory / "bin"
    bin_directory.mkdir()
    flags = ["-v", "-trimpath", "-buildvcs=false", "-ldflags", f"-s -w {VERSION_FLAG}"]
    _checked(
        run(
            [go.program, "build", *flags, "-o", bin_directory / "pulumi", COMMAND],
            env=environ,
            cwd=ENGINE,
            on_line=_GoProgress(report),
        ),
        "go build",
    )
    module = _checked(
        run([go.program, "list", "-m", "-f", "{{.Dir}}", SDK], env=environ, cwd=ENGINE), "go list"
    ).output.strip()
    for name in FROM_SDK_MODULE:
        source = Path(module) / name
        target = bin_directory / source.name
        shutil.copyfile(source, target)
        target.chmod(0o755)
    _checked(run([bin_directory / "pulumi", "version"], timeout=60), "the new pulumi")
    go.tidy(run)
    report("Pulumi built")


def _checked(done: Completed, what: str) -> Completed:
    if done.code != 0:
        raise SetupError(f"building Pulumi from Go modules failed at {what}", done.last_lines)
    return done


class _GoProgress:
    """Turns the downloads and compiled packages that `go build -v` prints into one line every 10 s."""

    def __init__(self, report: Report, clock: Callable[[], float] = time.monotonic) -> None:
        self._report, self._clock = report, clock
        self._last = clock()
        self._downloaded = self._compiled = 0

    def __call__(self, line: str) -> None:
        if line.startswith("go: downloading"):
            self._downloaded += 1
        else:
            self._compiled += 1
        if self._clock() - self._last >= 10:
            self._last = self._clock()
            self._report(f"building Pulumi: {self._downloaded} modules fetched, {self._compiled} packages compiled")
