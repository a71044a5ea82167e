"""Texts to which a chat template has been applied: the messages that were put into it."""

from __future__ import annotations

import re
from typing import Any

from data_prep.row.chat import role_of

_AROUND = re.compile(r"(?:\s|</?s>|<\|(?:endoftext|begin_of_text|endofprompt|end_of_text)\|>|<(?:bos|eos|pad)>)*")
"""What stands between messages and is none of their words."""

_MARKED = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"<\|im_start\|>(\w+)(?:<\|im_sep\|>|\n)(.*?)(?:<\|im_end\|>|\Z)",  # ChatML, Phi-4
        r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\s*(.*?)(?:<\|eot_id\|>|\Z)",  # Llama 3
        r"<start_of_turn>(\w+)\n(.*?)(?:<end_of_turn>|\Z)",  # Gemma
        r"<\|(system|user|assistant|tool)\|>\n?(.*?)(?:<\|end\|>|</s>|<\|endoftext\|>|\Z)",  # Phi-3, Phi-4-mini, Zephyr
    )
)
# The blanks around a text are taken off afterwards: a pattern for them would try each division of a long row of them.
_LLAMA_2 = re.compile(r"\[INST\](?:\s*<<SYS>>(.*?)<</SYS>>)?(.*?)\[/INST\](.*?)(?:</s>|(?=<s>|\[INST\])|\Z)", re.DOTALL)
_LABEL = re.compile(
    r"(?:(?:^|\n)[ \t]*(?:#{2,3} *)?|#{2,3} +)(Human|Assistant|User|Instruction|Input|Response|System|GPT|Bot|AI|USER"
    r"|ASSISTANT|SYSTEM|Question|Answer):[ \t]*|(?<=\S) (ASSISTANT|USER):[ ]"
)
_PREAMBLE = re.compile(
    r"Below is an instruction that describes a task.*?appropriately completes the request\.", re.DOTALL
)
_LABELS = {"response": "assistant", "input": "user"}
_OPEN = re.compile(
    r"(?:(?:\A|\n)[ \t]*(?:#{2,3} *(?:Response|Assistant)|Assistant):| ASSISTANT:|<\|assistant\|>|\[/INST\]"
    r"|<\|im_start\|>assistant(?:<\|im_sep\|>|\n)|<start_of_turn>model\n|assistant<\|end_header_id\|>)\s*\Z"
)
"""Where a template has the answer begin."""
_BEFORE = 1000  # characters that a template says of its own before the first message

_HERE = "\0"
"""Stands for an answer while its prompt is read."""
_ENDS = ("</s>", "<|im_end|>", "<|end|>", "<|eot_id|>", "<|endoftext|>", "<end_of_turn>")


def untemplated(text: str) -> list[dict[str, Any]] | None:
    """The messages of a text in a template that is known; None where it is in none."""
    for pattern in _MARKED:
        found = list(pattern.finditer(text))
        if found and _whole(text, [match.span() for match in found]):
            return [{"content": match[2].strip(), "role": role_of(match[1])} for match in found]
    found = list(_LLAMA_2.finditer(text))
    if found and _whole(text, [match.span() for match in found]):
        return _llama_2(found)
    return _labelled(text)


def opened(prompt: str, answer: str) -> list[dict[str, Any]] | None:
    """The messages of a prompt that ends where a known template has the answer begin; None for any other prompt.

    ``Question: …`` and ``Answer:`` are left as they are: they may be words of a prompt that is written so on purpose.
    """
    # The answer is a text by itself, whatever labels stand in it.
    found = untemplated(f"{prompt} {_HERE}") if _OPEN.search(prompt) else None
    if not found or len(found) < 2 or found[-1] != {"content": _HERE, "role": "assistant"}:
        return None
    return [*found[:-1], {"content": _ended(answer), "role": "assistant"}]


def _ended(answer: str) -> str:
    """An answer without the marks at its end and the blanks around it, in a time that grows with its length alone."""
    end = len(answer)
    while end:
        if answer[end - 1].isspace():
            end -= 1
        elif (mark := next((mark for mark in _ENDS if answer.endswith(mark, 0, end)), None)) is not None:
            end -= len(mark)
        else:
            break
    return answer[:end].strip()


def _whole(text: str, spans: list[tuple[int, int]]) -> bool:
    """Whether nothing is said outside of the messages."""
    at = 0
    for start, end in spans:
        if not _AROUND.fullmatch(text, at, start):
            return False
        at = end
    return _AROUND.fullmatch(text, at) is not None


def _llama_2(found: list[re.Match[str]]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for match in found:
        system, asked, answer = (text.strip() for text in match.groups(default=""))
        if system:
            messages.append({"content": system, "role": "system"})
        messages.append({"content": asked, "role": "user"})
        if answer:
            messages.append({"content": answer, "role": "assistant"})
    return messages


def _labelled(text: str) -> list[dict[str, Any]] | None:
    """``Human: … Assistant: …`` and ``### Instruction: … ### Response: …``; what stands before is the system's."""
    found = list(_LABEL.finditer(text))
    if len(found) < 2:
        return None
    messages: list[dict[str, Any]] = []
    before = _PREAMBLE.sub("", text[: found[0].start()]).strip()
    ends = [*(match.start() for match in found[1:]), len(text)]
    for match, end in zip(found, ends, strict=True):
        label = (match[1] or match[2]).casefold()
        said = text[match.end() : end].removesuffix("</s>").strip()
        role = _LABELS.get(label, role_of(label))
        if label == "input" and messages and messages[-1]["role"] == "user":
            messages[-1]["content"] += f"\n\n{said}" if said else ""
        else:
            messages.append({"content": said, "role": role})
    if messages[-1]["role"] != "assistant" or len(before) > _BEFORE:
        return None
    if before:
        messages.insert(0, {"content": before, "role": "system"})
    return messages
