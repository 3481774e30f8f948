using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Checkpointer.Contracts.Problems;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Cli.Doctor;

/// <summary>GETs whose failure is a sentence.</summary>
internal static class HttpAnswers
{
    /// <summary>The answer, or what is wrong; and the server's clock if it told it.</summary>
    public static async Task<(T? Value, string? Problem, DateTimeOffset? Date)> GetAsync<T>(
        HttpClient client, string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            using var response = await client.GetAsync(path, cancellationToken).ConfigureAwait(false);
            var date = response.Headers.Date;
            try
            {
                await ProblemReader.EnsureSuccessAsync(response, cancellationToken).ConfigureAwait(false);
                return (await response.Content.ReadFromJsonAsync(type, cancellationToken).ConfigureAwait(false), null, date);
            }
            catch (CheckpointerException e)
            {
                return (null, e.Message, date);
            }
        }
        catch (HttpRequestException e)
        {
            return (null, (e.InnerException ?? e).Message.TrimEnd('.'), null);
        }
        catch (JsonException)
        {
            return (null, $"its answer to /{path} is not Checkpointer's: something else listens there", null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, string.Create(CultureInfo.InvariantCulture, $"no answer within {client.Timeout.TotalSeconds:0} s"), null);
        }
    }
}
