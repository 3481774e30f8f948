"""A synthetic stream of token sequences with a cursor: sequence n is a function of the seed and n alone."""

from __future__ import annotations

import torch

_NOISE = 0.1


class TokenStream:
    """Walks through a fixed random permutation of the vocabulary, with noise: a language that can be learned.

    ``cursor`` is the number of the first sequence of the next step; a step takes ``batch`` sequences for each rank.
    """

    def __init__(self, seed: int, vocabulary: int, length: int, batch: int, rank: int = 0, ranks: int = 1):
        self._seed = seed
        self._vocabulary = vocabulary
        self._length = length
        self._batch = batch
        self._rank = rank
        self._ranks = ranks
        self._successor = torch.randperm(vocabulary, generator=self._generator(0)).tolist()
        self.cursor = 0

    def next(self) -> tuple[torch.Tensor, torch.Tensor]:
        """This rank's inputs and targets of the next step, both [batch, length]; moves the cursor for all ranks."""
        first = self.cursor + self._rank * self._batch
        rows = torch.tensor([self._sequence(first + i) for i in range(self._batch)])
        self.cursor += self._batch * self._ranks
        return rows[:, :-1], rows[:, 1:]

    def _sequence(self, number: int) -> list[int]:
        generator = self._generator(number + 1)
        noisy = (torch.rand(self._length, generator=generator) < _NOISE).tolist()
        random = torch.randint(self._vocabulary, (self._length + 1,), generator=generator).tolist()
        tokens = [random[0]]
        for i in range(self._length):
            tokens.append(random[i + 1] if noisy[i] else self._successor[tokens[-1]])
        return tokens

    def _generator(self, stream: int) -> torch.Generator:
        return torch.Generator().manual_seed(self._seed * 1_000_003 + stream)
