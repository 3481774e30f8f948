using System.Text.Json;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Storage.Repository;

/// <summary>
/// What names a repository: <c>repository.json</c> at the root of its store, written once and never changed
/// (formats/SPEC.md, "Repository"). Two stores are one repository if and only if their ids are equal.
/// </summary>
public sealed record RepositoryIdentity
{
    /// <summary>The value of the member <c>format</c>.</summary>
    public const string Format = "checkpointer.repository";

    /// <summary>The version that this program writes and reads.</summary>
    public const int Version = 1;

    /// <summary>Length of an id, in hex digits.</summary>
    public const int IdLength = 32;

    /// <summary>Largest object that is read as one, in bytes.</summary>
    public const int MaxBytes = 4096;

    private const int IdBytes = IdLength / 2;

    /// <summary>The id: 32 lower-case hex digits, drawn at random.</summary>
    public required string Id { get; init; }

    /// <summary>Draws a new one.</summary>
    public static RepositoryIdentity Draw(Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> bytes = stackalloc byte[IdBytes];
        random.NextBytes(bytes);
        return new RepositoryIdentity { Id = Convert.ToHexStringLower(bytes) };
    }

    /// <summary>Its bytes at rest.</summary>
    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(
        new RepositoryDocument { Format = Format, Version = Version, Id = Id }, RepositoryJsonContext.Default.RepositoryDocument);

    /// <summary>Reads what <see cref="Encode"/> wrote; anything else is <see cref="ErrorCode.StorageFailed"/>.</summary>
    public static RepositoryIdentity Parse(ReadOnlySpan<byte> utf8)
    {
        RepositoryDocument? found;
        try
        {
            found = JsonSerializer.Deserialize(utf8, RepositoryJsonContext.Default.RepositoryDocument);
        }
        catch (JsonException e)
        {
            throw Fault("it is not the JSON object that it has to be", e);
        }

        if (found?.Format != Format)
        {
            throw Fault("its format is another");
        }

        if (found.Version != Version)
        {
            throw Fault($"it is of version {found.Version}; this program knows {Version}, start a newer one");
        }

        return found.Id.Length == IdLength && found.Id.All(char.IsAsciiHexDigitLower)
            ? new RepositoryIdentity { Id = found.Id }
            : throw Fault($"its id is not {IdLength} lower-case hex digits");
    }

    /// <summary>The identity in <paramref name="store"/>; null if it has none.</summary>
    public static async Task<RepositoryIdentity?> FindAsync(IObjectStore store, CancellationToken cancellationToken)
    {
        try
        {
            return Parse(await store.ReadAllAsync(RepositoryKeys.Identity, MaxBytes, cancellationToken).ConfigureAwait(false));
        }
        catch (CheckpointerException e) when (e.Code == ErrorCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>The identity in <paramref name="store"/>, which gets a new one if it has none.</summary>
    public static async Task<RepositoryIdentity> EnsureAsync(
        IObjectStore store, Random random, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (await FindAsync(store, cancellationToken).ConfigureAwait(false) is { } known)
        {
            return known;
        }

        // Whoever else creates it at this moment: what is there afterwards is what counts.
        _ = await store.PutIfAbsentAsync(
            RepositoryKeys.Identity, new ObjectContent(Draw(random).Encode()), cancellationToken).ConfigureAwait(false);
        CrashPoint.Reach(CrashPointNames.RepositoryPut);
        return await FindAsync(store, cancellationToken).ConfigureAwait(false)
            ?? throw new CheckpointerException(
                ErrorCode.StorageFailed, $"{store.Description} does not have '{RepositoryKeys.Identity}', which was just put there.");
    }

    private static CheckpointerException Fault(string why, Exception? inner = null) => new(
        ErrorCode.StorageFailed,
        $"'{RepositoryKeys.Identity}' does not name a repository: {why}. Something else wrote it, or this is no repository; give Checkpointer a bucket or prefix of its own.",
        inner: inner);
}
