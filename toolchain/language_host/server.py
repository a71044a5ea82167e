"""The Python language host: what the Pulumi engine asks to run Python programs, policy packs and plugins.

Pulumi's own host is part of its download only. This one serves the same protocol (LanguageRuntime) for a CLI
built from Go modules. The engine starts it with its address as last argument, reads the port it prints, and
ends it with SIGINT to its process group.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from pathlib import Path
from types import FrameType

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from toolchain import pins
from toolchain.language_host.children import Children
from toolchain.language_host.python_programs import (
    BAILED,
    Interpreter,
    InterpreterError,
    dependencies,
    plugin_command,
    plugin_environment,
    program_command,
    program_environment,
    required_packages,
)

MESSAGE_BYTES = 400 * 1024 * 1024
"""The engine's own limit for one message."""

NO_DEBUGGER = "attaching a debugger needs Pulumi's own CLI: install it, put it on PATH, then: make setup"
INSTALLED_BY = "Python dependencies are installed by: make setup\n"


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers the engine.

    Methods the engine does not need here (code generation, packing) stay unimplemented.
    """

    def __init__(self, engine: str, executor: Path, children: Children) -> None:
        self._engine = engine
        self._executor = executor
        self._children = children

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Take note of the engine's address."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Our version is the CLI's."""
        return plugin_pb2.PluginInfo(version=pins.PULUMI)

    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        """The interpreter, for `pulumi about`."""
        return language_pb2.AboutResponse(executable=sys.executable, version=platform.python_version())

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """The provider plugins that the installed Python SDKs belong to."""
        packages = required_packages(_interpreter(request.info, context))
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(name=p.name, version=p.version, kind="resource", server=p.server)
                for p in packages
            ]
        )

    def GetRequiredPlugins(
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        """The same, as engines before 3.141 ask for it."""
        packages = required_packages(_interpreter(request.info, context))
        return language_pb2.GetRequiredPluginsResponse(
            plugins=[
                plugin_pb2.PluginDependency(name=p.name, version=p.version, kind="resource", server=p.server)
                for p in packages
            ]
        )

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """The Python packages of the program's environment, for `pulumi about`."""
        found = dependencies(_interpreter(request.info, context), transitive=request.transitiveDependencies)
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=name, version=version) for name, version in found]
        )

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Nothing is installed from here; say who does."""
        yield language_pb2.InstallDependenciesResponse(stdout=INSTALLED_BY.encode())

    def RuntimeOptionsPrompts(
        self, request: language_pb2.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        """No questions for `pulumi new`."""
        return language_pb2.RuntimeOptionsResponse()

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        """Run the program to its end; its output goes straight to the engine."""
        if request.attach_debugger:
            return language_pb2.RunResponse(error=NO_DEBUGGER)
        try:
            interpreter = Interpreter.of(request.info.root_directory, dict(request.info.options))
        except InterpreterError as error:
            return language_pb2.RunResponse(error=str(error))
        code = self._children.run(
            program_command(interpreter, self._executor, self._engine, request),
            env=program_environment(interpreter, request),
            preview=request.dryRun,
        )
        if code == BAILED:
            return language_pb2.RunResponse(bail=True)
        if code < 0:
            return language_pb2.RunResponse(error=f"the program was ended by {signal.Signals(-code).name}")
        return language_pb2.RunResponse(error=f"the program exited with code {code}" if code else "")

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack (kind "analyzer") or a Python provider; pass its output on as it comes."""
        if request.attach_debugger:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, NO_DEBUGGER)
        interpreter = _interpreter(request.info, context)
        plugin = self._children.start(
            plugin_command(interpreter, request),
            cwd=request.info.program_directory if request.kind == "analyzer" else request.pwd,
            env=plugin_environment(interpreter, request),
        )
        if not context.add_callback(plugin.end):
            plugin.end()
        for stream, data in plugin.output():
            if stream == "stdout":
                yield language_pb2.RunPluginResponse(stdout=data)
            else:
                yield language_pb2.RunPluginResponse(stderr=data)
        yield language_pb2.RunPluginResponse(exitcode=plugin.wait())

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Ctrl-C: the program gets SIGINT, as if it ran in the terminal.

        Plugins are ended by the engine's own call.
        """
        self._children.interrupt_programs()
        return empty_pb2.Empty()


def _interpreter(info: language_pb2.ProgramInfo, context: grpc.ServicerContext) -> Interpreter:
    try:
        return Interpreter.of(info.root_directory, dict(info.options))
    except InterpreterError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        raise


def main(arguments: Sequence[str]) -> None:
    """Serve until the engine ends us or is gone; the last argument without a dash is the engine's address."""
    parent = os.getppid()
    executor = Path(os.environ.get("PULUMI_LANGUAGE_PYTHON_EXEC") or _beside("pulumi-language-python-exec"))
    children = Children()
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    server = grpc.server(
        futures.ThreadPoolExecutor(32),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
        ],
    )
    engine = next((argument for argument in reversed(arguments) if not argument.startswith("-")), "")
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(engine, executor, children), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    # An engine that was killed sends no signal; we notice because somebody else becomes our parent.
    while not stop.wait(1.0) and os.getppid() == parent:
        pass
    children.end_all()
    # Not sys.exit: gRPC's threads may still hold a stream to an engine that is gone.
    os._exit(0)


def _beside(name: str) -> Path:
    return Path(sys.prefix) / "pulumi" / "bin" / name
