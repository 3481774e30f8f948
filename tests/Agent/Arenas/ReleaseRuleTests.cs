using Checkpointer.Agent.Arenas;
using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using static Checkpointer.Agent.Tests.Arenas.Engine;
using static Checkpointer.Agent.Tests.Arenas.TestImage;

namespace Checkpointer.Agent.Tests.Arenas;

public sealed class ReleaseRuleTests : IDisposable
{
    private const int Ranks = 3;

    private readonly TemporaryFolder _folder = new("/dev/shm");
    private readonly Layout _layout = Plain(2001);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("no word of the service", null, null, false, false)]
    [InlineData("nothing newer is sealed", 10L, null, false, false)]
    [InlineData("a newer step is globally sealed", 20L, null, false, true)]
    [InlineData("it was given up", null, null, true, true)]
    [InlineData("it was given up and is the newest globally sealed", 10L, null, true, false)]
    [InlineData("fenced out", null, 2, false, true)]
    [InlineData("fenced out, and what the new attempt resumed from", 10L, 2, false, false)]
    public void Permits_Circumstance_Decides(string why, long? globallySealed, int? attempt, bool givenUp, bool permitted)
    {
        var sealedId = globallySealed is { } step ? Id(step) : (CheckpointId?)null;
        var known = globallySealed is not null || attempt is not null;
        var progress = known ? Progress(attempt ?? 1, sealedId, attempt is null ? null : sealedId) : null;

        Assert.True(permitted == ReleaseRule.Permits(Id(10), progress, givenUp), why);
    }

    [Fact]
    public void Permits_SameStepOfAnOlderAttempt_IsNotKeptForItsNumber()
    {
        var progress = Progress(attempt: 3, globallySealed: Id(10, 2), resumedFrom: Id(10, 2));

        Assert.True(ReleaseRule.Permits(Id(10), progress, givenUp: false));
        Assert.True(ReleaseRule.Permits(Id(60), progress, givenUp: false));
        Assert.False(ReleaseRule.Permits(Id(10, 2), progress, givenUp: false));
        Assert.False(ReleaseRule.Permits(Id(11, 3), progress, givenUp: false));
    }

    [Fact]
    public async Task Begin_HeldStepWasGivenUpLongAgo_GetsItsSlot()
    {
        await using var engine = await StartAsync(_folder.File("arena"), ObjectStores.Open(_folder.File("store")));
        var pool = await engine.RegisterAsync(_layout);
        await SaveAsync(pool, 1, Bytes(_layout, 1));
        await SaveAsync(pool, 5, Bytes(_layout, 5));
        var progress = Progress(globallySealed: Id(1));
        pool.Observe(progress);
        var busy = await Assert.ThrowsAsync<CheckpointerException>(() => BeginAsync(pool, 70));
        Assert.Equal(ErrorCode.SlotBusy, busy.Code);

        pool.Observe(progress with { GivenUpThrough = new Step(70) });
        await BeginAsync(pool, 71);

        using var kept = pool.TryLease(Id(1));
        Assert.NotNull(kept);
    }

    /// <summary>
    /// Invariant 6, with the real pools: whatever ranks and service do, and however late or not at all news reaches a
    /// rank, each holds the newest step that all have sealed.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Pools_RandomHistory_AlwaysHoldTheNewestGloballySealed(int seed)
    {
        var random = new Random(seed);
        var world = new World();
        await using var engine = await StartAsync(_folder.File("arena"), ObjectStores.Open(_folder.File("store")));
        var pools = new List<SlotPool>();
        for (var rank = 0; rank < Ranks; rank++)
        {
            pools.Add(await engine.RegisterAsync(_layout, rank));
        }

        var saved = 0;
        for (var round = 0; round < 120; round++)
        {
            switch (random.Next(12))
            {
                case 0:
                    world.Grant();
                    pools.ForEach(pool => pool.Observe(world.Progress()));
                    foreach (var rank in Enumerable.Range(0, Ranks))
                    {
                        await engine.RegisterAsync(_layout, rank, world.Attempt);
                    }

                    await EventuallyAsync(() => pools.TrueForAll(pool => pool.Locations.Count == 2), "slots are made anew");
                    break;
                case 1 or 2 or 3:
                    pools[random.Next(Ranks)].Observe(world.Progress());
                    break;
                case 4:
                    world.GiveUpUnfinished();
                    break;
                default:
                    var who = random.Next(Ranks);
                    saved += await TrySaveAsync(pools[who], who, world) ? 1 : 0;
                    break;
            }

            if (world.GloballySealed is { } newest)
            {
                Assert.All(pools, pool =>
                {
                    using var lease = pool.TryLease(newest);
                    Assert.True(lease is not null, $"seed {seed}, round {round}: rank {pool.Rank} does not hold {newest}");
                    lease.VerifyAll(2, TestContext.Current.CancellationToken);
                });
            }
        }

        Assert.True(saved > 15, $"seed {seed}: only {saved} snapshots: the history shows nothing");
    }

    private async Task<bool> TrySaveAsync(SlotPool pool, int rank, World world)
    {
        var step = world.NextStepOf(rank);
        try
        {
            await SaveAsync(pool, step, Bytes(_layout, rank + (int)step), world.Attempt);
            world.Sealed(rank, step);
            return true;
        }
        catch (CheckpointerException e) when (e.Code == ErrorCode.SlotBusy)
        {
            // Refused: the step can no longer become global, and the service gives it up for all.
            world.GiveUp(step);
            return false;
        }
    }

    /// <summary>What the service knows.</summary>
    private sealed class World
    {
        private readonly Dictionary<CheckpointId, HashSet<int>> _sealed = [];
        private readonly HashSet<CheckpointId> _givenUp = [];
        private long[] _steps = new long[Ranks];
        private CheckpointId? _resumedFrom;

        public int Attempt { get; private set; } = 1;

        public CheckpointId? GloballySealed { get; private set; }

        public long NextStepOf(int rank)
        {
            do
            {
                _steps[rank] += 10;
            }
            while (_givenUp.Contains(Id(_steps[rank], Attempt)));

            return _steps[rank];
        }

        public void Sealed(int rank, long step)
        {
            var id = Id(step, Attempt);
            var ranks = _sealed.TryGetValue(id, out var known) ? known : _sealed[id] = [];
            ranks.Add(rank);
            if (ranks.Count == Ranks && !_givenUp.Contains(id) && (GloballySealed is null || id > GloballySealed))
            {
                GloballySealed = id;
            }
        }

        public void GiveUp(long step) => _givenUp.Add(Id(step, Attempt));

        public void GiveUpUnfinished()
        {
            if (_sealed.Where(pair => pair.Value.Count < Ranks).Select(pair => pair.Key).Order().FirstOrDefault() is { Step.Value: > 0 } id
                && id.Attempt.Value == Attempt)
            {
                _givenUp.Add(id);
                _sealed.Remove(id);
            }
        }

        public void Grant()
        {
            Attempt++;
            _resumedFrom = GloballySealed;
            _steps = [.. Enumerable.Repeat(GloballySealed?.Step.Value ?? 0, Ranks)];
        }

        public RunProgress Progress() =>
            Engine.Progress(Attempt, GloballySealed, _resumedFrom, null, [.. _givenUp.OrderDescending().Take(64)]);
    }
}
