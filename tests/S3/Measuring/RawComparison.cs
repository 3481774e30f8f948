using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Checkpointer.Storage;
using Checkpointer.Storage.S3;
using Checkpointer.TestKit;

namespace Checkpointer.S3.Tests.Measuring;

/// <summary>
/// What the store costs beside bare presigned requests of the same bytes, in turns within one process. Run by hand:
/// <c>Checkpointer.S3.Tests --child compare-with-raw STORE_URL [ROUNDS]</c>. Prints the median speed of each, their
/// ratio, and what each allocates and computes a gigabyte.
/// </summary>
internal static class RawComparison
{
    public const string Child = "compare-with-raw";

    private const int ObjectBytes = 64 << 20;

    public static async Task<int> RunAsync(string[] arguments)
    {
        var rounds = arguments.Length > 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : 9;
        var settings = S3Settings.Resolve(new StoreOptions { Url = arguments[0] }, Environment.GetEnvironmentVariable);
        using var store = S3ObjectStore.Open(settings, TimeProvider.System);
        using var http = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        var credentials = new S3CredentialSource(settings.Credentials, TimeProvider.System).Current();
        var bytes = TestBytes.Make(ObjectBytes, seed: 51);
        var memory = Enumerable.Range(0, 4).Select(_ => new byte[ObjectBytes]).ToArray();
        foreach (var concurrency in new[] { 1, 4 })
        {
            await CompareAsync($"put x{concurrency}", rounds, concurrency, RawPutAsync, i => store.PutAsync(Key(i), new ObjectContent(bytes), default));
            await CompareAsync($"get x{concurrency}", rounds, concurrency, RawGetAsync, i => store.ReadAsync(Key(i), 0, memory[i], default));
        }

        for (var i = 0; i < 4; i++)
        {
            await store.DeleteAsync(Key(i), default);
        }

        return 0;

        Uri Sign(HttpMethod method, int i) => S3Signer.Presign(
            method,
            new Uri(settings.Endpoint, $"{settings.Bucket}/{settings.Prefix}{Key(i)}"),
            credentials,
            settings.Region,
            TimeProvider.System.GetUtcNow(),
            S3Signer.Lifetime);

        async Task RawPutAsync(int i)
        {
            using var answer = await http.PutAsync(Sign(HttpMethod.Put, i), new ReadOnlyMemoryContent(bytes));
            answer.EnsureSuccessStatusCode();
        }

        async Task RawGetAsync(int i)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Sign(HttpMethod.Get, i));
            request.Headers.Range = new RangeHeaderValue(0, ObjectBytes - 1);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            answer.EnsureSuccessStatusCode();
            await using var body = await answer.Content.ReadAsStreamAsync();
            await body.ReadExactlyAsync(memory[i]);
        }
    }

    private static ObjectKey Key(int i) => new(string.Create(CultureInfo.InvariantCulture, $"measuring/{i}.pack"));

    private static async Task CompareAsync(string name, int rounds, int concurrency, Func<int, Task> raw, Func<int, Task> store)
    {
        var rawRounds = new List<Round>();
        var storeRounds = new List<Round>();
        for (var round = -1; round < rounds; round++)
        {
            // By turns first: whoever comes second finds warm caches.
            var first = await MeasureAsync(round % 2 == 0 ? raw : store, concurrency);
            var second = await MeasureAsync(round % 2 == 0 ? store : raw, concurrency);
            if (round >= 0)
            {
                rawRounds.Add(round % 2 == 0 ? first : second);
                storeRounds.Add(round % 2 == 0 ? second : first);
            }
        }

        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: raw {Median(rawRounds, r => r.Speed):0.000} GB/s, store {Median(storeRounds, r => r.Speed):0.000} GB/s, "
            + $"ratio {Median(storeRounds.Zip(rawRounds, (s, r) => s.Speed / r.Speed).ToList(), r => r):0.00}; "
            + $"processor {Median(rawRounds, r => r.Processor):0.00} and {Median(storeRounds, r => r.Processor):0.00} s/GB; "
            + $"allocated {Median(rawRounds, r => r.AllocatedMiB):0.00} and {Median(storeRounds, r => r.AllocatedMiB):0.00} MiB/GB"));
    }

    private static double Median<T>(List<T> items, Func<T, double> of) => items.Select(of).Order().ElementAt(items.Count / 2);

    private static async Task<Round> MeasureAsync(Func<int, Task> call, int concurrency)
    {
        using var process = Process.GetCurrentProcess();
        var (allocated, processor, started) = (GC.GetTotalAllocatedBytes(precise: true), process.TotalProcessorTime, Stopwatch.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, concurrency).Select(call));
        var elapsed = Stopwatch.GetElapsedTime(started);
        process.Refresh();
        var gigabytes = concurrency * (double)ObjectBytes / 1e9;
        return new Round(
            gigabytes / elapsed.TotalSeconds,
            (process.TotalProcessorTime - processor).TotalSeconds / gigabytes,
            (GC.GetTotalAllocatedBytes(precise: true) - allocated) / gigabytes / (1 << 20));
    }

    private sealed record Round(double Speed, double Processor, double AllocatedMiB);
}
