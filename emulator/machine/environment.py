"""The environment of a command that runs against the emulator."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from emulator.machine.home import CLIENT_ID, SUBSCRIPTION_ID, TENANT_ID, Home, Ports
from settings.redaction import redact

RUN = "EMULATOR_RUN"
"""Variable that marks the processes of one command."""
PROVIDER = "pulumi-resource-azure-native"

# Whatever real access the caller has must not reach the command: Azure's and Pulumi's by name, ...
REMOVED_PREFIXES = ("AZURE_", "ARM_", "MSI_", "IDENTITY_", "AZUREML_", "ACTIONS_ID_TOKEN_REQUEST_")
REMOVED = (
    "PULUMI_BACKEND_URL",
    "PULUMI_CREDENTIALS_PATH",
    "PULUMI_HOME",
    "ALL_PROXY",
    "all_proxy",
    "HTTP_PROXY",
    "http_proxy",
)
# ... and everybody else's by what such names have in common.
_TELLING = re.compile(
    r"(?:token|secret|password|passwd|passphrase|passfile|credential|api_?key)s?\d*(?:_|$)"
    r"|(?:^|_)(?:key\d*|keys|auth|pat|dsn|webhook|kubeconfig|netrc|sock|connection_?string)(?:_|$)|_pwd$",
    re.IGNORECASE,
)
# What the emulator, its jobs and its servers get of the caller's; nothing else, whatever it is called.
PASSED = frozenset(
    (
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "TEMP",
        "TMP",
        "VIRTUAL_ENV",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUTF8",
        "XLA_FLAGS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
    )
)
PASSED_PREFIXES = ("LC_", "XDG_", "EMULATOR_", "JAX_")


def without_access(environ: Mapping[str, str]) -> dict[str, str]:
    """For the caller's own command: its environment without whatever opens something real to whoever has it."""
    return {name: value for name, value in environ.items() if not _opens(name, value)}


def _opens(name: str, value: str) -> bool:
    if name.startswith(REMOVED_PREFIXES) or name in REMOVED or _TELLING.search(name):
        return True
    return redact(value) != value  # a password in an address, a key or a token by its form


def for_services(environ: Mapping[str, str]) -> dict[str, str]:
    """For what runs in Azure's place, which is nobody's command: the few variables that a program needs to run."""
    return {
        name: value
        for name, value in environ.items()
        if (name in PASSED or name.startswith(PASSED_PREFIXES)) and not _opens(name, value)
    }


def confine() -> None:
    """Leave this process, and so all that it starts, nothing but that."""
    kept = for_services(os.environ)
    for name in [each for each in os.environ if each not in kept]:
        del os.environ[name]


def build(home: Home, ports: Ports) -> dict[str, str]:
    """Variables for a child whose Azure is this emulator."""
    environment = without_access(os.environ)
    proxy = f"http://127.0.0.1:{ports.proxy}"
    direct = "127.0.0.1,localhost"
    environment |= {
        "EMULATOR_HOME": str(home.root),
        "EMULATOR_PYTHON": sys.executable,
        # gRPC obeys the lower-case name even for loopback, so Pulumi needs the exceptions.
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "REQUESTS_CA_BUNDLE": str(home.ca_file),
        "SSL_CERT_FILE": str(home.ca_file),
        "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
    }
    secret = home.secret("client-secret")
    for prefix in ("AZURE", "ARM"):
        environment |= {
            f"{prefix}_SUBSCRIPTION_ID": SUBSCRIPTION_ID,
            f"{prefix}_TENANT_ID": TENANT_ID,
            f"{prefix}_CLIENT_ID": CLIENT_ID,
            f"{prefix}_CLIENT_SECRET": secret,
        }
    return environment | _pulumi(home)


def _pulumi(home: Home) -> dict[str, str]:
    state = home.pulumi / "state"
    state.mkdir(parents=True, exist_ok=True)
    home.secret("passphrase")
    _install_provider(home.pulumi / "home" / "plugins")
    return {
        # Without files of attributes beside those of the state: they are not written at one stroke, as these are, and
        # an engine killed meanwhile would leave a state that cannot be read.
        "PULUMI_BACKEND_URL": f"file://{state}?metadata=skip",
        "PULUMI_HOME": str(home.pulumi / "home"),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(home.root / "secrets" / "passphrase"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # The state holds what decrypts it, so stack files need not (see StackFiles).
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",  # pragma: allowlist secret
    }


def _install_provider(plugins: Path) -> None:
    """Put our azure-native provider where Pulumi looks for the official plugin of the SDK's version."""
    version = importlib.metadata.version("pulumi-azure-native")
    link = plugins / f"resource-azure-native-v{version}" / PROVIDER
    target = Path(__file__).resolve().parents[1] / "bin" / PROVIDER
    if link.is_symlink() and link.readlink() == target:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


class StackFiles:
    """Keeps the salt of this emulator's passphrase out of the stack files.

    Pulumi writes ``encryptionsalt`` into ``Pulumi.<stack>.yaml``. The passphrase is this home's own, so
    the line would be noise in everybody else's checkout; Pulumi finds the same in its state.
    """

    def __init__(self, directory: Path) -> None:
        self._before = {path: path.read_bytes() for path in directory.glob("Pulumi.*.yaml")}

    def restore(self) -> None:
        """Put back every file to which nothing but the salt was added."""
        for path, before in self._before.items():
            after = path.read_bytes() if path.exists() else before
            if after != before and _without_salt(after) == _without_salt(before):
                path.write_bytes(before)


def _without_salt(content: bytes) -> object:
    try:
        loaded = yaml.safe_load(content)
    except yaml.YAMLError:
        return content  # not ours to mend: Pulumi says what is wrong with it
    if isinstance(loaded, dict):
        loaded.pop("encryptionsalt", None)
    return _as_text(loaded or {})


def _as_text(value: object) -> object:
    """Scalars as text: when Pulumi saves a stack file, it writes ``true`` as ``"true"``."""
    if isinstance(value, dict):
        return {str(key): _as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_text(inner) for inner in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
