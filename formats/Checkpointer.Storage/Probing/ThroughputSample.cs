using System.Globalization;

namespace Checkpointer.Storage.Probing;

/// <summary>Puts a number of bytes and reads them back, a few objects at a time, and says how fast that went.</summary>
internal sealed class ThroughputSample(IObjectStore store, ProbeObjects objects, TimeProvider time)
{
    private const int ObjectBytes = 16 << 20;
    private const int AtATime = 4;

    public async Task<(double PutBytesPerSecond, double GetBytesPerSecond)> RunAsync(
        long bytes, CancellationToken cancellationToken)
    {
        var content = objects.Bytes((int)Math.Min(bytes, ObjectBytes));
        var parts = new List<(ObjectKey Key, int Length)>();
        for (long offset = 0; offset < bytes; offset += ObjectBytes)
        {
            parts.Add((
                objects.Key(string.Create(CultureInfo.InvariantCulture, $"sample-{parts.Count:D6}")),
                (int)Math.Min(ObjectBytes, bytes - offset)));
        }

        var buffers = new byte[AtATime][];
        var options = new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = cancellationToken };
        var began = time.GetTimestamp();
        await Parallel.ForEachAsync(parts, options, async (part, token) =>
            await store.PutAsync(part.Key, new ObjectContent(content.AsMemory(0, part.Length)), token).ConfigureAwait(false))
            .ConfigureAwait(false);
        var put = time.GetElapsedTime(began);

        // Each worker has a buffer of its own, made before the clock runs.
        for (var i = 0; i < buffers.Length; i++)
        {
            buffers[i] = new byte[content.Length];
        }

        began = time.GetTimestamp();
        await Task.WhenAll(buffers.Select(async (buffer, worker) =>
        {
            for (var i = worker; i < parts.Count; i += AtATime)
            {
                await store.ReadAsync(parts[i].Key, 0, buffer.AsMemory(0, parts[i].Length), cancellationToken).ConfigureAwait(false);
            }
        })).ConfigureAwait(false);
        return (Rate(bytes, put), Rate(bytes, time.GetElapsedTime(began)));
    }

    private static double Rate(long bytes, TimeSpan took) => bytes / Math.Max(took.TotalSeconds, 1e-6);
}
