using Microsoft.AspNetCore.Http;

namespace Checkpointer.Agent.Serving;

/// <summary>The bytes of an image that a request asks for.</summary>
/// <param name="From">The first.</param>
/// <param name="Length">How many.</param>
/// <param name="IsWhole">Whether no range was asked for at all.</param>
internal readonly record struct ByteRange(long From, long Length, bool IsWhole)
{
    /// <summary>
    /// The range of <paramref name="request"/>, cut to what is there; null if it cannot be satisfied: it begins behind
    /// the end, it is several ranges (RFC 9110 lets a server refuse them), or it is no range of bytes.
    /// </summary>
    public static ByteRange? Of(HttpRequest request, long totalBytes)
    {
        if (request.Headers.Range.Count == 0)
        {
            return new ByteRange(0, totalBytes, IsWhole: true);
        }

        if (request.GetTypedHeaders().Range is not { Unit.Value: "bytes", Ranges: { Count: 1 } ranges })
        {
            return null;
        }

        var wanted = ranges.First();
        var (from, to) = (wanted.From, wanted.To) switch
        {
            ({ } first, { } last) => (first, Math.Min(last, totalBytes - 1)),
            ({ } first, null) => (first, totalBytes - 1),
            (null, { } suffix) when suffix > 0 => (Math.Max(0, totalBytes - suffix), totalBytes - 1),
            _ => (0, -1),
        };
        return from <= to ? new ByteRange(from, to - from + 1, IsWhole: false) : null;
    }
}
