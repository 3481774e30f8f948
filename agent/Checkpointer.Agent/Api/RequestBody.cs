using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Checkpointer.Formats.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Checkpointer.Agent.Api;

/// <summary>Reading bodies within limits. Too long is <c>limit_exceeded</c>, not what it should be <c>invalid_request</c>.</summary>
internal static class RequestBody
{
    /// <summary>Reads one JSON value of at most <paramref name="maxBytes"/>.</summary>
    public static async Task<T> ReadJsonAsync<T>(this HttpRequest request, JsonTypeInfo<T> type, long maxBytes)
    {
        Limit(request, maxBytes);
        return await JsonSerializer.DeserializeAsync(request.Body, type, request.HttpContext.RequestAborted)
            ?? throw new CheckpointerException(ErrorCode.InvalidRequest, "The body is null.");
    }

    /// <summary>Reads a body of at most <paramref name="maxBytes"/> bytes whole. Allocates as it comes, not as it is announced.</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(this HttpRequest request, int maxBytes)
    {
        Limit(request, maxBytes);
        using var bytes = new MemoryStream();
        await request.Body.CopyToAsync(bytes, request.HttpContext.RequestAborted);
        return bytes.GetBuffer().AsMemory(0, (int)bytes.Length);
    }

    private static void Limit(HttpRequest request, long maxBytes)
    {
        if (request.ContentLength > maxBytes)
        {
            throw TooLong(maxBytes);
        }

        // A body of unannounced length is cut off by the server, which knows the same limit then.
        request.HttpContext.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = maxBytes;
    }

    private static CheckpointerException TooLong(long maxBytes) =>
        new(ErrorCode.LimitExceeded, $"The body is longer than the {maxBytes} bytes that this call permits.");
}
