"""Azure Policy: definitions, conditions, and what assignments do to a request. Effects: deny, modify, audit."""
