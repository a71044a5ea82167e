"""python -m jobs preflight: the checks that `pulumi up` begins with, on their own."""

from __future__ import annotations

import argparse
import sys

from jobs.console import json_option, show

ORDER = 5
HELP = "what Azure would refuse, before anything is made"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--json alone."""
    json_option(parser)


def run(chosen: argparse.Namespace) -> None:
    """Exits with 1 when anything is refused."""
    from cloud.arm import Arm
    from jobs import specs
    from jobs.preflight import findings, grants, limits, memory, run
    from settings.stack import load

    spec, settings = specs.preflight_of(chosen.stack), load(chosen.stack)
    found = [*run.check(spec), *memory.fits(settings), *limits.told(settings)]
    refused = run.refuses(found)
    if chosen.json:
        show({"stack": chosen.stack, "refused": refused, "findings": [finding.to_json() for finding in found]})
    else:
        show(findings.table(found, f"Preflight of stack {chosen.stack}, subscription {spec.subscription_id}"))
        if absent := grants.missing(Arm(), (*spec.grants, *spec.team)):
            print("Assignments that others have to make, as az lines, then as Bicep:")
            print("\n".join(grants.az_lines(absent)))
            print(grants.bicep(absent))
    if refused:
        sys.exit(1)
