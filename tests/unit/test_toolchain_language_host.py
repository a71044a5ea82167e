"""What the language host makes of the engine's requests; the journey runs it with the real engine."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import language_pb2

from toolchain.language_host.children import Children
from toolchain.language_host.python_programs import (
    Interpreter,
    InterpreterError,
    dependencies,
    plugin_command,
    plugin_environment,
    program_command,
    program_environment,
    required_packages,
)
from toolchain.language_host.server import LanguageHost


def info(root: Path, **options: str) -> language_pb2.ProgramInfo:
    struct = struct_pb2.Struct()
    struct.update(options)
    return language_pb2.ProgramInfo(
        root_directory=str(root), program_directory=str(root), entry_point=".", options=struct
    )


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A project directory with a virtual environment that has one provider SDK in it."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    packages = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages"
    for name, plugin in (
        ("pulumi_random", {"resource": True, "name": "random", "version": "4.0.0"}),
        ("pulumi_policy", {"resource": False}),
    ):
        (packages / name).mkdir(parents=True)
        (packages / name / "pulumi-plugin.json").write_text(json.dumps(plugin))
    (packages / "broken").mkdir()
    (packages / "broken" / "pulumi-plugin.json").write_text("{")
    for name, needs in (("pulumi-random", "Requires-Dist: six>=1"), ("six", "")):
        folder = packages / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}\n")
    return tmp_path


def test_the_virtualenv_option_is_relative_to_the_project(environment: Path) -> None:
    project = environment / "policy"
    found = Interpreter.of(str(project), {"virtualenv": "../.venv"})
    assert found.python == environment / ".venv" / "bin" / "python"
    assert Interpreter.of(str(project), {}).python == Path(sys.executable)
    with pytest.raises(InterpreterError, match=r"'\.venv'.*make setup"):
        Interpreter.of(str(project), {"virtualenv": ".venv"})


def test_a_program_gets_its_settings_and_which_of_them_are_secret(environment: Path) -> None:
    request = language_pb2.RunRequest(
        project="tiny",
        stack="local",
        pwd=str(environment),
        dryRun=True,
        parallel=16,
        monitor_address="127.0.0.1:1",
        organization="organization",
        config={"tiny:recipe": "cosine", "tiny:token": "s"},
        configSecretKeys=["tiny:token"],
        info=info(environment),
    )
    interpreter = Interpreter.of(str(environment), {"virtualenv": ".venv"})
    command = program_command(interpreter, Path("/x/exec"), "127.0.0.1:2", request)
    assert command[:3] == [str(interpreter.python), "-u", "/x/exec"]
    options = dict(zip(command[3:-1:2], command[4:-1:2], strict=True))
    assert options["--dry_run"] == "true" and options["--engine"] == "127.0.0.1:2"
    assert options["--root_directory"] == str(environment) and options["--parallel"] == "16"
    assert command[-1] == "."

    environ = program_environment(interpreter, request, {"PATH": "/usr/bin", "PYTHONHOME": "/wrong"})
    assert json.loads(environ["PULUMI_CONFIG"]) == {"tiny:recipe": "cosine", "tiny:token": "s"}
    assert json.loads(environ["PULUMI_CONFIG_SECRET_KEYS"]) == ["tiny:token"]
    assert environ["PATH"] == f"{interpreter.python.parent}:/usr/bin"
    assert "PYTHONHOME" not in environ


def test_a_policy_pack_is_served_by_pulumi_policy(environment: Path) -> None:
    request = language_pb2.RunPluginRequest(
        kind="analyzer", args=["127.0.0.1:2"], env=["A=1=2"], info=info(environment)
    )
    interpreter = Interpreter.of(str(environment), {"virtualenv": ".venv"})
    assert plugin_command(interpreter, request)[2:] == ["-m", "pulumi.policy", "127.0.0.1:2", str(environment)]
    assert plugin_environment(interpreter, request, {"B": "3"})["A"] == "1=2"
    request.kind = "resource"
    assert plugin_command(interpreter, request)[2:] == [str(environment), "127.0.0.1:2"]


def test_required_packages_and_dependencies(environment: Path) -> None:
    interpreter = Interpreter.of(str(environment), {"virtualenv": ".venv"})
    assert [(p.name, p.version) for p in required_packages(interpreter)] == [("random", "4.0.0")]
    assert dependencies(interpreter, transitive=True) == [("pulumi-random", "1.0"), ("six", "1.0")]
    assert dependencies(interpreter, transitive=False) == [("pulumi-random", "1.0")]


class Ended:
    """Children of which every program ends with one exit code."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.interrupted = 0
        self.preview = False

    def run(self, args: list[str], env: dict[str, str], preview: bool) -> int:
        self.preview = preview
        return self.code

    def interrupt_programs(self) -> None:
        self.interrupted += 1


def host(code: int) -> tuple[LanguageHost, Ended]:
    children = Ended(code)
    return LanguageHost("127.0.0.1:2", Path("/x/exec"), children), children  # type: ignore[arg-type]


CONTEXT: grpc.ServicerContext = SimpleNamespace()  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("code", "bail", "error"),
    [
        (0, False, ""),
        (1, False, "the program exited with code 1"),
        (32, True, ""),
        (-2, False, "the program was ended by SIGINT"),
    ],
)
def test_how_a_program_ended(environment: Path, code: int, bail: bool, error: str) -> None:
    request = language_pb2.RunRequest(info=info(environment, virtualenv=".venv"))
    response = host(code)[0].Run(request, CONTEXT)
    assert (response.bail, response.error) == (bail, error)


def test_a_preview_is_run_as_one(environment: Path) -> None:
    servicer, children = host(0)
    for dry in (True, False):
        servicer.Run(language_pb2.RunRequest(info=info(environment, virtualenv=".venv"), dryRun=dry), CONTEXT)
        assert children.preview is dry


def test_a_preview_that_ignores_the_interrupt_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolchain.language_host.children.GRACE_SECONDS", 3600.0)
    deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print(flush=True); signal.pause()"
    ready, write = os.pipe()
    children = Children()
    with ThreadPoolExecutor(1) as pool:
        program = [sys.executable, "-c", f"import os; os.dup2({write}, 1); {deaf}"]
        monkeypatch.setattr(subprocess, "Popen", functools.partial(subprocess.Popen, pass_fds=(write,)))
        ended = pool.submit(children.run, program, dict(os.environ), preview=True)
        assert os.read(ready, 1) == b"\n", "it runs, and is deaf"
        children.end_all()
        assert ended.result() == -signal.SIGKILL


def test_a_missing_environment_is_told_to_the_user(environment: Path) -> None:
    request = language_pb2.RunRequest(info=info(environment, virtualenv="nowhere"))
    assert "make setup" in host(0)[0].Run(request, CONTEXT).error


def test_cancel_interrupts_the_programs() -> None:
    servicer, children = host(0)
    servicer.Cancel(empty_pb2.Empty(), CONTEXT)
    assert children.interrupted == 1


def test_install_dependencies_says_who_does_it() -> None:
    said = list(host(0)[0].InstallDependencies(language_pb2.InstallDependenciesRequest(), CONTEXT))
    assert b"make setup" in said[0].stdout
