using System.Globalization;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Storage.Repository;

/// <summary>Reads keys of saves back: the inverse of <see cref="RepositoryKeys"/>, and as strict.</summary>
public static class SaveKeys
{
    /// <summary>
    /// The save that <paramref name="key"/> lies in a folder of, and what it is there; null if it lies in none. An object whose
    /// name this format would not give exactly so is <see cref="SaveObjectKind.Other"/>.
    /// </summary>
    public static (CheckpointId Checkpoint, SaveObjectKind Kind)? Parse(RunId run, ObjectKey key)
    {
        var value = key.Value;
        foreach (var (prefix, isPacks) in ((string, bool)[])[(RepositoryKeys.Checkpoints(run), false), (RepositoryKeys.Packs(run), true)])
        {
            if (!value.StartsWith(prefix, StringComparison.Ordinal))
            {
                continue;
            }

            var rest = value[prefix.Length..];
            var slash = rest.IndexOf('/', StringComparison.Ordinal);
            return slash > 0
                && CheckpointId.TryParse(rest[..slash], CultureInfo.InvariantCulture, out var checkpoint)
                && RepositoryKeys.Folder(checkpoint) == rest[..slash]
                ? (checkpoint, KindOf(run, checkpoint, key, rest[(slash + 1)..], isPacks))
                : null;
        }

        return null;
    }

    // Made again from what was read and compared: so nothing but the exact name passes.
    private static SaveObjectKind KindOf(RunId run, CheckpointId checkpoint, ObjectKey key, string name, bool isPacks)
    {
        if (!isPacks)
        {
            return key == RepositoryKeys.Manifest(run, checkpoint) ? SaveObjectKind.Manifest
                : TryNumber(name.Split('.')[0], out var rank) && key == RepositoryKeys.Index(run, checkpoint, new Rank(rank)) ? SaveObjectKind.Index
                : SaveObjectKind.Other;
        }

        var dash = name.IndexOf('-', StringComparison.Ordinal);
        return dash > 0
            && TryNumber(name[..dash], out var of)
            && TryNumber(name[(dash + 1)..].Split('.')[0], out var number)
            && key == RepositoryKeys.Pack(run, checkpoint, new Rank(of), number)
            ? SaveObjectKind.Pack
            : SaveObjectKind.Other;
    }

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= Rank.MaxValue;
}
