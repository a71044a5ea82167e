"""Near duplicates: found in any language, not among texts that are none, and grouped by their earliest row."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_prep.run import duplicates

TEXTS = {
    "English": (
        "Please tell me how to return order number {}, which papers I have to prepare and how long it takes until the "
        "refund arrives.",
        "Order {} can be returned within seven days: press the button on its page, give the reason, upload a photo, "
        "and the money goes back to the account it came from within three working days.",
    ),
    "Chinese": (
        "请问第{}号订单的退货流程是什么，需要准备哪些材料，大概多久可以收到退款，能不能详细说明一下每一步应该怎么操作？",
        "第{}号订单可以在七天之内申请退货，请在订单页面点击退货按钮，填写原因并上传照片，审核通过以后会在三个工作日之内把款项退回原来的支付账户。",
    ),
    "Japanese": (
        "注文番号{}の返品方法を教えてください。必要な書類と、返金までにかかる日数、そして各手順の詳しい説明もお願いします。",
        "注文{}は七日以内であれば返品できます。注文ページの返品ボタンを押し、理由を書いて写真を添付してください。審査の後、三営業日以内に返金されます。",
    ),
    "Thai": (
        "กรุณาบอกวิธีคืนสินค้าสำหรับคำสั่งซื้อหมายเลข{} ต้องเตรียมเอกสารอะไรบ้าง และใช้เวลานานเท่าไรจึงจะได้รับเงินคืน",
        "คำสั่งซื้อ{}สามารถคืนได้ภายในเจ็ดวัน กดปุ่มคืนสินค้าในหน้าคำสั่งซื้อ ระบุเหตุผลและอัปโหลดรูปภาพ เงินจะคืนภายในสามวันทำการ",
    ),
}


def chat(asked: str, answer: str) -> list[dict[str, Any]]:
    return [{"content": asked, "role": "user"}, {"content": answer, "role": "assistant"}]


def led(path: Path, rows: list[list[dict[str, Any]]]) -> list[int]:
    path.write_bytes(b"".join(map(duplicates.signature, rows)))
    return duplicates.groups(path).tolist()


@pytest.mark.parametrize("language", TEXTS)
def test_rows_that_differ_in_a_number_are_near_duplicates_in_any_language(tmp_path: Path, language: str) -> None:
    asked, answer = TEXTS[language]
    rows = [chat(asked.format(at), answer.format(at)) for at in range(60)]
    assert led(tmp_path / "x", rows).count(0) >= 58


def test_rows_of_one_language_and_one_subject_are_none(tmp_path: Path) -> None:
    rows = [chat(*pair) for pair in TEXTS.values()]
    rows += [chat(asked, TEXTS["English"][1]) for asked in ("How long?", "Which photo?", "What is a working day?")]
    assert led(tmp_path / "x", rows)[:4] == [0, 1, 2, 3]


def test_capitals_and_blanks_make_no_other_row(tmp_path: Path) -> None:
    asked, answer = TEXTS["English"]
    same = chat(asked.upper().replace(" ", "\n\t "), answer)
    assert led(tmp_path / "x", [chat("What is it?", "Nothing."), chat(asked, answer), same]) == [0, 1, 1]


@pytest.mark.parametrize("text", ["", "a", "ok then", "\ud800", "好"])
def test_short_texts_have_signatures_too(tmp_path: Path, text: str) -> None:
    assert led(tmp_path / "x", [chat(text, "Yes."), chat(text, "Yes."), chat("Something else?", "No, it is not.")]) == [
        *(0, 0, 2)
    ]


def test_the_share_of_equal_minima_estimates_what_two_rows_have_in_common() -> None:
    chance = random.Random(3)
    words = ["".join(chance.choices("etaoinshrdlu", k=9)) for _ in range(3000)]
    for changed in (0, 5, 20, 100):
        estimates = []
        for at in range(20):
            text = chance.sample(words, 400)
            other = [f"{at}x{number}" if number < changed else word for number, word in enumerate(text)]
            one, two = (np.frombuffer(duplicates.signature(chat("?", " ".join(each))), "<u4") for each in (text, other))
            estimates.append(np.mean(one == two))
        kept = (400 - changed) / (400 + changed)
        assert abs(np.mean(estimates) - kept) < 0.06


@pytest.mark.parametrize("seed", range(4))
def test_groups_are_those_that_comparing_every_pair_gives(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 2**32 - 1, (25, duplicates.MINIMA), dtype=np.uint32)
    rows = kinds[rng.integers(0, 25, 200)]
    rows[rng.random(rows.shape) < 0.02] = 7
    (tmp_path / "x").write_bytes(rows.tobytes())
    expected = np.arange(len(rows))
    for second in range(len(rows)):
        for first in range(second):
            if np.mean(rows[first] == rows[second]) >= duplicates.SIMILAR:
                expected[expected == expected[second]] = min(expected[first], expected[second])
                expected[second] = expected[first]
    assert duplicates.groups(tmp_path / "x").tolist() == expected.tolist()
