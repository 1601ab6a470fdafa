"""Measurements: how fast and how small the packages are, beside peers measured in the same run."""
