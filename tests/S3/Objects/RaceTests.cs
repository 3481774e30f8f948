using System.Globalization;
using System.Text;
using Checkpointer.Storage;
using Checkpointer.TestKit.Ceph;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.S3.Tests.Objects;

public sealed class RaceTests : IAsyncLifetime
{
    public const string Child = "create-keys";

    private const int Keys = 60;
    private const int ObjectBytes = 200_000;
    private Bucket? _bucket;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Bucket Bucket => _bucket!;

    public async ValueTask InitializeAsync() => _bucket = await Bucket.NewAsync(await CephGateway.GetAsync(Cancel));

    public ValueTask DisposeAsync() => Bucket.DisposeAsync();

    [Fact]
    public async Task PutIfAbsentAsync_ThreeProcesses_ExactlyOneCreatesEachKey()
    {
        var results = await Task.WhenAll("abc".Select(name =>
            ChildProcess.RunAsync(Child, [Bucket.Url, name.ToString()], crashAt: null, Cancel)));
        Assert.All(results, result => Assert.True(result.ExitCode == 0, result.ToString()));

        var created = results.Select((result, i) => (Name: "abc"[i], Keys: result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)))
            .SelectMany(result => result.Keys.Select(key => (Key: key, result.Name))).ToLookup(pair => pair.Key, pair => pair.Name);

        Assert.Equal(Keys, created.Count);
        foreach (var key in created)
        {
            var creator = Assert.Single(key);
            var bytes = await Bucket.Store.ReadAllAsync(new ObjectKey(key.Key), ObjectBytes, Cancel);
            Assert.Equal(ObjectBytes, bytes.Count((byte)creator));
        }
    }

    /// <summary>Creates all keys, many at once, as the process of that name; prints those it created.</summary>
    public static async Task<int> CreateAsync(string[] arguments)
    {
        using var store = Bucket.Open(arguments[0]);
        var content = new ObjectContent(Encoding.ASCII.GetBytes(new string(arguments[1][0], ObjectBytes)));
        await Parallel.ForEachAsync(Enumerable.Range(0, Keys), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, token) =>
        {
            var key = new ObjectKey(string.Create(CultureInfo.InvariantCulture, $"runs/r/{i:d3}"));
            if (await store.PutIfAbsentAsync(key, content, token) == PutOutcome.Created)
            {
                Console.Out.WriteLine(key.Value);
            }
        });
        return 0;
    }
}
