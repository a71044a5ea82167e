"""What a stack is: its settings, their checks, and the names, sizes and models they speak of. Imports none of ours.

Everybody may import it. What it offers is named where it is defined, so that a command loads no more than it needs:
`settings.stack` reads a stack (`load`, `from_pulumi`, `Settings`, `SettingsError`), `settings.sections` and
`settings.recipe` declare the keys, `settings.naming` makes the names on Azure (`Names`), `settings.outputs` reads what
an update left behind. How Azure is spoken to is in `cloud/`.
"""
