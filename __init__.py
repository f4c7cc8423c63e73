"""Assay: the harness that proves AI hardware before people trust it."""
