"""python -m jobs download: the model in service, or another version, with its card, on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from cloud.errors import StageError
from jobs.console import interruptible

ORDER = 16
HELP = "brings a version of the model and its card home, and goes on where it was interrupted"
GGUF = "llama.cpp's converter is in no package: `gguf` of PyPI reads and writes the format and converts no model"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--version chooses another one than that in service, --to another folder."""
    parser.add_argument("--version", metavar="NUMBER", default="", help="default: the one in service, else the newest")
    parser.add_argument("--to", metavar="FOLDER", type=Path, help="default: models/NAME-NUMBER")
    parser.add_argument("--gguf", action="store_true", help="says how to make a GGUF file of it; nothing is converted")


def run(chosen: argparse.Namespace) -> None:
    """Prints each file, and where all of them are in the end."""
    from cloud.services.prices import PriceBook
    from jobs.card import fetch, files, gather
    from jobs.card.version import chosen as version_of
    from jobs.in_service import StackEndpoint
    from jobs.status.stack import Stack

    here = StackEndpoint.described(chosen.stack)
    version = version_of(here, chosen.version)
    folder = chosen.to or Path("models") / f"{here.model}-{version.version}"
    if chosen.gguf:
        raise StageError(
            "a model is not converted to GGUF here",
            on=f"model {here.model}:{version.version}",
            why=GGUF,
            todo=f"Download it without --gguf, then in a clone of ggml-org/llama.cpp: `python convert_hf_to_gguf.py "
            f"{folder}/data/model --outfile {here.model}.gguf` (its tokenizer is in {folder}/data/tokenizer: copy it "
            "beside the weights first).",
        )
    with interruptible() as stop:
        found = fetch.fetch(here, version, folder, print, stop)
    book = PriceBook.of_stack(chosen.stack)
    files.write(gather.card(Stack.of(chosen.stack), version, book), folder)
    book.close()
    print(f"{here.model}:{version.version} is in {folder}: {found}; {fetch.SUMS} has the digests, card.md what it is")
