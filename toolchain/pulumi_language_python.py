"""The program `pulumi-language-python` as the engine starts it, when the CLI is one we built."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def import_only_the_protocol() -> None:
    """Let `pulumi.runtime.proto` be imported without the `pulumi` package around it.

    A language host needs two of its modules. The whole package takes 0.5 s to import, at every start of the
    engine.
    """
    found = importlib.util.find_spec("pulumi")
    if found is None or not found.submodule_search_locations:
        sys.exit("error: the Python environment has no pulumi package\n  What to do: make setup")
    package = Path(found.submodule_search_locations[0])
    for name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        module = ModuleType(name)
        module.__path__ = [str(package.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module


if __name__ == "__main__":
    import_only_the_protocol()
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from toolchain.language_host.server import main

    main(sys.argv[1:])
