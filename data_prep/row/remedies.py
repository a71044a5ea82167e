"""What to do about each kind of problem that a row may have; one sentence for all rows of the kind."""

from __future__ import annotations

from collections.abc import Mapping

_COLUMN = "name the part it is (data.columns: {COLUMN: question}), or list it in data.ignore to do without it"

REMEDIES: Mapping[str, str] = {
    "messages-missing": "name the columns that hold question and answer (data.columns: {COLUMN: question, …})",
    "tools": "take the calls out of these conversations, or leave the rows out (data.badRows: skip)",
    "tools-unclear": "mend these rows, or leave them out (data.badRows: skip)",
    "tool-result": "leave these rows out (data.badRows: skip), or end each before its first answer of a tool "
    "(badRows: repair with drop-results among repairs)",
    "weight": "leave these rows out (data.badRows: skip), or end each before its first answer of weight 0 "
    "(badRows: repair with drop-unlearnt among repairs)",
    "picture": "leave these rows out (data.badRows: skip)",
    "role-unknown": "name the roles user, assistant and system",
    "role-missing": "give each message a role: user, assistant or system",
    "control": "have them taken out (data.badRows: repair)",
    "content-empty": "have empty messages left out (data.badRows: repair)",
    "order": "have neighbours of one role joined and answers before the first question left out (data.badRows: repair)",
    "last": "have questions after the last answer left out (data.badRows: repair)",
    "mark": "have them taken out (badRows: repair with marks among repairs)",
    "context": "leave these rows out (data.badRows: skip), or shorten them",
    "utf8": "save the file as UTF-8",
    "column-label": "say that it marks good answers (data.columns: {label: label}), or list it in data.ignore",
    **dict.fromkeys(
        (f"column-{part}" for part in ("system", "context", "question", "answer", "history", "weight")), _COLUMN
    ),
    "column-tools": "leave these rows out (data.badRows: skip), or list it in data.ignore to learn the texts alone",
    "column-picture": "leave these rows out (data.badRows: skip), or list it in data.ignore to learn the texts alone",
}
"""Short name of a rule → its remedy. Rules without one say themselves what is wanted."""
