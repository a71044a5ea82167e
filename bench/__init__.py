"""What people wait for here, measured: `make bench` runs all of it and writes docs/benchmarks.md.

`parts/` has a module for each thing that is measured, `figures` what a measurement is, `page` the page. `data` and
`review` are commands of their own, too. Not in it: tests; a figure that misses its limit is told, and fails nobody's
change.
"""
