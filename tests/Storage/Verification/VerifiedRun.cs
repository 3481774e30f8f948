using Checkpointer.Formats.Identity;
using Checkpointer.Storage.FileSystem;
using Checkpointer.Storage.Verification;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Checkpoints;

namespace Checkpointer.Storage.Tests.Verification;

/// <summary>A small run in a folder, what verifying it finds, and ways to harm it.</summary>
internal sealed class VerifiedRun : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public VerifiedRun(int worldSize = 2)
    {
        Store = new FileSystemObjectStore(_folder.Path);
        Run = new StoredRun(Store, RunId.Parse("sft-demo"), worldSize);
    }

    public IObjectStore Store { get; }

    public StoredRun Run { get; }

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async Task<List<CheckpointVerification>> VerifyAllAsync(
        IReadOnlyList<CheckpointId> checkpoints,
        IObjectStore? store = null,
        VerificationOptions? options = null,
        IProgress<VerificationProgress>? progress = null)
    {
        var verifier = new CheckpointVerifier(store ?? Store, options ?? new VerificationOptions(), TimeProvider.System);
        var found = new List<CheckpointVerification>();
        await foreach (var verification in verifier.VerifyAsync(Run.Run, checkpoints, progress, Cancel))
        {
            found.Add(verification);
        }

        return found;
    }

    public async Task<CheckpointVerification> VerifyAsync(
        CheckpointId checkpoint, IObjectStore? store = null, VerificationOptions? options = null) =>
        Assert.Single(await VerifyAllAsync([checkpoint], store, options));

    public Task<byte[]> ReadAsync(ObjectKey key) => Store.ReadAllAsync(key, 1 << 20, Cancel);

    public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> bytes) => Store.PutAsync(key, new ObjectContent(bytes), Cancel);

    public async Task FlipBitAsync(ObjectKey key, int at)
    {
        var bytes = await ReadAsync(key);
        bytes[at] ^= 0x04;
        await PutAsync(key, bytes);
    }

    public async Task SwapAsync(ObjectKey one, ObjectKey other)
    {
        var (first, second) = (await ReadAsync(one), await ReadAsync(other));
        await PutAsync(one, second);
        await PutAsync(other, first);
    }

    public void Dispose() => _folder.Dispose();
}
