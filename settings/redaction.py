"""What keeps secrets out of all that people read: texts of Azure's, of libraries and of jobs pass through here.

A secret is told by what stands before it or by its own form. Where that is not certain, a text that is no secret may
lose a word; a sentence of the program itself never does (tests/unit/test_jobs_redaction.py). Control characters go
first: within a secret they would hide it from the rules.

The rules are looked for in the text's lower case, and begin with what can be searched for at once; none takes more than
a time in proportion to the text, whatever it is made of.
"""

from __future__ import annotations

import re

from settings.plain_text import plain

_QUOTE = r"(?:\\{0,8}[\"']|\\{0,8}u0022|%22|&quot;)"  # as it is, or as JSON, .NET, an address or a page writes it
_PASSWORD = r"password|passphrase|passwd"  # noqa: S105 - the words
_NAME = rf"(?:key\d?|secret|credential|token|{_PASSWORD})"
# A code is a secret of an address or a form; in a sentence (`Code=AuthorizationFailed`, `exit code=1`) it is none.
_SHORT = r"sig(?:(?<![a-z_]...)|(?<=3f...))|code(?:(?<=[?&;\"'].{4})|(?<!.....)|(?<=(?:3f|26)....))"
_PAIRED = rf"(?:{_SHORT}|signature|key|secret|credential|token|{_PASSWORD})"
_VALUE = r"(?:(?!(?P=quote))(?:\\.|.))+"
_WORD = r"[\w+/=~.-]"
_TYPED = r"[^\s\"'<>`|]"

RULES = {
    # sig=… of a SAS, AccountKey=… of a connection string, client_secret=… of a form.
    "pair": rf"({_PAIRED}(?:=|\\u003d))(?!\.\.\.|true\b|false\b)(?:[^&\s\"'\\]|\\(?![\"']|u002[267]))+",
    "spaced pair": rf"({_NAME}(?: {{1,3}}= {{0,3}}|= {{1,3}}))(?={_WORD}*\d){_WORD}{{12,}}",
    "encoded pair": rf"({_PAIRED}%(?:25)*3d)(?:(?!%(?:25)*26)[^&\s\"'])+",
    "option": rf"(--(?:[a-z0-9]{{1,20}}-){{0,4}}{_NAME} {{1,3}})(?={_TYPED}{{0,200}}\d)(?!-){_TYPED}{{6,}}",
    "XML": rf"(<(?:\w{{1,20}}:)?\w{{0,40}}?{_NAME}>)[^<\s][^<]*",
    "JSON": rf"({_NAME}(?:{_QUOTE}\s*:|=)\s*(?P<quote>{_QUOTE})){_VALUE}",
    # Azure's answer to listKeys of a storage account, whichever member comes first.
    "listed": rf"(keyname{_QUOTE}[^}}]{{,60}}?value{_QUOTE}\s*:\s*(?P<quote>{_QUOTE})){_VALUE}",
    "listed before": rf"(value{_QUOTE}\s{{0,4}}:\s{{0,4}}{_QUOTE})[\w+/=]{{20,200}}(?={_QUOTE}[^}}]{{0,60}}keyname)",
    # A header or a line of YAML; a shorter word, or one without a digit, is more likely a name, but for a password.
    "line": rf"({_NAME}\s*:\s*)(?={_WORD}*\d){_WORD}{{20,}}",
    "password": rf"((?:{_PASSWORD})\s{{0,4}}:\s{{0,4}})(?={_TYPED}{{0,200}}\d){_TYPED}{{8,}}",
    # Of a connection string; a path is where somebody works.
    "pwd": r"(pwd(?<![a-z_]pwd)\s{0,2}[=:]\s{0,2})(?![/~.$])[^&\s\"';<>`]{6,}",
    "header": r"(authorization[\"']?\s*[:=]\s*[\"']?(?:basic|sharedkey(?:lite)?)\s+)[^\s\"',]+",
    "bearer": rf"(bearer\s+)(?!(?:token|auth|authentication|authorization|authorization_uri|realm|scheme)\b){_WORD}+",
    "shared key": r"(sharedkey(?:lite)?\s+[\w-]+:)[\w+/=]+",
    "address": r"(://[^/\s:@\"']*:)[^/\s@\"']+(?=@)",
    "address of one": r"(://)[^/\s:@\"'<>]{16,}(?=@)",
    # Forms that need no word before them: tokens of Entra ID, keys of Azure, and of whoever marks them as its own.
    "JWT": r"eyj(?<![\w-]eyj)[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*){0,3}",
    "storage key": r"(?<![\w+/-])[a-z0-9+/]{86}==",
    "Azure key": r"(?<![\w+/-])[a-z0-9]{52}jqqj9[9dh][a-z0-9]{26}(?:[a-z0-9]{2}==)?",
    "Entra secret": r"(?<![\w~.-])[\w~.-]{3}\dq~[\w~.-]{31,34}(?![\w~.-])",
    "Hugging Face": r"hf_(?<!\whf_)\w{30,}",
    "GitHub": r"g(?:h[pousr]_\w{30,}|ithub_pat_\w{30,}|lpat-[\w-]{20,})",
    "Pulumi": r"pul-(?<!\wpul-)[0-9a-f]{40}",
    "API key": r"sk[_-](?<!\wsk.)(?:(?:proj|ant|live|test)[_-])?[\w-]{32,}",
    "AWS": r"a(?:kia|sia)(?<!\w....)[0-9a-z]{16}(?!\w)",
    "Google": r"aiza(?<!\waiza)[\w-]{35}",
    "Slack": r"xox[abeoprs]-[\w-]{20,}",
    "package index": r"(?:npm_\w{36}|dckr_pat_[\w-]{20,}|pypi-[\w-]{50,})",
    "private key": r"-----begin [a-z ]*private key-----(?:(?!-----end).)+",
}
"""What it tells a secret by → the expression: what stays, if anything, and then the secret."""
_NEEDED = {
    "=": ("spaced pair",),
    "==": ("storage key",),
    "3d": ("encoded pair",),
    "--": ("option",),
    ">": ("XML",),
    ":": ("line", "password"),
    "@": ("address", "address of one"),
    "keyname": ("listed", "listed before"),
    "authorization": ("header",),
    "jqqj9": ("Azure key",),
    "q~": ("Entra secret",),
}
"""What a text has to hold for these rules to be looked for."""
_COMPILED = [
    (next((each for each, rules in _NEEDED.items() if name in rules), ""), re.compile(rule, re.DOTALL))
    for name, rule in RULES.items()
]
# A name's words, of camelCase, snake_case or a path: `storageAccountKey2` says key, `keyVault` and `tokenizer` do not.
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = frozenset(
    ("key", "keys", "secret", "secrets", "password", "passwords", "passphrase", "passwd", "pwd", "token", "credential",
     "credentials", "sas", "signature", "apikey", "accesskey")
)  # fmt: skip
_SECRET_PAIRS = frozenset(
    ("connectionstring", "connectionstrings", "sasuri", "sasurl", "accesstokens", "instrumentationkey")
)
_PUBLIC = frozenset(("publickey", "publickeys"))
_BESIDE = frozenset(("uri", "url", "value", "values", "string", "hash", "data"))
"""Words after which it still is one: sasTokenUri, secretValue. The address of a key is none."""


def redact(text: str) -> str:
    """``text`` with ``***`` for every key, password, token and signature in it."""
    text = plain(text)
    lowered = _lowered(text)
    for needed, rule in _COMPILED:
        if needed not in lowered:
            continue
        parts: list[str] = []
        at = 0
        for found in rule.finditer(lowered):
            parts += (text[at : found.end(1) if rule.groups else found.start()], "***")
            at = found.end()
        if parts:
            text = "".join((*parts, text[at:]))
            lowered = _lowered(text)
    return text


def _lowered(text: str) -> str:
    """In lower case, every character in its place."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(each.lower()[:1] or each for each in text)


def is_secret_name(name: str) -> bool:
    """Whether a property's name, the last part of a path, says that its value is secret."""
    words = [word.lower() for word in _WORDS.findall(name) if not word.isdigit()]
    if "".join(words[-2:]) in _SECRET_PAIRS:
        return True
    if len(words) > 1 and words[-1] in _BESIDE:
        address = words.pop() in ("uri", "url")
        if address and words[-1] in ("key", "keys", "secret", "secrets"):
            return False
    return bool(words) and words[-1] in _SECRET_WORDS and "".join(words[-2:]) not in _PUBLIC


def redact_named(name: str, value: str) -> str:
    """``value`` as text, or ``***`` where its ``name`` says that it is secret."""
    return "***" if is_secret_name(re.split(r"[.:\]]", name)[-1]) else redact(value)
