"""For the tests: they are skipped where PyTorch is missing, and nowhere else."""

from __future__ import annotations

import contextlib
import unittest


@contextlib.contextmanager
def needs_torch():
    """Skips the test module that imports PyTorch within."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise unittest.SkipTest("PyTorch is missing") from None
