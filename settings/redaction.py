"""What keeps secrets out of all that people read: texts of Azure's, of libraries and of jobs pass through here.

A secret is told by what stands before it or by its own form. Where that is not certain, a text that is no secret may
lose a word; a sentence of the program itself never does (tests/unit/test_jobs_redaction.py).
"""

from __future__ import annotations

import re

_QUOTE = r"(?:\\*[\"']|\\*u0022|%22|&quot;)"  # as it is, or as JSON, .NET, an address or a page writes it
_NAME = r"(?:key\d?|secret|password|token)"
_PAIRED = r"(?:(?:(?<![a-z_])|(?<=3F))(?:sig|code)|signature|key|secret|password|token)"
_VALUE = r"(?:(?!(?P=quote))(?:\\.|.))+"
_WORD = r"[\w+/=~.-]"

RULES = {
    # sig=… of a SAS, AccountKey=… of a connection string, client_secret=… of a form.
    "pair": rf"({_PAIRED}(?:=|\\u003d))(?:[^&\s\"'\\]|\\(?![\"']|u002[267]))+",
    "encoded pair": rf"({_PAIRED}%(?:25)*3D)(?:(?!%(?:25)*26)[^&\s\"'])+",
    "JSON": rf"({_NAME}(?:{_QUOTE}\s*:|=)\s*(?P<quote>{_QUOTE})){_VALUE}",
    # Azure's answer to listKeys of a storage account.
    "listed": rf"(keyName{_QUOTE}[^}}]{{,60}}?value{_QUOTE}\s*:\s*(?P<quote>{_QUOTE})){_VALUE}",
    # A header or a line of YAML; a shorter word, or one without a digit, is more likely a name.
    "line": rf"({_NAME}\s*:\s*)(?={_WORD}*\d){_WORD}{{20,}}",
    "header": r"(authorization[\"']?\s*[:=]\s*[\"']?(?:basic|sharedkey(?:lite)?)\s+)[^\s\"',]+",
    "bearer": rf"(bearer\s+)(?!(?:token|auth|authentication|authorization|authorization_uri|realm|scheme)\b){_WORD}+",
    "shared key": r"(sharedkey(?:lite)?\s+[\w-]+:)[\w+/=]+",
    "address": r"(://[^/\s:@\"']*:)[^/\s@\"']+(?=@)",
    # Forms that need no word before them: tokens of Entra ID, keys of Azure, of Hugging Face, GitHub and Pulumi.
    "JWT": r"(\b)eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*){0,3}",
    "Azure key": r"(?<![\w+/-])()(?:[a-z0-9+/]{86}==|[a-z0-9]{52}JQQJ9[9DH][a-z0-9]{26}(?:[a-z0-9]{2}==)?)",
    "access token": r"(\b)(?:hf_\w{30,}|gh[pousr]_\w{30,}|github_pat_\w{30,}|pul-[0-9a-f]{40})",
    "private key": r"()-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END).)+",
}
"""What it tells a secret by → the expression: what stays, and then the secret."""
_COMPILED = [re.compile(rule, re.IGNORECASE | re.DOTALL) for rule in RULES.values()]
_NAMED = re.compile(rf"{_NAME}$", re.IGNORECASE)


def redact(text: str) -> str:
    """``text`` with ``***`` for every key, password, token and signature in it."""
    for rule in _COMPILED:
        text = rule.sub(r"\1***", text)
    return text


def redact_named(name: str, value: str) -> str:
    """``value`` as text, or ``***`` where its ``name`` says that it is secret."""
    return "***" if _NAMED.search(name) else redact(value)
