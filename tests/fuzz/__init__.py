"""Input that nobody meant well, by chance and with a seed: to what listens here, and to what reads files and answers.

Each target takes a chance and tries one input; what it raises is a finding: a 500, a traceback, an answer that is none.
The unit test of it tries a few hundred each, `make fuzz MINUTES=60` as many as an hour holds, and looks at memory too.
"""
