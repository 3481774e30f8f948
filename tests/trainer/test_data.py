import unittest

from requirements import needs_torch

with needs_torch():
    from data import TokenStream


class TokenStreamTests(unittest.TestCase):
    def _stream(self, rank=0, ranks=1, seed=7):
        return TokenStream(seed, vocabulary=50, length=8, batch=2, rank=rank, ranks=ranks)

    def test_a_stream_set_to_a_cursor_goes_on_as_the_one_that_came_there(self):
        uninterrupted = self._stream()
        for _ in range(3):
            uninterrupted.next()
        resumed = self._stream()
        resumed.cursor = uninterrupted.cursor
        for _ in range(3):
            expected, got = uninterrupted.next(), resumed.next()
            self.assertEqual([t.tolist() for t in expected], [t.tolist() for t in got])
        self.assertEqual(uninterrupted.cursor, resumed.cursor)

    def test_ranks_read_disjoint_parts_of_what_one_rank_would_read(self):
        alone = self._stream()
        expected = [row for _ in range(2) for row in alone.next()[0].tolist()]
        streams = [self._stream(rank, 2) for rank in range(2)]
        got = [row for stream in streams for row in stream.next()[0].tolist()]
        self.assertEqual(expected, got)
        self.assertEqual([4, 4], [stream.cursor for stream in streams])

    def test_targets_are_the_inputs_one_token_later(self):
        inputs, targets = self._stream().next()
        self.assertEqual(inputs[:, 1:].tolist(), targets[:, :-1].tolist())

    def test_another_seed_gives_other_data(self):
        self.assertNotEqual(self._stream().next()[0].tolist(), self._stream(seed=8).next()[0].tolist())

    def test_steps_do_not_repeat_data(self):
        stream = self._stream()
        self.assertNotEqual(stream.next()[0].tolist(), stream.next()[0].tolist())


if __name__ == "__main__":
    unittest.main()
