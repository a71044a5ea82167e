"""The learning-rate schedules the fine-tune component offers, with the meaning they have in transformers."""

from __future__ import annotations

import optax

from emulator.training.recipe import SchedulerName

POLYNOMIAL_END = 1e-7  # lr_end of transformers.get_polynomial_decay_schedule_with_warmup; its power is 1


def schedule(name: SchedulerName, learning_rate: float, warmup_steps: int, steps: int) -> optax.Schedule:
    """Learning rate by step: from 0 to `learning_rate` in `warmup_steps`, then down until `steps`.

    `cosine_with_restarts` makes one cycle, so it equals `cosine`: that is transformers' default, and the component
    has no input for the number of cycles. `constant` ignores the warm-up, as it does there.
    """
    decay_steps = max(1, steps - warmup_steps)
    after: optax.Schedule
    if name in ("cosine", "cosine_with_restarts"):
        after = optax.cosine_decay_schedule(learning_rate, decay_steps)
    elif name == "linear":
        after = optax.linear_schedule(learning_rate, 0.0, decay_steps)
    elif name == "polynomial":
        after = optax.polynomial_schedule(learning_rate, min(POLYNOMIAL_END, learning_rate), 1, decay_steps)
    else:
        after = optax.constant_schedule(learning_rate)
    if name == "constant" or warmup_steps == 0:
        return after
    return optax.join_schedules([optax.linear_schedule(0.0, learning_rate, warmup_steps), after], [warmup_steps])
