using Checkpointer.Formats.Errors;
using Checkpointer.Storage;

namespace Checkpointer.S3.Tests.Campaign;

/// <summary>
/// What agents, services and readers do to a store, many at once: shards of packs and an index by one writer each,
/// manifests for which two race, ranged reads checked by hash, listings, deletions. Each goes on until it is told that
/// it is over, and finishes what it has begun.
/// </summary>
internal sealed class Workload(IObjectStore store, Chronicle chronicle, int seed)
{
    /// <summary>More rounds than any fault can want: the end of an actor that gets nowhere.</summary>
    private const int MaxTries = 60;

    private int _lastContent = -1;
    private int _wrongReads;

    /// <summary>Reads, also those by which puts compare, whose bytes were not what was written: found by their hash.</summary>
    public int WrongReads => Volatile.Read(ref _wrongReads);

    /// <summary>Runs all of it.</summary>
    public Task RunAsync(CancellationToken over, CancellationToken cancellationToken) => Task.WhenAll(
    [
        .. Enumerable.Range(0, 6).Select(n => LoopAsync(n, (round, chance) => WriteShardAsync(n, round, chance, cancellationToken), over)),
        .. Enumerable.Range(10, 3).Select(n => LoopAsync(n, (round, _) => RaceAsync(n, round, cancellationToken), over)),
        .. Enumerable.Range(20, 6).Select(n => LoopAsync(n, (_, chance) => ReadAsync(chance, cancellationToken), over)),
        LoopAsync(30, (_, _) => ListAsync(cancellationToken), over),
        LoopAsync(31, (round, _) => DeleteAsync(round, cancellationToken), over),
    ]);

    private async Task LoopAsync(int actor, Func<int, Random, Task> act, CancellationToken over)
    {
        var chance = new Random(HashCode.Combine(seed, actor));
        for (var round = 0; !over.IsCancellationRequested; round++)
        {
            await act(round, chance);
        }
    }

    private async Task WriteShardAsync(int rank, int step, Random chance, CancellationToken cancellationToken)
    {
        var packs = 1 + chance.Next(3);
        for (var pack = 0; pack < packs; pack++)
        {
            await StoreAsync(new ObjectKey($"runs/r/packs/{step:D6}/{rank:D2}-{pack}.pack"), cancellationToken);
        }

        await StoreAsync(new ObjectKey($"runs/r/checkpoints/{step:D6}/{rank:D2}.index"), cancellationToken);
    }

    /// <summary>One writer's object: it is stored in the end, whatever happens on the way.</summary>
    private async Task StoreAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var content = Interlocked.Increment(ref _lastContent);
        var won = await TryStoreAsync(key, content, cancellationToken);
        chronicle.Require(won, $"'{key}' has another content than the one that its only writer put");
    }

    private async Task RaceAsync(int race, int round, CancellationToken cancellationToken)
    {
        var key = new ObjectKey($"runs/r/checkpoints/{round:D6}/{race}.MANIFEST.json");
        var won = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ =>
            TryStoreAsync(key, Interlocked.Increment(ref _lastContent), cancellationToken)));
        chronicle.Require(won.Count(one => one) == 1, $"{won.Count(one => one)} of two writers believe that they created '{key}'");
    }

    /// <summary>Puts if absent, or compares: whether the key has this content.</summary>
    private async Task<bool> TryStoreAsync(ObjectKey key, int content, CancellationToken cancellationToken)
    {
        chronicle.Means(key, content);
        var bytes = Contents.Make(content);
        var differences = 0;
        for (var tries = 0; tries < MaxTries; tries++)
        {
            try
            {
                if (await store.PutIfAbsentOrVerifyAsync(key, bytes, cancellationToken) == PutOutcome.Created)
                {
                    chronicle.Created(key);
                }

                chronicle.Acknowledge(key, content);
                return true;
            }
            catch (CheckpointerException e) when (e.Code == ErrorCode.CheckpointConflict)
            {
                // One wrong bit on the way back looks like another content; three in a row do not happen here.
                if (++differences == 3)
                {
                    return false;
                }
            }
            catch (CheckpointerException e)
            {
                chronicle.Failed($"the put of '{key}'", e);
            }
        }

        chronicle.Require(false, $"'{key}' could not be put in {MaxTries} tries");
        return false;
    }

    private async Task ReadAsync(Random chance, CancellationToken cancellationToken)
    {
        var known = chronicle.Acknowledged;
        if (known.Length == 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), cancellationToken);
            return;
        }

        var (key, content) = known[chance.Next(known.Length)];
        var whole = Contents.Make(content);
        var begin = chance.Next(whole.Length);
        var range = whole.AsMemory(begin, 1 + chance.Next(whole.Length - begin));
        var destination = new byte[range.Length];
        for (var tries = 0; tries < MaxTries; tries++)
        {
            try
            {
                await store.ReadAsync(key, begin, destination, cancellationToken);
                if (Contents.Hash(destination) == Contents.Hash(range.Span))
                {
                    return;
                }

                Interlocked.Increment(ref _wrongReads);
            }
            catch (CheckpointerException e)
            {
                chronicle.Failed($"the read of '{key}' from {begin}", e);
            }
        }

        chronicle.Require(false, $"'{key}' could not be read rightly in {MaxTries} tries");
    }

    private async Task ListAsync(CancellationToken cancellationToken)
    {
        var before = chronicle.Acknowledged;
        try
        {
            var listed = new Dictionary<ObjectKey, long>();
            await foreach (var info in store.ListAsync("runs/r/", cancellationToken))
            {
                chronicle.Require(listed.TryAdd(info.Key, info.SizeBytes), $"'{info.Key}' was listed twice");
            }

            foreach (var (key, content) in before)
            {
                var isThere = listed.TryGetValue(key, out var size);
                chronicle.Require(isThere && size == Contents.Make(content).Length, $"'{key}' is not listed, or as {size} bytes");
            }

            foreach (var key in listed.Keys)
            {
                chronicle.Require(chronicle.MeantAt(key).Count > 0, $"'{key}' is listed, which nobody wrote");
            }
        }
        catch (CheckpointerException e)
        {
            chronicle.Failed("a listing", e);
        }

        await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
    }

    private async Task DeleteAsync(int round, CancellationToken cancellationToken)
    {
        var key = new ObjectKey($"probes/{round}");
        var content = Contents.Make(round);
        await UntilDoneAsync($"the put of '{key}'", () => store.PutAsync(key, new ObjectContent(content), cancellationToken));
        await UntilDoneAsync($"the head of '{key}'", async () =>
        {
            var info = await store.HeadAsync(key, cancellationToken);
            chronicle.Require(info?.SizeBytes == content.Length, $"'{key}' was put and is not there: {info}");
        });
        await UntilDoneAsync($"the deletion of '{key}'", () => store.DeleteAsync(key, cancellationToken));
        await UntilDoneAsync($"the head of '{key}'", async () =>
            chronicle.Require(await store.HeadAsync(key, cancellationToken) is null, $"'{key}' was deleted and is there"));
    }

    private async Task UntilDoneAsync(string what, Func<Task> act)
    {
        for (var tries = 0; tries < MaxTries; tries++)
        {
            try
            {
                await act();
                return;
            }
            catch (CheckpointerException e)
            {
                chronicle.Failed(what, e);
            }
        }

        chronicle.Require(false, $"{what} did not succeed in {MaxTries} tries");
    }
}
