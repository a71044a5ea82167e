"""Writes docs/policies-crosswalk.md: which policy does the work of which rule elsewhere."""

from __future__ import annotations

from pathlib import Path

from policy.pack import RULES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "policies-crosswalk.md"
_PART = "in part: "
_SOURCES = (
    ("Checkov", ("CKV",)),
    ("PSRule for Azure", ("Azure.",)),
    ("Azure's built-in policies", ("Azure Policy ",)),
    ("Microsoft cloud security benchmark, v2 (preview)", ("Microsoft cloud security benchmark",)),
)
HEAD = """\
# Policies and rules elsewhere

Who has to show that a control of Checkov, PSRule for Azure, Azure Policy or the cloud security benchmark is kept finds
here which of [this project's policies](policies.md) keeps it. *In part* says that the policy asks for a reason, or for
one of several things the other rule asks for. A rule that is not here is kept by none of them.

Each policy's name stays as it is for ever: configurations and exceptions name it. What it covers stands beside it in
`policy/rules/`, and this page is made from there by `make diagram`.
"""


def page() -> str:
    """The text of the page."""
    rows = sorted(
        ((covered.removeprefix(_PART), covered.startswith(_PART), rule) for rule in RULES for covered in rule.covers),
        key=lambda row: (row[0], row[2].name),
    )
    parts = [HEAD]
    for source, beginnings in _SOURCES:
        parts.append(f"\n## {source}\n\n| rule | policy | severity | how far |\n|---|---|---|---|\n")
        for covered, part, rule in rows:
            if covered.startswith(beginnings):
                severity = rule.severity.value if rule.severity else ""
                link = f"[{rule.name}](policies.md#{rule.name})"
                parts.append(f"| {covered} | {link} | {severity} | {'in part' if part else 'as far'} |\n")
    frameworks = sorted(
        {(f"{found.name} {found.version or ''}".strip(), str(found.reference), rule.name)
         for rule in RULES if (found := rule.framework)}
    )  # fmt: skip
    parts.append("\n## Controls of frameworks\n\n| framework | control | policies |\n|---|---|---|\n")
    for framework, control in dict.fromkeys(row[:2] for row in frameworks):
        names = [
            f"[{name}](policies.md#{name})" for one, other, name in frameworks if (one, other) == (framework, control)
        ]
        parts.append(f"| {framework} | {control} | {', '.join(names)} |\n")
    return "".join(parts)
