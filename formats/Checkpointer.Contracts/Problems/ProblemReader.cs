using System.Net;
using System.Text.Json;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Contracts.Problems;

/// <summary>The client's half: an error answer becomes the <see cref="CheckpointerException"/> that caused it.</summary>
public static class ProblemReader
{
    /// <summary>Largest error body that is read; the rest of a longer one is ignored and the status speaks for it.</summary>
    public const int MaxBodyBytes = 64 * 1024;

    private static readonly Dictionary<string, ErrorCode> Codes =
        Enum.GetValues<ErrorCode>().ToDictionary(CheckpointerProblem.NameOf, StringComparer.Ordinal);

    /// <summary>Throws what the answer says unless its status is a success.</summary>
    public static async Task EnsureSuccessAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(response);
        if (!response.IsSuccessStatusCode)
        {
            throw await ReadAsync(response, cancellationToken);
        }
    }

    /// <summary>The error in <paramref name="response"/>, whose status is none of success.</summary>
    public static async Task<CheckpointerException> ReadAsync(
        HttpResponseMessage response, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(response);
        var problem = await TryReadBodyAsync(response.Content, cancellationToken);
        return problem is not null && Codes.TryGetValue(problem.Code, out var code)
            ? new CheckpointerException(code, problem.Detail ?? problem.Title, problem.Transient)
            : FromStatus(response);
    }

    private static async Task<Problem?> TryReadBodyAsync(HttpContent content, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentType?.MediaType != Problem.MediaType)
        {
            return null;
        }

        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[MaxBodyBytes];
        var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(buffer.AsSpan(0, length), ContractsJsonContext.Default.Problem);
        }
        catch (JsonException)
        {
            // A proxy's or a cut-off body: the status still says enough.
            return null;
        }
    }

    private static CheckpointerException FromStatus(HttpResponseMessage response)
    {
        var from = response.RequestMessage?.RequestUri is { } uri ? $" from {uri.GetLeftPart(UriPartial.Path)}" : "";
        var message = $"An answer {(int)response.StatusCode} without a problem body{from}.";
        return response.StatusCode switch
        {
            HttpStatusCode.NotFound => new(ErrorCode.NotFound, message),
            HttpStatusCode.RequestEntityTooLarge => new(ErrorCode.LimitExceeded, message),
            HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError =>
                new(ErrorCode.ServiceUnavailable, message, isTransient: true),
            _ => new(ErrorCode.InvalidRequest, message),
        };
    }
}
