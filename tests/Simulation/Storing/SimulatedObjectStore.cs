using System.Runtime.CompilerServices;
using Checkpointer.Formats.Errors;
using Checkpointer.Simulation.Network;
using Checkpointer.Simulation.Scheduling;
using Checkpointer.Storage;

namespace Checkpointer.Simulation.Storing;

/// <summary>
/// The object store as one process reaches it: each call is a message there, the deed, and a message back, so that a process
/// may die while a call is on its way, and the deed be done nevertheless.
/// </summary>
internal sealed class SimulatedObjectStore(
    Bucket bucket, BucketFaults faults, Links links, Scheduler scheduler, SimulatedProcess process, Random random) : IObjectStore
{
    /// <summary>The store's place in the network.</summary>
    public const string Node = "store";

    private static readonly DateTimeOffset Beginning = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public string Description => "s3://simulated";

    public Task PutAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        var bytes = Join(content);
        return CallAsync(
            $"put {key}",
            writes: true,
            () =>
            {
                bucket.Put(key.Value, bytes);
                return true;
            },
            cancellationToken);
    }

    public Task<PutOutcome> PutIfAbsentAsync(ObjectKey key, ObjectContent content, CancellationToken cancellationToken)
    {
        var bytes = Join(content);
        return CallAsync(
            $"put-if-absent {key}",
            writes: true,
            () =>
            {
                if (bucket.Find(key.Value) is not null)
                {
                    return PutOutcome.AlreadyExists;
                }

                bucket.Put(key.Value, bytes);
                return PutOutcome.Created;
            },
            cancellationToken);
    }

    public async Task ReadAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var length = destination.Length;
        var read = await CallAsync(
            $"read {key} {offset}+{length}",
            writes: false,
            () =>
            {
                var found = bucket.Find(key.Value) ?? throw new CheckpointerException(ErrorCode.NotFound, $"No object '{key}'.");
                return offset + length <= found.Bytes.Length
                    ? found.Bytes.AsSpan((int)offset, length).ToArray()
                    : throw new CheckpointerException(ErrorCode.StorageFailed, $"'{key}' ends before byte {offset + length}.");
            },
            cancellationToken).ConfigureAwait(false);
        if (read.Length > 0 && Chance(faults.FlippedReads, "read_flipped"))
        {
            read[random.Next(read.Length)] ^= (byte)(1 << random.Next(8));
        }

        read.CopyTo(destination);
    }

    public Task<ObjectInfo?> HeadAsync(ObjectKey key, CancellationToken cancellationToken) => CallAsync<ObjectInfo?>(
        $"head {key}",
        writes: false,
        () => bucket.Find(key.Value) is { } found ? Info(key.Value, found) : null,
        cancellationToken);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var found = await CallAsync($"list {prefix}", writes: false, () => bucket.List(prefix), cancellationToken).ConfigureAwait(false);
        foreach (var (key, stored) in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return Info(key, stored);
        }
    }

    public Task DeleteAsync(ObjectKey key, CancellationToken cancellationToken) => CallAsync(
        $"delete {key}",
        writes: true,
        () =>
        {
            bucket.Delete(key.Value);
            return true;
        },
        cancellationToken);

    private static ObjectInfo Info(string key, StoredObject found) =>
        new(new ObjectKey(key), found.Bytes.Length, Beginning + found.At);

    // The bytes as they are now: whoever dies takes his memory with him.
    private static byte[] Join(ObjectContent content)
    {
        var bytes = new byte[content.LengthBytes];
        var offset = 0;
        foreach (var segment in content.Segments)
        {
            segment.CopyTo(bytes.AsMemory(offset));
            offset += segment.Length;
        }

        return bytes;
    }

    private async Task<T> CallAsync<T>(string what, bool writes, Func<T> deed, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var (there, back) = (Latency(), Latency());
        if (faults.Away || links.IsCut(process.Node, Node))
        {
            faults.Hit?.Invoke("store_away");
            Finish(TimeSpan.FromSeconds(3), () => done.TrySetException(Unavailable(what, "cannot be reached")));
        }
        else if (Chance(faults.Errors, "store_error"))
        {
            Finish(there + back, () => done.TrySetException(Unavailable(what, "answered 500")));
        }
        else if (Chance(faults.Throttled, "store_throttled"))
        {
            Finish(there + back, () => done.TrySetException(new CheckpointerException(
                ErrorCode.StorageThrottled, $"The simulated store answered 503 SlowDown to {what}.", isTransient: true)));
        }
        else if (!Chance(faults.Hangs / 2, "store_hang"))
        {
            Arrive(there, back);
        }

        using var registration = cancellationToken.UnsafeRegister((_, token) => done.TrySetCanceled(token), null);
        return await done.Task.ConfigureAwait(false);

        void Arrive(TimeSpan there, TimeSpan back) => _ = scheduler.Schedule(there, $"store {process.Name} {what}", () =>
        {
            if (writes && faults.Full && !what.StartsWith("delete", StringComparison.Ordinal))
            {
                faults.Hit?.Invoke("store_full");
                Finish(back, () => done.TrySetException(
                    new CheckpointerException(ErrorCode.StorageFull, $"The simulated store has no room for {what}.", isTransient: true)));
                return;
            }

            T result;
            try
            {
                result = deed();
            }
            catch (CheckpointerException e)
            {
                Finish(back, () => done.TrySetException(e));
                return;
            }

            if (writes && Chance(faults.LostAnswers, "store_answer_lost"))
            {
                Finish(back, () => done.TrySetException(Unavailable(what, "was carried out, its answer lost")));
            }
            else if (!Chance(faults.Hangs / 2, "store_hang"))
            {
                Finish(back, () => done.TrySetResult(result));
            }
        });

        void Finish(TimeSpan after, Action finish) => _ = scheduler.Schedule(after, $"stored {process.Name} {what}", finish, process);
    }

    private bool Chance(double share, string name)
    {
        if (random.NextDouble() >= share)
        {
            return false;
        }

        faults.Hit?.Invoke(name);
        return true;
    }

    private TimeSpan Latency()
    {
        var draw = random.NextDouble();
        return TimeSpan.FromMilliseconds((1 + (draw * draw * draw * 30)) * faults.Slowness);
    }

    private static CheckpointerException Unavailable(string what, string why) =>
        new(ErrorCode.StorageUnavailable, $"The simulated store {why}: {what}.", isTransient: true);
}
