"""One module for each thing that is measured; its `run(runs)` returns a `Section`."""
