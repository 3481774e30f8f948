import dataclasses
import types
import unittest

from requirements import needs_torch

with needs_torch():
    import torch

    from job import Job
    from model import Shape
    from placed import Placed, tensors_of
    from ranks import run_ranks
    from train import Unattended, train

SHAPE = Shape(vocabulary=40, hidden=16, layers=2, heads=2, experts=4, inner=16, length=8)
RANKS, STEPS = 4, 6


def _job(world, seed=3, shape=SHAPE):
    return Job(shape, world, seed, batch=2)


def _options(steps=STEPS, save_every=3):
    return types.SimpleNamespace(steps=steps, save_every=save_every, memory_every=0, overlap=False)


class Killed(Exception):
    """The process dies here."""


class MemorySession(Unattended):
    """Saves into memory, and shows what a trainer does with a session. May be killed at the report of a step."""

    def __init__(self, saved=None, killed_at=None):
        self.saved = saved
        self.calls = []
        self.losses = {}
        self._killed_at = killed_at

    def restore(self, state):
        if self.saved is None:
            return None
        step, tensors, extra = self.saved
        for name, tensor in tensors_of(state):
            tensor.copy_(tensors[name])
        return types.SimpleNamespace(step=step, extra=extra, tier="local_memory")

    def before_update(self):
        self.calls.append(("before_update", None))

    def report(self, step, **facts):
        self.calls.append(("report", step))
        self.losses[step] = (facts["loss"], facts["grad_norm"], facts["data_cursor"])
        if step == self._killed_at:
            raise Killed

    def save(self, step, state, extra, durable, overlap):
        self.calls.append(("save", step))
        self.saved = (step, {name: tensor.clone() for name, tensor in tensors_of(state)}, extra)


def _train(world, session, steps=STEPS, **options):
    job = _job(world, **options)
    try:
        train(job, session, Placed, _options(steps), None)
    except Killed:
        return None
    return job.digest()


def _uninterrupted(world):
    session = MemorySession()
    return _train(world, session), session.losses, session.calls


class DeterminismTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ranks = run_ranks(RANKS, 2, _uninterrupted)

    def test_all_ranks_agree(self):
        self.assertEqual(1, len({digest for digest, _, _ in self.ranks}))
        for _, losses, _ in self.ranks:
            self.assertEqual(self.ranks[0][1], losses)

    def test_the_same_seed_gives_the_same_bits(self):
        self.assertEqual(self.ranks[0][:2], run_ranks(RANKS, 2, _uninterrupted)[0][:2])

    def test_another_seed_gives_others(self):
        (digest, *_), *_ = run_ranks(RANKS, 2, lambda world: (_train(world, MemorySession(), seed=4),))
        self.assertNotEqual(self.ranks[0][0], digest)

    def test_a_restart_from_a_saved_step_ends_with_the_same_bits(self):
        def work(world):
            first = MemorySession(killed_at=5)
            _train(world, first)
            second = MemorySession(first.saved)
            return _train(world, second), first.saved[0], first.losses, second.losses

        digest, expected, _ = self.ranks[0]
        for got, saved_step, before, after in run_ranks(RANKS, 2, work):
            self.assertEqual(3, saved_step)
            self.assertEqual([4, 5, 6], sorted(after))
            self.assertEqual(before[5], after[5])
            self.assertEqual(expected, before | after)
            self.assertEqual(digest, got)

    def test_every_part_of_the_state_matters(self):
        """A restart that loses the generator, the cursor or any kind of tensor must not go unnoticed."""

        def work(world):
            first = MemorySession(killed_at=5)
            _train(world, first)
            step, tensors, extra = first.saved
            fresh = dict(tensors_of(_job(world).state()))
            digests = {}
            names = (
                "generator.",
                "optimizer.dense.master",
                "optimizer.experts.second_moment",
                "model.layers.0.moe.up",
            )
            for lost in names:
                kept = {name: fresh[name].clone() if name.startswith(lost) else t for name, t in tensors.items()}
                digests[lost] = _train(world, MemorySession((step, kept, extra)))
            digests["cursor"] = _train(world, MemorySession((step, tensors, {"data_cursor": 0})))
            return digests

        for lost, digest in run_ranks(RANKS, 2, work)[0].items():
            self.assertNotEqual(self.ranks[0][0], digest, f"the restart lost {lost}")

    def test_the_session_hears_of_every_step_in_order_and_saves_the_right_ones(self):
        expected = []
        for step in range(1, STEPS + 1):
            expected += [("before_update", None), ("report", step)]
            if step % 3 == 0:
                expected.append(("save", step))
        for _, _, calls in self.ranks:
            self.assertEqual(expected, calls)


class OverlapTests(unittest.TestCase):
    def test_the_state_stays_as_saved_until_before_update(self):
        def work(world):
            job = _job(world)
            job.step(1)
            saved = {name: tensor.clone() for name, tensor in tensors_of(job.state())}
            held = dict(tensors_of(job.state()))
            unchanged = []
            job.step(2, lambda: unchanged.append(all(torch.equal(saved[name], held[name]) for name in saved)))
            changed = [name for name in saved if not torch.equal(saved[name], held[name])]
            return unchanged, len(changed)

        for unchanged, changed in run_ranks(RANKS, 2, work):
            self.assertEqual([True], unchanged)
            self.assertGreater(changed, 10)


class PlacementTests(unittest.TestCase):
    def test_slices_cover_every_global_tensor_exactly_once_and_replicas_are_equal(self):
        def work(world):
            job = _job(world)
            job.step(1)
            return {name: value for name, value in _placed(job.state())}

        ranks = run_ranks(RANKS, 2, work)
        names = set(ranks[0])
        self.assertTrue(all(set(rank) == names for rank in ranks))
        for name in names:
            covered = torch.zeros(ranks[0][name].global_shape)
            for rank, state in enumerate(ranks):
                placed = state[name]
                replicas = placed.replicas or (rank,)
                self.assertIn(rank, replicas)
                for replica in replicas:
                    self.assertTrue(torch.equal(placed.tensor, ranks[replica][name].tensor), f"{name} on {replica}")
                    self.assertEqual(placed.offsets, ranks[replica][name].offsets)
                if rank == replicas[0]:
                    covered[tuple(slice(o, o + s) for o, s in zip(placed.offsets, placed.tensor.shape))] += 1
            self.assertTrue((covered == 1).all(), name)

    def test_experts_are_slices_and_only_the_generator_has_no_place(self):
        def work(world):
            state = _job(world).state()
            unplaced = {name for name, _ in tensors_of(state)} - {name for name, _ in _placed(state)}
            up = state["model"]["layers.0.moe.up"]
            return unplaced, up.global_shape[0], up.offsets[0], up.replicas

        expected = [({"generator.dropout"}, 4, 2 * (rank % 2), (rank % 2, rank % 2 + 2)) for rank in range(RANKS)]
        self.assertEqual(expected, run_ranks(RANKS, 2, work))


class TopologyTests(unittest.TestCase):
    def test_four_ranks_train_like_one_rank_with_all_the_data(self):
        shape = dataclasses.replace(SHAPE, dtype=torch.float32, dropout=0.0)

        def work(world):
            # Nearly, since the balance term is of each rank's own batch.
            job = Job(shape, world, 3, batch=8 // world.size)
            return [job.step(step).loss for step in range(1, 4)]

        four, one = run_ranks(RANKS, 2, work)[0], run_ranks(1, 1, work)[0]
        torch.testing.assert_close(torch.tensor(four), torch.tensor(one), rtol=1e-3, atol=1e-3)

    def test_the_loss_falls(self):
        def work(world):
            job = _job(world)
            return [job.step(step).loss for step in range(1, 41)]

        losses = run_ranks(RANKS, 2, work)[0]
        self.assertLess(losses[-1], losses[0] - 0.5)


def _placed(state, prefix=""):
    for name, value in state.items():
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(value, dict):
            yield from _placed(value, path)
        elif isinstance(value, Placed):
            yield path, value


if __name__ == "__main__":
    unittest.main()
