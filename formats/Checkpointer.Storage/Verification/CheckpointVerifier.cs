using System.Runtime.CompilerServices;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Storage.Verification;

/// <summary>
/// Reads whole checkpoints again, as formats/SPEC.md says, and checks the hash tree from the manifest down to every chunk
/// of every pack: manifest, each index (SHA-256, root), each layout (digest), that the layouts make one whole model, each
/// pack's header, each chunk. Never stops at a fault: names every object that is bad, missing or unreadable. Changes
/// nothing. Thread-safe.
/// <para>
/// Memory: <see cref="VerificationOptions.BufferBytes"/>, and the indices and layouts of one checkpoint. What a rank does not
/// store is other ranks' bytes and is checked there.
/// </para>
/// </summary>
/// <param name="store">The store. Retrying is its affair; what it fails to read is tried no more.</param>
/// <param name="options">How to read.</param>
/// <param name="time">For what took how long.</param>
public sealed class CheckpointVerifier(IObjectStore store, VerificationOptions options, TimeProvider time)
{
    /// <summary>
    /// Verifies <paramref name="checkpoints"/> in order, each as it is asked for; a chunk that several of them share is read once.
    /// Faults are findings. Throws <c>configuration_invalid</c>, and <see cref="OperationCanceledException"/>.
    /// </summary>
    public async IAsyncEnumerable<CheckpointVerification> VerifyAsync(
        RunId run,
        IReadOnlyList<CheckpointId> checkpoints,
        IProgress<VerificationProgress>? progress,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(checkpoints);
        options.Validate();
        var meter = new ProgressMeter(time, progress);
        var outage = new OutageWatch(options.MaxFailuresInARow);
        var descriptions = new DescriptionReader(run, options.Parallelism, outage);
        var ledger = new PackLedger(run);
        await using var chunks = new ChunkReads(store, options, outage, meter);
        var expected = await ExpectAsync(run, checkpoints, meter, cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < checkpoints.Count; i++)
        {
            var (began, startedAt, readBefore) = (time.GetTimestamp(), time.GetUtcNow(), meter.BytesRead);
            var stored = new StoredCheckpoint(store, run, checkpoints[i], cancellationToken);
            var description = await descriptions.ReadAsync(stored, cancellationToken).ConfigureAwait(false);
            description.Findings.ForEach(_ => meter.Fault());
            var reads = ledger.Plan(description.Indices);
            meter.Expect(reads.Bytes - expected[i]);
            meter.Settle(reads.SettledBytes);
            await chunks.RunAsync(reads.Plans, description.Manifest?.ChunkBytes ?? 1, cancellationToken).ConfigureAwait(false);
            var blame = new Blame(description, ledger);
            List<ObjectFinding> findings = [.. description.Findings, .. blame.Find()];
            ledger.ForgetUnreadable();
            yield return new CheckpointVerification
            {
                Checkpoint = checkpoints[i],
                StartedAt = startedAt,
                Elapsed = time.GetElapsedTime(began),
                Shards = description.Manifest?.Shards.Count ?? 0,
                Packs = reads.Packs,
                Chunks = reads.Chunks,
                Bytes = reads.Bytes,
                BytesRead = meter.BytesRead - readBefore,
                UnreadBytes = blame.UnreadBytes,
                Findings = [.. findings.OrderBy(finding => finding.Key.Value, StringComparer.Ordinal).ThenBy(finding => finding.Kind)],
                Stopped = outage.Stopped,
            };
        }
    }

    /// <summary>Bytes of each checkpoint by its manifest, so that progress knows its end; what is wrong with one is found later.</summary>
    private async Task<long[]> ExpectAsync(
        RunId run, IReadOnlyList<CheckpointId> checkpoints, ProgressMeter meter, CancellationToken cancellationToken)
    {
        var expected = new long[checkpoints.Count];
        if (checkpoints.Count > 1)
        {
            var reader = new RepositoryReader(store);
            for (var i = 0; i < expected.Length; i++)
            {
                try
                {
                    expected[i] = (await reader.ReadManifestAsync(run, checkpoints[i], cancellationToken).ConfigureAwait(false)).StoredBytes;
                }
                catch (CheckpointerException e) when (e.IsTransient)
                {
                    break; // an outage: the end is not known then
                }
                catch (CheckpointerException)
                {
                    expected[i] = 0; // of this one nothing will be read
                }
            }

            meter.Expect(expected.Sum());
        }

        return expected;
    }
}
