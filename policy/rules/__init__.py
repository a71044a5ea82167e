"""The rules, by what they look at; policy/pack.py puts them in order.

Not in it: how a rule is written and tried (`policy.rule`). `policy.pack` alone imports it.
"""
