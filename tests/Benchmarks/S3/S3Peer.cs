using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using Minio;
using Minio.DataModel.Args;

namespace Checkpointer.Benchmarks.S3;

/// <summary>
/// What Checkpointer is compared with on S3: presigned requests through a bare HttpClient, which is as fast as a client can
/// be, and the Minio SDK's own put. Each moves the same number of bytes as a drain or a restore, as many objects at once.
/// </summary>
internal sealed class S3Peer : IDisposable
{
    private const int PresignedForSeconds = 3600;
    private const string Prefix = "peer/";

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = 64 })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private readonly IMinioClient _minio;
    private readonly S3Place _place;
    private readonly byte[] _pack = GC.AllocateUninitializedArray<byte>(PackBytes);

    public S3Peer(S3Place place)
    {
        _place = place;
        _minio = new MinioClient().WithEndpoint(place.Endpoint.Authority).WithRegion(place.Region)
            .WithCredentials(place.AccessKey, place.SecretKey).WithSSL(place.Endpoint.Scheme == Uri.UriSchemeHttps).Build();
        new Random(7).NextBytes(_pack);
    }

    /// <summary>Bytes of one object, as long as a full pack.</summary>
    public const int PackBytes = 256 << 20;

    /// <summary>Bytes of one ranged read, as long as an agent's.</summary>
    public const int RangeBytes = 16 << 20;

    /// <summary>Objects put, or ranges read, at once: as many as one rank's drain or restore.</summary>
    public const int Parallelism = 4;

    /// <summary>Seconds of putting so many bytes by presigned requests.</summary>
    public Task<double> RawPutAsync(long bytes, CancellationToken cancellationToken) =>
        PutAsync(bytes, RawPutAsync, cancellationToken);

    /// <summary>Seconds of putting so many bytes by the SDK's PutObjectAsync.</summary>
    public Task<double> SdkPutAsync(long bytes, CancellationToken cancellationToken) =>
        PutAsync(bytes, SdkPutAsync, cancellationToken);

    /// <summary>
    /// Seconds of reading every byte of the objects under <paramref name="prefix"/>, by presigned ranged requests: into memory
    /// that was never touched, as a restore on a spare must; or, if <paramref name="warm"/>, over and over into the same.
    /// </summary>
    public async Task<double> RawGetAsync(string prefix, bool warm, CancellationToken cancellationToken)
    {
        var ranges = new List<(Uri Url, long From, long To)>();
        foreach (var (key, size) in await ListAsync(prefix, cancellationToken))
        {
            var url = new Uri(await _minio.PresignedGetObjectAsync(new PresignedGetObjectArgs()
                .WithBucket(_place.Bucket).WithObject(key).WithExpiry(PresignedForSeconds)));
            for (long from = 0; from < size; from += RangeBytes)
            {
                ranges.Add((url, from, Math.Min(size, from + RangeBytes) - 1));
            }
        }

        var memory = Enumerable.Range(0, warm ? Parallelism : ranges.Count).Select(_ => new FreshMemory(RangeBytes)).ToList();
        if (warm)
        {
            memory.ForEach(buffer => buffer.GetSpan().Fill(1));
        }

        var free = new ConcurrentBag<FreshMemory>(memory);
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(ranges, Options(cancellationToken), async (range, token) =>
        {
            _ = free.TryTake(out var buffer);
            await GetRangeAsync(range, buffer!.Memory, token);
            if (warm)
            {
                free.Add(buffer);
            }
        });
        var seconds = clock.Elapsed.TotalSeconds;
        memory.ForEach(buffer => ((IDisposable)buffer).Dispose());
        return seconds;
    }

    /// <summary>Deletes every object under <paramref name="prefix"/>.</summary>
    public async Task DeleteAsync(string prefix, CancellationToken cancellationToken)
    {
        foreach (var (key, _) in await ListAsync(prefix, cancellationToken))
        {
            await _minio.RemoveObjectAsync(new RemoveObjectArgs().WithBucket(_place.Bucket).WithObject(key), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _minio.Dispose();
    }

    private async Task<double> PutAsync(
        long bytes, Func<string, ReadOnlyMemory<byte>, CancellationToken, Task> put, CancellationToken cancellationToken)
    {
        var packs = Enumerable.Range(0, (int)((bytes + PackBytes - 1) / PackBytes))
            .Select(i => (Key: $"{Prefix}{i:D4}", Length: (int)Math.Min(PackBytes, bytes - ((long)i * PackBytes))));
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(
            packs, Options(cancellationToken), async (pack, token) => await put(pack.Key, _pack.AsMemory(0, pack.Length), token));
        var seconds = clock.Elapsed.TotalSeconds;
        await DeleteAsync(Prefix, cancellationToken);
        return seconds;
    }

    private async Task RawPutAsync(string key, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var url = await _minio.PresignedPutObjectAsync(new PresignedPutObjectArgs()
            .WithBucket(_place.Bucket).WithObject(key).WithExpiry(PresignedForSeconds));
        using var request = new HttpRequestMessage(HttpMethod.Put, url) { Content = new ReadOnlyMemoryContent(bytes) };
        using var answer = await _http.SendAsync(request, cancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    private async Task SdkPutAsync(string key, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream(_pack, 0, bytes.Length, writable: false);
        await _minio.PutObjectAsync(
            new PutObjectArgs().WithBucket(_place.Bucket).WithObject(key).WithStreamData(stream).WithObjectSize(bytes.Length),
            cancellationToken);
    }

    private async Task GetRangeAsync(
        (Uri Url, long From, long To) range, Memory<byte> target, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, range.Url);
        request.Headers.Range = new RangeHeaderValue(range.From, range.To);
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        answer.EnsureSuccessStatusCode();
        var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        await body.ReadExactlyAsync(target[..(int)(range.To - range.From + 1)], cancellationToken);
    }

    private async Task<List<(string Key, long Size)>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        var found = new List<(string, long)>();
        var listing = _minio.ListObjectsEnumAsync(
            new ListObjectsArgs().WithBucket(_place.Bucket).WithPrefix(prefix).WithRecursive(true), cancellationToken);
        await foreach (var item in listing)
        {
            found.Add((item.Key, (long)item.Size));
        }

        return found;
    }

    private static ParallelOptions Options(CancellationToken cancellationToken) =>
        new() { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
}
