"""What a review knows of each input of each type: harmless, risky with a sentence, or decided by its values.

Not in it: types (`cloud.catalogue`), how changes are put together (`review.risks`). `review` alone imports it.
"""
