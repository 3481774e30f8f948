using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.Probing;

/// <summary>
/// The checks of what <see cref="IObjectStore"/> promises and a repository rests on. Each gives what is wrong, or null.
/// A put-if-absent whose first answer was lost and that was tried again by a decorator may say "already exists" of what it
/// created itself: what counts is whose bytes are there.
/// </summary>
internal sealed class ContractChecks(IObjectStore store, ProbeObjects objects)
{
    /// <summary>What to do about a store that does not give what was put.</summary>
    public const string ConsistencyRemedy =
        "Use a strongly consistent endpoint: no cache, no mirror and no other region's replica in front of the store.";

    private const int Contenders = 4;

    // Bytes may go bad on their way: a store is blamed for wrong ones only if they are wrong twice.
    private const int MaxReads = 2;

    private const string ConditionalRemedy =
        "Use a store that honours conditional writes: a file system, Ceph RGW, MinIO, or Amazon S3. If a proxy or gateway stands in front "
        + "of it, make it pass the header 'If-None-Match' on. Without it two writers could commit one checkpoint twice.";

    public async Task<ProbeFault?> ConditionalPutAsync(CancellationToken cancellationToken)
    {
        var key = objects.Key("conditional");
        var (first, second) = (objects.Bytes(), objects.Bytes());
        try
        {
            _ = await PutIfAbsentAsync(key, first, cancellationToken).ConfigureAwait(false);
        }
        catch (CheckpointerException e) when (e.Code == ErrorCode.StorageFailed && !e.IsTransient)
        {
            // Plain puts went well: it is the condition that it refuses.
            return ProbeFault.Broken($"it refuses put-if-absent (If-None-Match: *): {e.Message}", ConditionalRemedy);
        }

        var outcome = await PutIfAbsentAsync(key, second, cancellationToken).ConfigureAwait(false);
        var found = await ReadAsync(key, [first, second], cancellationToken).ConfigureAwait(false);
        if (outcome != PutOutcome.AlreadyExists || Is(found, second))
        {
            return ProbeFault.Broken(
                "it does not honour put-if-absent (If-None-Match: *): a second one of the same key "
                + (Is(found, second) ? "replaced the object" : "was answered as if it had created the object") + ".",
                ConditionalRemedy);
        }

        return Is(found, first)
            ? await RaceAsync(cancellationToken).ConfigureAwait(false)
            : Lost("what a put-if-absent had created", found);
    }

    public async Task<ProbeFault?> ReadAfterWriteAsync(CancellationToken cancellationToken)
    {
        var key = objects.Key("written");
        foreach (var bytes in (byte[][])[objects.Bytes(), objects.Bytes(1000)])
        {
            await store.PutAsync(key, new ObjectContent(bytes), cancellationToken).ConfigureAwait(false);
            var found = await ReadAsync(key, [bytes], cancellationToken).ConfigureAwait(false);
            if (!Is(found, bytes))
            {
                return Lost("what was just put", found);
            }
        }

        return null;
    }

    public async Task<ProbeFault?> RangedReadAsync(CancellationToken cancellationToken)
    {
        const int Offset = 1021;
        var key = objects.Key("ranged");
        var bytes = objects.Bytes();
        await store.PutAsync(key, new ObjectContent(bytes), cancellationToken).ConfigureAwait(false);
        var part = new byte[2039];
        for (var reads = 0; reads < MaxReads && !bytes.AsSpan(Offset, part.Length).SequenceEqual(part); reads++)
        {
            await store.ReadAsync(key, Offset, part, cancellationToken).ConfigureAwait(false);
        }

        return bytes.AsSpan(Offset, part.Length).SequenceEqual(part)
            ? null
            : ProbeFault.Broken(
                "a read of a part of an object gave other bytes than lie there.",
                "Make sure that nothing between here and the store rewrites bodies or ignores the header 'Range'.");
    }

    public async Task<ProbeFault?> ListAfterWriteAsync(CancellationToken cancellationToken)
    {
        var key = objects.Key("listed");
        var bytes = objects.Bytes(777);
        await store.PutAsync(key, new ObjectContent(bytes), cancellationToken).ConfigureAwait(false);
        return await FindAsync(key, cancellationToken).ConfigureAwait(false) switch
        {
            null => ProbeFault.Broken("a listing right after a put does not have the object.", ConsistencyRemedy),
            { } size when size != bytes.Length => ProbeFault.Broken(
                $"a listing says {size} bytes of an object that has {bytes.Length}.", ConsistencyRemedy),
            _ => null,
        };
    }

    public async Task<ProbeFault?> DeleteAsync(CancellationToken cancellationToken)
    {
        var key = objects.Key("deleted");
        await store.PutAsync(key, new ObjectContent(objects.Bytes(10)), cancellationToken).ConfigureAwait(false);
        await store.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
        var isThere = await store.HeadAsync(key, cancellationToken).ConfigureAwait(false) is not null;
        if (isThere || await FindAsync(key, cancellationToken).ConfigureAwait(false) is not null)
        {
            return ProbeFault.Broken(
                $"an object that was deleted is still {(isThere ? "there" : "listed")} right after.", ConsistencyRemedy);
        }

        await store.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
        return null;
    }

    private async Task<ProbeFault?> RaceAsync(CancellationToken cancellationToken)
    {
        var key = objects.Key("contended");
        var contents = Enumerable.Range(0, Contenders).Select(_ => objects.Bytes()).ToArray();
        var outcomes = await Task.WhenAll(
            contents.Select(bytes => PutIfAbsentAsync(key, bytes, cancellationToken))).ConfigureAwait(false);
        var found = await ReadAsync(key, contents, cancellationToken).ConfigureAwait(false);
        var winners = outcomes.Count(outcome => outcome == PutOutcome.Created);
        var winner = Array.IndexOf(outcomes, PutOutcome.Created);
        if (winners > 1 || (winners == 1 && !Is(found, contents[winner])))
        {
            return ProbeFault.Broken(
                $"its put-if-absent is not atomic: of {Contenders} at once for one key {winners} were answered as if they had created the object.",
                ConditionalRemedy);
        }

        return contents.Any(bytes => Is(found, bytes)) ? null : Lost("what one of several put-if-absent had created", found);
    }

    private static ProbeFault Lost(string what, byte[]? found) => ProbeFault.Broken(
        $"{what} is {(found is null ? "not there" : "not what is read")} right after.", ConsistencyRemedy);

    private Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, byte[] bytes, CancellationToken cancellationToken) =>
        store.PutIfAbsentAsync(key, new ObjectContent(bytes), cancellationToken);

    private static bool Is(byte[]? found, byte[] expected) => found is not null && found.AsSpan().SequenceEqual(expected);

    /// <summary>
    /// What lies there, once more if it is none of what was ever put but as long. (What an inconsistent store gives is missing, or
    /// something older: it does not get a second chance.)
    /// </summary>
    private async Task<byte[]?> ReadAsync(ObjectKey key, byte[][] put, CancellationToken cancellationToken)
    {
        try
        {
            for (var reads = 1; ; reads++)
            {
                var found = await store.ReadAllAsync(key, 1 << 20, cancellationToken).ConfigureAwait(false);
                if (reads == MaxReads || found.Length != put[0].Length || put.Any(bytes => Is(found, bytes)))
                {
                    return found;
                }
            }
        }
        catch (CheckpointerException e) when (e.Code == ErrorCode.NotFound)
        {
            return null;
        }
    }

    private async Task<long?> FindAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        await foreach (var info in store.ListAsync(objects.Prefix, cancellationToken).ConfigureAwait(false))
        {
            if (info.Key == key)
            {
                return info.SizeBytes;
            }
        }

        return null;
    }
}
