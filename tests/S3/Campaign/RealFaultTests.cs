using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Ceph;

namespace Checkpointer.S3.Tests.Campaign;

/// <summary>What goes wrong with nobody injecting it: keys, buckets, clocks, a gateway that dies.</summary>
public sealed class RealFaultTests(ITestOutputHelper output)
{
    private static readonly ObjectKey Key = new("runs/r/checkpoints/1/MANIFEST.json");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("aws_access_key_id = nobody\naws_secret_access_key = {secret}")]
    [InlineData("aws_access_key_id = {access}\naws_secret_access_key = not-the-right-one")]
    public async Task WrongKeys_AreDenied_AndAMendedFileIsEnough(string wrong)
    {
        var gateway = await CephGateway.GetAsync(Cancel);
        using var folder = new TemporaryFolder();
        var file = folder.File("credentials");
        await File.WriteAllTextAsync(
            file,
            "[default]\n" + wrong.Replace("{access}", gateway.AccessKey, StringComparison.Ordinal)
                .Replace("{secret}", gateway.SecretKey, StringComparison.Ordinal),
            Cancel);
        await using var bucket = await FaultyBucket.NewAsync(Cancel);
        var store = ObjectStores.OpenResilient(
            new StoreOptions { Url = bucket.Url(gateway.Endpoint, file) }, TimeProvider.System, new Random(1));

        var put = await DeniedAsync(() => store.PutIfAbsentOrVerifyAsync(Key, Contents.Make(3), Cancel));
        var head = await DeniedAsync(() => store.HeadAsync(Key, Cancel));
        await DeniedAsync(() => store.ReadAsync(Key, 0, new byte[1], Cancel));
        await DeniedAsync(async () => await store.ListAsync("", Cancel).ToListAsync(Cancel));
        await DeniedAsync(() => store.DeleteAsync(Key, Cancel));
        output.WriteLine($"put: {put.Message}\nhead: {head.Message}");
        Assert.All([put.Message, head.Message], message =>
        {
            Assert.Contains("credentials", message, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(gateway.SecretKey, message, StringComparison.Ordinal);
            Assert.DoesNotContain("not-the-right-one", message, StringComparison.Ordinal);
        });

        File.Copy(gateway.CredentialsFile, folder.File("new"));
        File.Move(folder.File("new"), file, overwrite: true);

        Assert.Equal(PutOutcome.Created, await store.PutIfAbsentOrVerifyAsync(Key, Contents.Make(3), Cancel));
    }

    [Fact]
    public async Task MissingBucket_IsNamed_AndItsReturnIsEnough()
    {
        var gateway = await CephGateway.GetAsync(Cancel);
        await using var bucket = await FaultyBucket.NewAsync(Cancel);
        await gateway.DeleteBucketAsync(bucket.Name, Cancel);
        var store = ObjectStores.OpenResilient(bucket.Options(gateway.Endpoint), TimeProvider.System, new Random(1));
        var content = Contents.Make(3);

        foreach (var act in new Func<Task>[]
        {
            () => store.PutIfAbsentAsync(Key, new ObjectContent(content), Cancel),
            () => store.ReadAsync(Key, 0, new byte[1], Cancel),
            async () => await store.ListAsync("", Cancel).ToListAsync(Cancel),
        })
        {
            var failure = await Assert.ThrowsAsync<CheckpointerException>(act);
            output.WriteLine(failure.Message);
            Assert.Equal((ErrorCode.StorageFailed, false), (failure.Code, failure.IsTransient));
            Assert.Contains(bucket.Name, failure.Message, StringComparison.Ordinal);
            Assert.Contains(gateway.Endpoint.Authority, failure.Message, StringComparison.Ordinal);
        }

        await gateway.MakeBucketAsync(bucket.Name, Cancel);
        Assert.Equal(PutOutcome.Created, await store.PutIfAbsentOrVerifyAsync(Key, content, Cancel));
    }

    /// <summary>A clock that is behind: this server takes what is signed for the future, others do not.</summary>
    [Fact]
    public async Task Clock_ThatIsOff_IsDenied_AndNamed()
    {
        await using var bucket = await FaultyBucket.NewAsync(Cancel);
        var time = new ShiftedTime(TimeSpan.FromMinutes(-40));
        var store = bucket.OpenPlain(time);

        var failure = await DeniedAsync(() => store.PutIfAbsentOrVerifyAsync(Key, Contents.Make(3), Cancel));

        output.WriteLine(failure.Message);
        Assert.Contains("clock", failure.Message, StringComparison.OrdinalIgnoreCase);
        time.By = TimeSpan.Zero;
        Assert.Equal(PutOutcome.Created, await store.PutIfAbsentOrVerifyAsync(Key, Contents.Make(3), Cancel));
    }

    [Fact]
    public async Task Gateway_KilledAgainAndAgain_LosesNothing()
    {
        var gateway = await CephGateway.GetAsync(Cancel);
        await using var bucket = await FaultyBucket.NewAsync(Cancel);
        using var spare = new SpareGateway(gateway);
        await spare.StartAsync(Cancel);
        var chronicle = new Chronicle();
        var store = ObjectStores.OpenResilient(bucket.Options(spare.Endpoint), new FasterTime(5), new Random(1));
        using var over = new CancellationTokenSource();
        var running = new Workload(store, chronicle, seed: 1).RunAsync(over.Token, Cancel);

        for (var kills = 0; kills < 3; kills++)
        {
            var before = chronicle.Acknowledged.Length;
            for (var patience = 0; chronicle.Acknowledged.Length < before + 20 && patience < 600; patience++)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), Cancel);
            }

            await spare.KillAsync(Cancel);
            await spare.StartAsync(Cancel);
        }

        await over.CancelAsync();
        await running;
        await chronicle.ReadBackAsync(bucket.OpenDirect(), Cancel);
        Assert.Empty(chronicle.Violations);
        Assert.True(chronicle.Acknowledged.Length >= 60, $"{chronicle.Acknowledged.Length} objects were stored");
        output.WriteLine($"{chronicle.Acknowledged.Length} objects stored; {string.Join(", ", chronicle.Failures)}");
    }

    private static async Task<CheckpointerException> DeniedAsync(Func<Task> act)
    {
        var failure = await Assert.ThrowsAsync<CheckpointerException>(act);
        Assert.True(failure.Code == ErrorCode.StorageDenied && !failure.IsTransient, failure.ToString());
        return failure;
    }
}
