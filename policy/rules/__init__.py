"""The rules, by what they look at; policy/pack.py puts them in order."""
