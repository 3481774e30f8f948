using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Images;
using Checkpointer.Contracts.Problems;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Agent.Restoring;

/// <summary>A sealed image in another agent's memory, read by ranges, each straight to where it is wanted.</summary>
internal sealed class PeerImageSource(
    HttpClient http, TimeProvider time, string node, Uri image, CheckpointId checkpoint) : IImageSource
{
    /// <summary>Longest description that is read, in bytes: the most chunks there are, in base64, and extra.</summary>
    public const int MaxDescriptionBytes = 32 * 1024 * 1024;

    /// <summary>How long a call may take, apart from its bytes.</summary>
    public static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(10);

    /// <summary>The slowest peer that is worth reading from, in bytes a second.</summary>
    public const long SlowestBytesPerSecond = 2_000_000;

    private ChunkGeometry _geometry;

    public string Description => $"the memory of node {node} ({image.GetLeftPart(UriPartial.Authority)})";

    public SourceKind Kind => SourceKind.PeerMemory;

    public string? Node => node;

    /// <summary>The address of a peer's image.</summary>
    public static Uri AddressOf(Uri agent, RunId run, Rank rank, CheckpointId checkpoint) =>
        new(agent, $"v1/images/{run}/{rank}/{checkpoint}");

    public async Task<ImageFacts?> OpenAsync(CancellationToken cancellationToken)
    {
        var bytes = await ReadWholeAsync("", MaxDescriptionBytes, cancellationToken);
        try
        {
            var description = JsonSerializer.Deserialize(bytes, ContractsJsonContext.Default.ImageDescription)
                ?? throw new JsonException("null");
            return Facts(description);
        }
        catch (JsonException e)
        {
            throw new CheckpointerException(ErrorCode.ChunkCorrupt, $"its description is malformed: {e.Message}", inner: e);
        }
    }

    public async Task<Layout> ReadLayoutAsync(CancellationToken cancellationToken) =>
        Layout.Parse(await ReadWholeAsync("/layout", Layout.MaxBytes, cancellationToken));

    public bool Has(int chunk) => true;

    public async Task ReadAsync(int first, int count, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var from = _geometry.OffsetOf(first);
        var to = from + destination.Length - 1;
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(image + "/data"));
        request.Headers.Range = new RangeHeaderValue(from, to);
        _ = await ExchangeAsync(request, destination.Length, async (response, token) =>
        {
            var range = response.Content.Headers.ContentRange;
            if (response.StatusCode != HttpStatusCode.PartialContent || range?.From != from || range?.To != to
                || response.Content.Headers.ContentLength != destination.Length)
            {
                throw new CheckpointerException(
                    ErrorCode.ChunkCorrupt,
                    string.Create(CultureInfo.InvariantCulture, $"it answered bytes {from}-{to} with {(int)response.StatusCode} {range}"));
            }

            await using var stream = await response.Content.ReadAsStreamAsync(token);
            await stream.ReadExactlyAsync(destination, token);
            return true;
        }, cancellationToken);
    }

    private ImageFacts Facts(ImageDescription description)
    {
        var hashes = description.ChunkHashes;
        if (description.Checkpoint != checkpoint
            || !ChunkGeometry.IsValid(description.Image.ImageBytes, description.ChunkBytes))
        {
            throw new CheckpointerException(ErrorCode.ChunkCorrupt, $"it describes {description.Checkpoint}, in chunks of {description.ChunkBytes}");
        }

        _geometry = new ChunkGeometry(description.Image.ImageBytes, description.ChunkBytes);
        if (hashes.Length != (long)_geometry.Count * ChunkHash.SizeBytes)
        {
            throw new CheckpointerException(ErrorCode.ChunkCorrupt, $"it gives {hashes.Length} bytes of hashes for {_geometry.Count} chunks");
        }

        var list = new ChunkHash[_geometry.Count];
        for (var i = 0; i < list.Length; i++)
        {
            list[i] = ChunkHash.ReadFrom(hashes.AsSpan(i * ChunkHash.SizeBytes));
        }

        var extra = description.Extra is { } value ? System.Text.Encoding.UTF8.GetBytes(value.GetRawText()) : [];
        return new ImageFacts(description.Image, _geometry, list, extra);
    }

    private async Task<byte[]> ReadWholeAsync(string suffix, int maxBytes, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(image + suffix));
        return await ExchangeAsync(request, maxBytes, async (response, token) =>
        {
            await response.Content.LoadIntoBufferAsync(maxBytes, token);
            return await response.Content.ReadAsByteArrayAsync(token);
        }, cancellationToken);
    }

    private async Task<T> ExchangeAsync<T>(
        HttpRequestMessage request,
        long bytes,
        Func<HttpResponseMessage, CancellationToken, Task<T>> read,
        CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(
            CallTimeout + TimeSpan.FromSeconds(bytes / (double)SlowestBytesPerSecond), time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            await ProblemReader.EnsureSuccessAsync(response, both.Token);
            return await read(response, both.Token);
        }
        catch (Exception e) when (e is HttpRequestException or IOException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new CheckpointerException(
                ErrorCode.ServiceUnavailable, $"the agent does not answer: {e.Message}", isTransient: true, e);
        }
    }
}
