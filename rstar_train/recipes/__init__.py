"""Every number of a run: YAML files, and how they are read strictly."""
