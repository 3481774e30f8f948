using System.Net;
using System.Net.Http.Headers;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.S3;

/// <summary>Reads ranges of objects straight into the caller's memory.</summary>
internal sealed class S3RangedRead(S3Requests requests)
{
    /// <summary>
    /// Fills <paramref name="destination"/> (not empty) or throws. Only an answer that is by all signs the very range that
    /// was asked for is let into the caller's memory.
    /// </summary>
    public async Task FillAsync(ObjectKey key, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        using var watch = requests.Watch(cancellationToken);
        using var request = requests.ForObject(HttpMethod.Get, key);
        request.Headers.Range = new RangeHeaderValue(offset, offset + destination.Length - 1);
        using var answer = await requests.SendAsync(request, S3Action.Read, requests.Name(key), watch).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode)
        {
            throw await requests.FailureAsync(answer, S3Action.Read, requests.Name(key), watch).ConfigureAwait(false);
        }

        RequireRange(key, answer, offset, destination.Length);
        await ReadBodyAsync(key, answer, destination, watch).ConfigureAwait(false);
    }

    /// <summary>The failure of an object that ends before what was asked for.</summary>
    public CheckpointerException TooShort(ObjectKey key, long size, long end) => requests.Failures.Broken(
        S3Action.Read, requests.Name(key), $"the object has {size} bytes and byte {end - 1} was asked for.", transient: false);

    private void RequireRange(ObjectKey key, HttpResponseMessage answer, long offset, int length)
    {
        var range = answer.Content.Headers.ContentRange;
        if (answer.StatusCode != HttpStatusCode.PartialContent || range is not { HasRange: true, From: { } from, To: { } to })
        {
            throw Broken("the server ignores Range and would give the whole object. A proxy between may take it away.", transient: false);
        }

        if (answer.Content.Headers.ContentEncoding.Count > 0)
        {
            throw Broken("the server gives it encoded, not as it is stored. A proxy between may do that.", transient: false);
        }

        if (range.Length is { } total && total < offset + length)
        {
            throw TooShort(key, total, offset + length);
        }

        if (from != offset || to != offset + length - 1)
        {
            throw Broken($"bytes {offset} to {offset + length - 1} were asked for and the server gives {from} to {to}.", transient: false);
        }

        if (answer.Content.Headers.ContentLength is { } given && given != length)
        {
            throw Broken($"{length} bytes were announced and {given} given.", transient: true);
        }

        CheckpointerException Broken(string text, bool transient) =>
            requests.Failures.Broken(S3Action.Read, requests.Name(key), text, transient);
    }

    private async Task ReadBodyAsync(ObjectKey key, HttpResponseMessage answer, Memory<byte> destination, StallWatch watch)
    {
        var filled = 0;
        watch.Receiving(destination.Length);
        try
        {
            var stream = await answer.Content.ReadAsStreamAsync(watch.Token).ConfigureAwait(false);
            while (filled < destination.Length)
            {
                var read = await stream.ReadAsync(destination[filled..], watch.Token).ConfigureAwait(false);
                if (read == 0)
                {
                    throw requests.Failures.Broken(
                        S3Action.Read, requests.Name(key), $"the body ended after {filled} of {destination.Length} bytes.", transient: true);
                }

                filled += read;
                watch.Received(read);
            }
        }
        catch (Exception e) when (S3Requests.IsTransport(e, watch.Caller))
        {
            throw watch.IsStalled
                ? requests.Failures.Stalled(S3Action.Read, requests.Name(key), watch, e)
                : requests.Failures.FromTransport(S3Action.Read, $"{requests.Name(key)} (after {filled} of {destination.Length} bytes)", e);
        }
    }
}
