"""python -m review.pages.comment FOLDER: the reviews of all environments as one comment that GitHub takes.

Needs nothing but Python. The reports come from jobs that run a pull request's own code, so none of them is believed
more than its own words: the verdicts of all stand first, where no report can hide them; each report is cut on its own,
and what it leaves open (a fence, a fold, a comment) ends with it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

MARKER = "<!-- review of every environment -->"
LONGEST = 65_000
"""Bytes; GitHub refuses a comment of more than 65,536 characters."""
NONE = "No review could be made: see the checks of this pull request."
CUT = "(Cut here: the whole report is an artifact of this run.)"
UNREADABLE = "its report has no verdict"

_VERDICT = re.compile(r"(?:## )?Stack (?P<stack>[\w-]+): (?P<verdict>[^\n]*)")
_PROSE = re.compile(r"[^\w ,.;'()%-]+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_FOLDS = re.compile(r"</?(?:details|summary)>")


def comment(reports: dict[str, str]) -> str:
    """The comment for reports by the name of their folder, verdicts first."""
    if not reports:
        return f"{MARKER}\n{NONE}\n"
    verdicts = "\n".join(f"- {_verdict(name, text)}" for name, text in reports.items())
    head = f"{MARKER}\n{verdicts}\n"
    most = (LONGEST - len(head.encode())) // len(reports) - 1
    return head + "".join(f"\n{_sealed(text, most)}" for text in reports.values())


def _verdict(name: str, text: str) -> str:
    found = _VERDICT.match(text)
    if found is None:
        return f"**{_PROSE.sub(' ', name)[:80]}**: {UNREADABLE}"
    return f"**{found['stack'][:80]}**: {' '.join(_PROSE.sub(' ', found['verdict']).split())[:200]}"


def _sealed(text: str, most: int) -> str:
    """At most so many bytes of a report, whole lines, with everything that it opened closed again."""
    end = f"\n~~~~\n</details>\n\n{CUT}\n"
    lines, room, fence, open_folds = [], most - len(end.encode()), "", 0
    cut = False
    for line in _lines(text):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif mark:
            fence = mark[1]
        else:
            line, open_folds = _folded(line, open_folds)
        room -= len(line.encode()) + 1 + (len("</details>\n") if open_folds else 0)
        if room < len(fence):
            cut = True
            break
        lines.append(line)
    if fence:
        lines.append(fence)
    lines += ["</details>"] * open_folds
    return "\n".join([*lines, *(["", CUT] if cut else []), ""])


def _lines(text: str) -> Iterator[str]:
    return (line.rstrip("\r") for line in text.rstrip("\n").split("\n"))


def _folded(line: str, open_folds: int) -> tuple[str, int]:
    """A line of text with the folds of a review alone, at most one open; all other HTML is shown as it is written."""
    parts: list[str] = []
    at = 0
    for found in _FOLDS.finditer(line):
        parts.append(line[at : found.start()].replace("<", "&lt;"))
        at = found.end()
        if found[0] == "<details>":
            fits, open_folds = open_folds == 0, 1
        elif found[0] == "</details>":
            fits, open_folds = open_folds == 1, 0
        else:
            fits = line.count("<summary>") == line.count("</summary>")
        parts.append(found[0] if fits else found[0].replace("<", "&lt;"))
    parts.append(line[at:].replace("<", "&lt;"))
    return "".join(parts), open_folds


def main(arguments: list[str]) -> None:
    """Prints the comment for the reports in a folder's folders."""
    found = sorted(Path(arguments[0]).glob("*/report.md"))
    print(comment({path.parent.name: path.read_text("utf-8", "replace") for path in found}), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
