"""python -m jobs card: what is known of a version of the model, as a page, and where others look for it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jobs.console import json_option

ORDER = 15
HELP = "the card of a version of the model: data, recipe, curves, evaluation, cost, limits, licences"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--every takes all versions, --publish writes cards into the workspace, too."""
    json_option(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", metavar="NUMBER", default="", help="default: the one in service, else the newest")
    which.add_argument("--every", action="store_true", help="all versions of the model, a card each")
    parser.add_argument(
        "--publish", action="store_true", help="also as the version's description and tags, and beside its files"
    )


def run(chosen: argparse.Namespace) -> None:
    """Prints it, and writes Markdown, page, JSON and curves to .evaluation/."""
    from cloud.services.prices import PriceBook
    from jobs.card import files, gather, publish
    from jobs.card.version import chosen as version_of
    from jobs.console import show
    from jobs.in_service import StackEndpoint
    from jobs.status.stack import Stack

    here = StackEndpoint.described(chosen.stack)
    if chosen.publish and here.settings.model.promote.stack:
        raise publish.refuse_taken(here.stack, here.settings.model.promote.stack)
    book, subject = PriceBook.of_stack(chosen.stack), Stack.of(chosen.stack)
    cards = []
    for version in (chosen.every and here.versions) or [version_of(here, chosen.version)]:
        card = gather.card(subject, version, book)
        cards.append(card)
        written = files.write(card, Path(".evaluation") / here.stack / f"card-{card.version}")
        if not chosen.json:
            print(files.markdown(card, []))
        print("Written: " + ", ".join(str(path) for path in written), file=sys.stderr)
        if chosen.publish:
            print(f"Published: {publish.publish(here.target, card)}", file=sys.stderr)
    book.close()
    if chosen.json:
        show([card.to_json() for card in cards] if chosen.every else cards[0].to_json())
