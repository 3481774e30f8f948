"""What rank 0 leaves behind: a line a step in ``losses.jsonl``, and ``final.json``."""

from __future__ import annotations

import json
import os
import pathlib
import struct

from job import StepResult


def bits(value: float) -> str:
    """The bits of a float64, as 16 hexadecimal digits."""
    return struct.pack(">d", value).hex()


class Journal:
    """Appends to ``folder``. A restarted job appends after what it left before it died."""

    def __init__(self, folder: pathlib.Path, attempt: int):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._attempt = attempt
        self._file = open(folder / "losses.jsonl", "ab+")
        if self._file.seek(0, os.SEEK_END) and self._last_byte() != b"\n":
            self._file.write(b"\n")  # the kill cut the last line off

    def step(self, step: int, result: StepResult) -> None:
        """Adds a line at once."""
        line = {
            "step": step,
            "loss": result.loss,
            "loss_bits": bits(result.loss),
            "grad_norm_bits": bits(result.grad_norm),
            "attempt": self._attempt,
        }
        self._file.write((json.dumps(line) + "\n").encode())
        self._file.flush()

    def finish(self, steps: int, digest: str, last: StepResult | None) -> None:
        """Writes ``final.json`` whole or not at all. ``last`` is None if there was nothing left to train."""
        final = {"steps": steps, "sha256": digest, "attempt": self._attempt}
        if last:
            final |= {"loss": last.loss, "loss_bits": bits(last.loss), "grad_norm_bits": bits(last.grad_norm)}
        temporary = self._folder / "final.json.tmp"
        temporary.write_text(json.dumps(final, indent=2) + "\n")
        os.replace(temporary, self._folder / "final.json")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _last_byte(self) -> bytes:
        self._file.seek(-1, os.SEEK_END)
        return self._file.read(1)
