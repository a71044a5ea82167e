"""An evaluation as files: Markdown, one self-contained page, JSON, and the pictures that the Markdown shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jobs.evaluation.charts import charts
from jobs.evaluation.result import Candidate, Evaluation
from jobs.golden.golden import Result

_HERE = Path(__file__).parent
STYLE = _HERE / "page.css"
"""Of the pages that a person reads."""
_NAMED = 3
_TITLES = {
    "loss": "Loss while training",
    "score": "Score by question",
    "latency": "Seconds to an answer",
}


def write(found: Evaluation, folder: Path) -> list[Path]:
    """Into `folder`, which is made; what was there of an earlier evaluation is replaced. Raises OSError."""
    pictures = charts(found)
    texts = {
        "evaluation.md": markdown(found, list(pictures)),
        "evaluation.html": page(found, pictures),
        "evaluation.json": json.dumps(found.to_json(), indent=2, ensure_ascii=False) + "\n",
    }
    return put(folder, texts, pictures, _TITLES)


def put(folder: Path, texts: Mapping[str, str], pictures: Mapping[str, str], every: Iterable[str]) -> list[Path]:
    """Writes texts by file name and pictures by name; of ``every`` picture there may be, an older one goes.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in every:
        (folder / f"{stale}.svg").unlink(missing_ok=True)
    written = {**texts, **{f"{name}.svg": text for name, text in pictures.items()}}
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in written]


def page(found: Evaluation, pictures: dict[str, str]) -> str:
    """Loads nothing from anywhere; what comes from models, questions or Azure is escaped."""
    return rendered(
        _HERE,
        found=found,
        pictures=[(_TITLES[name], text) for name, text in pictures.items()],
        summary=[(each, figures(each)) for each in found.candidates],
        losses=losses(found),
        said=said,
        remarks=remarks(found),
        made=f"{found.at:%Y-%m-%d %H:%M} UTC",
    )


def rendered(folder: Path, **values: Any) -> str:
    """The `page.html` of a folder with the values, all of them escaped, and with the style of all pages."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment: Any = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text: str = environment.get_template("page.html").render(style=STYLE.read_text(encoding="utf-8"), **values)
    return text


def markdown(found: Evaluation, pictures: list[str]) -> str:
    """For a terminal, a pull request or a wiki."""
    sections = [f"# Was the fine-tune worth it? Stack {found.stack}\n", f"**{found.verdict}.**\n"]
    sections += [f"- Not good enough: {problem}." for problem in found.problems]
    sections += [f"- {remark}." for remark in remarks(found)]
    sections += [f"\n> {found.base_model}: {found.note}.\n"] if found.note else []
    if found.candidates:
        head = ["model", "deployment", "score", "word for word", "median", "95 % within"]
        rows = [[f"{each.role} ({each.model})", each.scores.deployment, *figures(each)] for each in found.candidates]
        sections.append(table(head, rows))
    if figures_of_losses := losses(found):
        sections.append(table(["loss", ""], [[name, value] for name, value in figures_of_losses]))
    sections += [f"{remark}\n"] if (remark := found.losses.remark()) else []
    sections += [f"![{_TITLES[name]}]({name}.svg)" for name in pictures]
    if found.rows:
        head = ["", "question", "right", *(each.role for each in found.candidates)]
        rows = [
            [
                str(number),
                question,
                expected,
                *(f"{said(result)} ({result.score:.2f})" for result in results),
            ]
            for number, (question, expected, results) in enumerate(found.rows, 1)
        ]
        sections += ["\n## Answers\n", table(head, rows)]
    if found.not_compared:
        sections += ["## Not compared\n", *(f"- {cell(each)}" for each in found.not_compared)]
    sections.append(f"\n{found.at:%Y-%m-%d %H:%M} UTC, model {found.model}, job {found.job or 'none'}")
    return "\n".join(sections) + "\n"


def figures(candidate: Candidate) -> list[str]:
    """Score, answers word for word, seconds of the median and of 95 % of the answers."""
    scores, median = candidate.scores, candidate.median_seconds
    return [
        f"{scores.score:.2f}",
        f"{scores.exact} of {len(scores.results)}" + (f", {scores.cut_off} cut off" if scores.cut_off else ""),
        f"{median:.2f} s" if median is not None else "no answer",
        f"{scores.within(95):.2f} s",
    ]


def remarks(found: Evaluation) -> list[str]:
    """What a reader has to know of the verdict, beside what the model is refused for."""
    told = [found.unclear[:1].upper() + found.unclear[1:]] if found.unclear else []
    if found.asked_otherwise:
        told.append(found.asked_otherwise[:1].upper() + found.asked_otherwise[1:])
    if found.test is not None:
        told.append(found.test.told)
    if found.leaked:
        named = "; ".join(found.leaked[:_NAMED]) + (
            f" and {len(found.leaked) - _NAMED} more" if found.leaked[_NAMED:] else ""
        )
        told.append(
            f"{len(found.leaked)} of {found.questions} questions stand in the training data, and show that it was "
            f"learnt, not that anything was understood: {named}"
        )
    return told


def losses(found: Evaluation) -> list[tuple[str, str]]:
    """What the job's losses say, as far as it logged any."""
    rows: list[tuple[str, str]] = []
    loss = found.losses
    if loss.last is not None and loss.perplexity is not None:
        rows.append(("held out, at the end", f"{loss.last:.3f} (perplexity {loss.perplexity:,.1f})"))
    if loss.best is not None:
        rows.append(("held out, lowest", f"{loss.best.value:.3f} at step {loss.best.step}"))
    if loss.training:
        rows.append(("training, first and last", f"{loss.training[0].value:.3f} → {loss.training[-1].value:.3f}"))
    return rows


def said(result: Result) -> str:
    """The answer, or why there is none."""
    if result.error:
        return f"no answer: {result.error}"
    worst = result.worst
    return " ".join(worst.answer.split()) + (" … (cut off)" if worst.cut_off else "")


def table(head: list[str], rows: list[list[str]]) -> str:
    """In Markdown."""
    cells = [head, ["---"] * len(head), *([cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells) + "\n"


def cell(text: str) -> str:
    """Nothing of a model's answer may become a column, a tag or a picture."""
    for sign, instead in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("[", "\\["), ("`", "\\`"), ("\n", " ")):
        text = text.replace(sign, instead)
    return text
