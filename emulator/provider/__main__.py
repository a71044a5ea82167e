"""``python -m emulator.provider ENGINE_ADDRESS``: the plugin process the engine starts."""

from __future__ import annotations

import os
import sys

OUTSIDE = """\
error: this pulumi-resource-azure-native is the stand-in for runs against the emulator and does not
talk to Azure. It was started outside `python -m emulator exec` (EMULATOR_HOME is not set). Either
run the command as `.venv/bin/python -m emulator exec -- pulumi ...`, or take emulator/bin off PATH
and install the official plugin: `pulumi plugin install resource azure-native {version}`."""


def main() -> int:
    """Serve the engine until it ends; 1 when this is not a run against the emulator."""
    from importlib.metadata import version

    # The engine asks for the plugin of exactly the SDK's version.
    sdk_version = version("pulumi-azure-native")
    if not os.environ.get("EMULATOR_HOME"):
        print(OUTSIDE.format(version=sdk_version), file=sys.stderr)
        return 1
    if len(sys.argv) < 2:
        print("error: no engine address: this program is started by the Pulumi engine", file=sys.stderr)
        return 2

    from .provider import AzureNative
    from .server import serve, to_user

    engine = next((a for a in sys.argv[1:] if not a.startswith("-")), "")
    serve(AzureNative(warn=to_user(engine)), version=sdk_version, engine_address=engine, args=sys.argv[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
