"""From a specification to a filled run directory: spec, harness, runner; demo, comparison."""
