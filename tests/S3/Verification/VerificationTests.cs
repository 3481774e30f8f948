using Checkpointer.FaultProxy.Faults;
using Checkpointer.Formats.Identity;
using Checkpointer.S3.Tests.Campaign;
using Checkpointer.Storage;
using Checkpointer.Storage.Verification;
using Checkpointer.TestKit.Checkpoints;

namespace Checkpointer.S3.Tests.Verification;

/// <summary>Verifying checkpoints on a real S3 server: what is on the server is told, and not what happens on the way.</summary>
public sealed class VerificationTests(ITestOutputHelper output)
{
    private const int Seed = 20261124;
    private const int Faster = 10;

    // Requests between two faults: more than are in flight at once, so that no second read is hit as the first was.
    private const int Between = 15;

    private static readonly RunId Run = RunId.Parse("sft-demo");

    // What the store's own resilience or a second read gets over. The others say that the keys are no good.
    private static readonly FaultKind[] Passing =
    [
        FaultKind.InternalError, FaultKind.SlowDown, FaultKind.TooManyRequests, FaultKind.ResetBefore, FaultKind.LostAnswer,
        FaultKind.ResetInResponse, FaultKind.Drip, FaultKind.ShortBody, FaultKind.ShortLength, FaultKind.WrongResponse,
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Faults_OnTheWay_AreNoDamage()
    {
        await using var bucket = await FaultyBucket.NewAsync(Cancel);
        var run = new StoredRun(bucket.OpenDirect(), Run, worldSize: 4);
        CheckpointId[] checkpoints = [await run.SaveAsync(10), await run.SaveAsync(20), await run.SaveAsync(30)];
        bucket.Proxy.Plan = Spread();

        var found = await VerifyAsync(bucket.OpenResilient(new FasterTime(Faster), Seed), checkpoints);

        output.WriteLine(string.Join(", ", Passing.Select(kind => $"{kind} {bucket.Proxy.Counts.Of(kind)}")));

        // One or two may be due at a request that they do not fit, or at none any more.
        Assert.InRange(Passing.Sum(bucket.Proxy.Counts.Of), Passing.Length - 2, Passing.Length);
        Assert.All(found, verification => Assert.Empty(verification.Findings));
        Assert.All(found, verification => Assert.True(verification.IsComplete));
    }

    [Fact]
    public async Task Damage_OnTheServer_IsNamed_AlsoUnderFaults()
    {
        await using var bucket = await FaultyBucket.NewAsync(Cancel);
        var run = new StoredRun(bucket.OpenDirect(), Run);
        var checkpoint = await run.SaveAsync(10);
        var missing = run.PlaceOf(new Rank(0), 0).Key;
        await run.Store.DeleteAsync(missing, Cancel);
        var (bad, offset) = run.PlaceOf(new Rank(1), run.ChunkIn(new Rank(1), "weights"));
        var bytes = await run.Store.ReadAllAsync(bad, 1 << 20, Cancel);
        bytes[offset] ^= 1;
        await run.Store.PutAsync(bad, new ObjectContent(bytes), Cancel);
        bucket.Proxy.Plan = Spread();

        var found = Assert.Single(await VerifyAsync(bucket.OpenResilient(new FasterTime(Faster), Seed), [checkpoint]));

        Assert.Equal(
            [(missing, FindingKind.Missing), (bad, FindingKind.Corrupt)],
            found.Findings.Select(finding => (finding.Key, finding.Kind)));
        Assert.Equal(["weights"], found.Findings[1].Tensors);
    }

    [Theory]
    [InlineData(FaultKind.InternalError)]
    [InlineData(FaultKind.ExpiredToken)]
    public async Task ServerThatDoesNotGive_IsIncomplete(FaultKind kind)
    {
        await using var bucket = await FaultyBucket.NewAsync(Cancel);
        var run = new StoredRun(bucket.OpenDirect(), Run);
        var checkpoint = await run.SaveAsync(10);
        bucket.Proxy.Plan = FaultPlan.Seeded(Seed, 1, kind).For(keyPart: ".pack");

        var found = Assert.Single(await VerifyAsync(bucket.OpenResilient(new FasterTime(50), Seed), [checkpoint]));

        Assert.False(found.IsDamaged);
        Assert.False(found.IsComplete);
        Assert.Equal(found.Bytes, found.UnreadBytes);
    }

    private static FaultPlan Spread() => FaultPlan.Script(
        Passing.SelectMany(kind => Enumerable.Repeat<FaultKind?>(null, Between).Append(kind)));

    private static async Task<List<CheckpointVerification>> VerifyAsync(IObjectStore store, IReadOnlyList<CheckpointId> checkpoints)
    {
        var found = new List<CheckpointVerification>();
        await foreach (var verification in new CheckpointVerifier(store, new VerificationOptions(), TimeProvider.System)
            .VerifyAsync(Run, checkpoints, null, Cancel))
        {
            found.Add(verification);
        }

        return found;
    }
}
