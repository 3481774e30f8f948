using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Verification;
using Checkpointer.TestKit.Checkpoints;
using Checkpointer.TestKit.Faults;

namespace Checkpointer.Storage.Tests.Verification;

/// <summary>A store that does not answer is no damage, and bytes that went bad on their way are none either.</summary>
public sealed class OutageTests : IDisposable
{
    private readonly VerifiedRun _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task BytesBadOnTheirWay_AreReadAgainAndGood()
    {
        var checkpoint = await _world.Run.SaveAsync(10);
        var spoilt = new HashSet<string>();
        var store = new ReadLog(_world.Store)
        {
            // The first read of each object.
            OnRead = (key, _, bytes) =>
            {
                lock (spoilt)
                {
                    if (spoilt.Add(key))
                    {
                        bytes.Span[bytes.Length / 2] ^= 1;
                    }
                }
            },
        };

        var found = await _world.VerifyAsync(checkpoint, store);

        Assert.Empty(found.Findings);
        Assert.True(found.IsComplete);
        Assert.True(spoilt.Count > 8);
    }

    [Fact]
    public async Task ChunkBadOnItsWay_IsReadAgainAndGood()
    {
        var checkpoint = await _world.Run.SaveAsync(10);
        var spoilt = 0;
        var store = new ReadLog(_world.Store)
        {
            OnRead = (key, offset, bytes) =>
            {
                if (key.EndsWith(".pack", StringComparison.Ordinal) && offset > 0 && bytes.Length > StoredRun.ChunkBytes)
                {
                    bytes.Span[0] ^= 1;
                    spoilt++;
                }
            },
        };

        var found = await _world.VerifyAsync(checkpoint, store, new VerificationOptions { Parallelism = 1 });

        Assert.Empty(found.Findings);
        Assert.True(spoilt > 4);
    }

    [Fact]
    public async Task Outage_FromTheStart_IsIncomplete()
    {
        var checkpoint = await _world.Run.SaveAsync(10);

        var found = await _world.VerifyAsync(checkpoint, Faulty((_, _) => StoreFault.FailBefore));

        Assert.False(found.IsDamaged);
        Assert.False(found.IsComplete);
        var finding = Assert.Single(found.Findings);
        Assert.Equal((FindingKind.Unreadable, RepositoryKeys.Manifest(_world.Run.Run, checkpoint)), (finding.Kind, finding.Key));
    }

    [Fact]
    public async Task Outage_InTheMiddle_IsIncompleteAndStopsAsking()
    {
        var checkpoint = await _world.Run.SaveAsync(10);
        var store = Faulty((operation, key) =>
            operation == StoreOperation.Read && key.EndsWith(".pack", StringComparison.Ordinal) ? StoreFault.TornRead : StoreFault.None);

        var found = await _world.VerifyAsync(checkpoint, store, new VerificationOptions { Parallelism = 1, MaxFailuresInARow = 3 });

        Assert.False(found.IsDamaged);
        Assert.False(found.IsComplete);
        Assert.Contains("Injected", found.Stopped, StringComparison.Ordinal);
        Assert.Equal(found.Bytes, found.UnreadBytes);
        Assert.Equal(found.Packs, found.Findings.Count);
        Assert.All(found.Findings, finding => Assert.Equal(FindingKind.Unreadable, finding.Kind));
    }

    [Fact]
    public async Task DamageAndOutage_AreToldApart()
    {
        var checkpoint = await _world.Run.SaveAsync(10);
        var (bad, offset) = _world.Run.PlaceOf(new(1), 0);
        await _world.FlipBitAsync(bad, offset);
        var silent = _world.Run.PlaceOf(new(0), 0).Key;

        var found = await _world.VerifyAsync(
            checkpoint, Faulty((_, key) => key == silent.Value ? StoreFault.FailBefore : StoreFault.None));

        Assert.True(found.IsDamaged);
        Assert.False(found.IsComplete);
        Assert.Null(found.Stopped);
        Assert.Equal(
            [(silent, FindingKind.Unreadable), (bad, FindingKind.Corrupt)],
            found.Findings.Select(finding => (finding.Key, finding.Kind)));
        Assert.Equal(4 * StoredRun.ChunkBytes, found.UnreadBytes);
    }

    [Fact]
    public async Task SpotThatTheDiskCannotGive_HidesNoNeighbour()
    {
        var checkpoint = await _world.Run.SaveAsync(10);
        var (key, offset) = _world.Run.PlaceOf(new(1), 1);
        var store = new ReadLog(_world.Store)
        {
            OnRead = (read, at, bytes) =>
            {
                if (read == key.Value && at <= offset && offset < at + bytes.Length)
                {
                    throw new CheckpointerException(ErrorCode.StorageFailed, "Input/output error.");
                }
            },
        };

        var found = await _world.VerifyAsync(checkpoint, store);

        var finding = Assert.Single(found.Findings);
        Assert.Equal((FindingKind.Unreadable, (long)StoredRun.ChunkBytes), (finding.Kind, finding.Bytes));
        Assert.Contains("1 chunk that could not be read (first chunk 1 of rank 1): Input/output error", finding.Detail, StringComparison.Ordinal);
        Assert.False(found.IsDamaged);
    }

    [Fact]
    public async Task SharedChunkUnreadable_IsTriedAgainForTheNext()
    {
        var checkpoints = new[] { await _world.Run.SaveAsync(10), await _world.Run.SaveAsync(20) };
        var (key, _) = _world.Run.PlaceOf(new(1), 0);
        var failed = 0;
        var store = Faulty((_, read) =>
            read == key.Value && Interlocked.Increment(ref failed) == 1 ? StoreFault.FailBefore : StoreFault.None);

        var found = await _world.VerifyAllAsync(checkpoints, store);

        Assert.False(found[0].IsComplete);
        Assert.True(found[1].IsComplete);
    }

    private FaultInjectingObjectStore Faulty(Func<StoreOperation, string, StoreFault> plan) => new(_world.Store, plan, TimeProvider.System);
}
