"""``python -m emulator coverage``: what the emulator answers, checks and leaves unchecked, read from its own code."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from emulator.refusals import REFUSALS, Known
from emulator.resources.base import Kind
from emulator.validation import bodies, rules, versions
from emulator.validation.check import required_by_model

PAGE = Path("docs/emulator-coverage.md")
ROUTE_GROUP = re.compile(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\)[^()]*)*\)")
REFUSING = {"AzureError": 1, "MachineLearningError": 1}
"""Error classes whose constructor names the code, and at which position."""
SHORTHANDS = {"user_error": "UserError", "endpoint_invalid": "BadRequest (InferencingClientCallFailed)"}
"""Functions that make an error with a code of their own."""


def page() -> str:
    """The whole page, as Markdown."""
    from emulator.front.server import KINDS

    parts = [
        "# What the emulator covers",
        "Generated from the code by `python -m emulator coverage > docs/emulator-coverage.md`; a unit test compares.",
        "How well it is known that Azure answers so: "
        + "; ".join(f"**{known.name}** {known.value}" for known in Known)
        + ".",
        "## Resource types",
        "Azure Resource Manager. PUT replaces, PATCH changes tags, identity and sku. *Refuses* lists the codes in the "
        "type's own code, beyond what every body and call has to pass.",
        *(_kind(kind) for kind in sorted(KINDS, key=lambda kind: kind.type.lower())),
        "## What a subscription tells",
        _subscription(),
        "## Every call and every body",
        _rules(),
        "## Behaviour that is refused",
        *_refusals(),
        "## Beside Azure Resource Manager",
        _routes(),
        "## Not checked",
        _bullets(rules.UNCHECKED),
        "## Differs from Azure",
        _bullets(rules.DIFFERENCES),
    ]
    return "\n\n".join(parts) + "\n"


def _kind(kind: type[Kind]) -> str:
    body = bodies.BODIES.get(kind.type)
    known = versions.supported(kind.type)
    lines = [
        f"### {kind.type}",
        "",
        inspect.cleandoc(kind.__doc__ or "").replace("\n", " "),
        "",
        f"- Operations: {', '.join(_operations(kind))}",
    ]
    if known:
        lines.append(f"- API versions: {len(known)}, {min(known)} to {max(known)}")
    if body is not None:
        shape = bodies.put_shape(kind.type)
        lines.append(f"- PUT body: {body.source}")
        lines.append(f"- Required: {', '.join(f'`{name}`' for name in required_by_model(shape)) or 'nothing'}")
    elif not kind.virtual:
        lines.append("- PUT body: not checked")
    for (owner, action), posted in bodies.ACTIONS.items():
        if owner == kind.type:
            lines.append(f"- Body of `{action}`: {posted.source}")
    if refused := sorted(set(_codes(kind))):
        lines.append(f"- Refuses: {', '.join(f'`{code}`' for code in refused)}")
    return "\n".join(lines)


def _operations(kind: type[Kind]) -> Iterator[str]:
    yield from ("GET", "LIST")
    if not kind.virtual:
        yield from ("PUT, long-running" if kind.asynchronous else "PUT", "PATCH")
    yield "DELETE keeps the name until a purge" if kind.soft_deleted else "DELETE"
    for action in dict.fromkeys(_actions(kind)):
        yield f"POST `{action}`"


def _own_methods(kind: type[Kind]) -> Iterator[ast.FunctionDef]:
    """The methods that a kind and its ancestors below ``Kind`` define, as syntax."""
    for owner in kind.__mro__:
        if owner is Kind or not issubclass(owner, Kind):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _actions(kind: type[Kind]) -> Iterator[str]:
    """The texts that ``act`` compares its action with."""
    for method in _own_methods(kind):
        if method.name != "act":
            continue
        for node in ast.walk(method):
            if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == "action":
                yield from (
                    inner.value
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
                )


def _codes(kind: type[Kind]) -> Iterator[str]:
    """The error codes that a kind's methods name."""
    for method in _own_methods(kind):
        for node in ast.walk(method):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            name = node.func.id
            if name in SHORTHANDS:
                yield SHORTHANDS[name]
            at = REFUSING.get(name)
            if at is not None and len(node.args) > at and isinstance(node.args[at], ast.Constant):
                yield str(ast.literal_eval(node.args[at]))


def _subscription() -> str:
    """What ``emulator/manager/subscription.py`` answers beside the types."""
    from emulator.manager import subscription
    from emulator.subscription import availability

    storeless: Any = SimpleNamespace(store=None)
    names = sorted(f"{kind.split('/')[0]}/{call}" for (_, call), (kind, _) in availability.QUESTIONS.items())
    lists = sorted(subscription.Subscription(storeless)._lists)
    quota = "Microsoft.Quota/quotas"
    return "\n\n".join(
        (
            inspect.cleandoc(subscription.__doc__ or ""),
            _bullets(
                (
                    "GET of the subscription, of `/providers` and of one provider; POST `register`",
                    f"POST {', '.join(f'`{kind}`' for kind in names)}: whether a name is free, of this subscription "
                    "and of the admin setting `taken-names`",
                    f"LIST: {', '.join(f'`{name}`' for name in lists)}",
                    f"GET and PUT of `{quota}`, long-running; PUT body: {bodies.BODIES[quota].source}",
                )
            ),
        )
    )


def _rules() -> str:
    rows = [
        (rule.text, f"{rule.status} {rule.code}", rule.known.name, _test(rule.refused), _test(rule.allowed))
        for rule in rules.RULES
    ]
    return _table(("refused", "answer", "known", "shown by", "the way through"), rows)


def _refusals() -> Iterator[str]:
    """The table of ``emulator/refusals.py``, by area."""
    yield (
        "Every row has two tests, `test_refused[name]` and `test_way_through[name]`. *Later*: the call is accepted, "
        "and its operation or job fails."
    )
    for area, rows in itertools.groupby(REFUSALS, key=lambda row: row.area):
        head = ("name", "refused", "answer", "known", "not proven of it")
        cells = [
            (
                f"`{row.name}`",
                row.rule,
                f"{row.status or 'later'} {row.code}".strip(),
                row.known.name,
                row.unproven or ("all" if row.known is Known.U else ""),
            )
            for row in rows
        ]
        yield f"### {area.capitalize()}: `tests/contract/test_refusals_{area}.py`\n\n{_table(head, cells)}"


def _test(name: str) -> str:
    file, _, function = name.rpartition("::")
    return f"`{Path(file).name}` {function}" if file else f"`{function}`"


def _routes() -> str:
    """Routes of the other host names, from the web applications and the patterns they match."""
    from emulator import registry
    from emulator.access import entra
    from emulator.dataplane import files, flows, history, scoring, vault
    from emulator.front import admin

    nothing: Any = None
    rows = [("`login.microsoftonline.com`", _names(entra.application(nothing).routes), _about(entra))]
    rows.append(
        (
            "`<region>.api.azureml.ms`",
            "<br>".join(["`/discovery`", *(f"`{_readable(each)}`" for each in _patterns(history))]),
            _about(history),
        )
    )
    rows.append(("same host", "<br>".join(f"`{_readable(each)}`" for each in _patterns(flows)), _about(flows)))
    rows.append(("same host, `/registries/…`", "`GET` of components and models", _about(registry)))
    rows.append(
        (
            "`<endpoint>.<region>.inference.ml.azure.com`",
            _names(scoring.application(nothing, nothing).routes),
            _about(scoring),
        )
    )
    rows.append(("`<vault>.vault.azure.net`", f"`{_readable(vault.KEY)}`", _about(vault)))
    settings = "<br>".join(f"`/admin/{name}`" for name in sorted(admin.SETTINGS))
    rows.append(("`127.0.0.1`", f"`/health`<br>{settings}", _about(admin)))
    rows.append(("`<account>.file.core.windows.net`", _names(files.application(nothing).routes), _about(files)))
    rows.append(("`*.blob.core.windows.net`", "everything", "Answered by Azurite, with the account's real key."))
    return _table(("host", "paths", "what it is"), rows)


def _names(routes: Iterable[Any]) -> str:
    return "<br>".join(f"`{route.path}`" for route in routes)


def _patterns(module: ModuleType) -> Iterator[re.Pattern[str]]:
    return (each for each in vars(module).values() if isinstance(each, re.Pattern) and each.pattern.startswith("/"))


def _readable(pattern: re.Pattern[str]) -> str:
    text = pattern.pattern
    while (shorter := ROUTE_GROUP.sub(lambda match: f"{{{match[1]}}}", text)) != text:
        text = shorter
    return text.removesuffix("$").replace("\\.", ".").replace("|", " or ")


def _about(module: ModuleType) -> str:
    return inspect.cleandoc(module.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
