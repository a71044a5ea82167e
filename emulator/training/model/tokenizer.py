"""Byte-level BPE and the chat template, both of the base model: fine-tuning never changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

# Phi-4-mini's own names for these.
PAD, END = "<|endoftext|>", "<|end|>"
ROLES = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}
TEXT_DIRECTORY = Path(__file__).parent / "text"


class Message(TypedDict):
    """One turn of a conversation."""

    role: str
    content: str


def train_tokenizer(texts: Sequence[str], vocabulary: int) -> Tokenizer:
    """A byte-level BPE tokenizer of at most `vocabulary` tokens, the same for the same texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        show_progress=False,
        special_tokens=[PAD, END, *ROLES.values()],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def read_texts() -> tuple[str, str]:
    """The general English that ships with the emulator: (prose, lists of common words)."""
    return (
        (TEXT_DIRECTORY / "prose.txt").read_text(encoding="utf-8"),
        (TEXT_DIRECTORY / "words.txt").read_text(encoding="utf-8"),
    )


class ChatTokenizer:
    """Conversations to token ids and back: `<|user|>question<|end|><|assistant|>answer<|end|>`."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.size: int = tokenizer.get_vocab_size()
        self.pad = self._id(PAD)
        self.end = self._id(END)
        self._roles = {role: self._id(token) for role, token in ROLES.items()}

    @classmethod
    def load(cls, path: Path) -> ChatTokenizer:
        """Read a `tokenizer.json`."""
        return cls(Tokenizer.from_file(str(path)))

    def save(self, path: Path) -> None:
        """Write `tokenizer.json`."""
        self._tokenizer.save(str(path))

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text; role tokens written in the text are not special."""
        # Without this a user could close his own turn by typing <|end|>.
        return list(self._tokenizer.encode(text.replace("<|", "< |"), add_special_tokens=False).ids)

    def template(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Token ids of a whole conversation as the component encodes it: marks inside a text are marks, too."""
        text = "".join(f"<|{message['role']}|>{message['content'].strip()}{END}" for message in messages)
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def role(self, name: str) -> int:
        """The token before what this role says."""
        return self._roles[name]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids, without special tokens."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def conversation(self, messages: Sequence[Message], window: int) -> tuple[list[int], list[bool]]:
        """Token ids of a whole conversation, at most `window`, and which of them count in the loss.

        Those are the assistant's words and the `<|end|>` behind them. A first prompt so long that no answer would
        fit loses its beginning, as a prompt does when the model is asked (`prompt`).
        """
        ids: list[int] = []
        learned: list[bool] = []
        for message in messages:
            assistant = message["role"] == "assistant"
            words = [*self.encode(message["content"].strip()), self.end]
            if assistant and not any(learned):
                room = prompt_room(window) - 1
                ids, learned = ids[-room:], learned[-room:]
            ids += [self._roles[message["role"]], *words]
            learned += [False, *[assistant] * len(words)]
        return ids[:window], learned[:window]

    def prompt(self, messages: Sequence[Message], window: int) -> list[int]:
        """Token ids to continue from: the conversation so far and `<|assistant|>`; too long, its end."""
        ids = [
            token
            for message in messages
            for token in (self._roles[message["role"]], *self.encode(message["content"].strip()), self.end)
        ]
        return [*ids[-(prompt_room(window) - 1) :], self._roles["assistant"]]

    def _id(self, token: str) -> int:
        number = self._tokenizer.token_to_id(token)
        if number is None:
            raise ValueError(f"the tokenizer has no {token} token")
        return int(number)


def prompt_room(window: int) -> int:
    """Tokens of the context window that a prompt may take; the rest is kept for the answer."""
    return window - window // 3
