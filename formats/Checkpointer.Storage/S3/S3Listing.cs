using System.Runtime.CompilerServices;
using System.Xml;

namespace Checkpointer.Storage.S3;

/// <summary>Lists a bucket page by page. What is under the prefix and is no key of ours is left out.</summary>
internal sealed class S3Listing(S3Requests requests, string storePrefix)
{
    /// <summary>The objects whose key, after the store's own prefix, starts with <paramref name="prefix"/>.</summary>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? next = null;
        var last = "";
        do
        {
            var page = await ListPageAsync(prefix, next, cancellationToken).ConfigureAwait(false);
            foreach (var (bucketKey, size, modified) in page.Items)
            {
                var key = bucketKey.StartsWith(storePrefix, StringComparison.Ordinal) ? bucketKey[storePrefix.Length..] : "";
                if (!key.StartsWith(prefix, StringComparison.Ordinal) || !ObjectKey.IsValid(key))
                {
                    continue; // another program's object, such as a console's mark for a folder
                }

                if (string.CompareOrdinal(key, last) <= 0)
                {
                    throw requests.Failures.Broken(
                        S3Action.List, $"'{storePrefix}{prefix}'", "the server does not list keys in order, each once (a directory bucket?). Use a general-purpose bucket.", transient: false);
                }

                last = key;
                yield return new ObjectInfo(new ObjectKey(key), size, modified);
            }

            next = page.Next;
        }
        while (next is not null);
    }

    private async Task<S3ListPage> ListPageAsync(string prefix, string? token, CancellationToken cancellationToken)
    {
        var what = $"'{storePrefix}{prefix}'";
        using var watch = requests.Watch(cancellationToken);
        using var request = requests.ForBucket(
            HttpMethod.Get,
            "encoding-type=url&list-type=2"
            + $"&prefix={Uri.EscapeDataString(storePrefix + prefix)}"
            + (token is null ? "" : $"&continuation-token={Uri.EscapeDataString(token)}"));
        using var answer = await requests.SendAsync(request, S3Action.List, what, watch).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode)
        {
            throw await requests.FailureAsync(answer, S3Action.List, what, watch).ConfigureAwait(false);
        }

        try
        {
            var body = await S3Requests.ReadBodyAsync(answer, S3ListPage.MaxBytes, watch).ConfigureAwait(false)
                ?? throw requests.Failures.Broken(S3Action.List, what, $"a page has more than {S3ListPage.MaxBytes} bytes.", transient: false);
            return S3ListPage.Parse(body);
        }
        catch (Exception e) when (S3Requests.IsTransport(e, watch.Caller))
        {
            throw requests.FromTransport(S3Action.List, what, watch, e);
        }
        catch (Exception e) when (e is XmlException or FormatException or OverflowException)
        {
            // XML that does not parse was most likely cut off on its way.
            throw requests.Failures.Broken(S3Action.List, what, $"the server's listing cannot be read: {e.Message}", transient: e is XmlException);
        }
    }
}
