using System.Globalization;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Storage;

/// <summary>
/// Where everything of a run lies in the store (formats/SPEC.md, "Keys"). Numbers are zero-padded so that a listing
/// sorts; every key of a writer carries its attempt, so a fenced-out writer can only write what nothing refers to.
/// </summary>
public static class RepositoryKeys
{
    /// <summary>The prefix of all runs.</summary>
    public const string Runs = "runs/";

    /// <summary>The prefix of what probes put and delete again; no part of a repository.</summary>
    public const string Probes = "probes/";

    /// <summary>What names the repository, at the store's root.</summary>
    public static readonly ObjectKey Identity = new("repository.json");

    /// <summary>The prefix of all of one run's objects.</summary>
    public static string Run(RunId run) => $"{Runs}{run}/";

    /// <summary>A layout, named by the lower-case hex SHA-256 of its bytes.</summary>
    public static ObjectKey Layout(RunId run, string sha256) => new($"{Run(run)}layouts/{sha256}.json");

    /// <summary>The prefix of all packs of a run.</summary>
    public static string Packs(RunId run) => $"{Run(run)}packs/";

    /// <summary>Pack <paramref name="number"/> (from 0) of one rank's shard.</summary>
    public static ObjectKey Pack(RunId run, CheckpointId checkpoint, Rank rank, int number) => new(
        string.Create(CultureInfo.InvariantCulture,
            $"{Packs(run)}{Folder(checkpoint)}/{rank.Value:D6}-{number:D6}.pack"));

    /// <summary>The prefix of all checkpoints of a run.</summary>
    public static string Checkpoints(RunId run) => $"{Run(run)}checkpoints/";

    /// <summary>One rank's index of a checkpoint.</summary>
    public static ObjectKey Index(RunId run, CheckpointId checkpoint, Rank rank) => new(
        string.Create(CultureInfo.InvariantCulture,
            $"{Checkpoints(run)}{Folder(checkpoint)}/{rank.Value:D6}.index"));

    /// <summary>The manifest, whose creation commits the checkpoint.</summary>
    public static ObjectKey Manifest(RunId run, CheckpointId checkpoint) =>
        new($"{Checkpoints(run)}{Folder(checkpoint)}/MANIFEST.json");

    /// <summary>The record of one attempt: its members and what it resumed from.</summary>
    public static ObjectKey AttemptRecord(RunId run, Attempt attempt) => new(
        string.Create(CultureInfo.InvariantCulture, $"{Run(run)}attempts/{attempt.Value:D6}.json"));

    /// <summary>The name of a checkpoint's folders, without slash.</summary>
    public static string Folder(CheckpointId checkpoint) => string.Create(
        CultureInfo.InvariantCulture, $"{checkpoint.Step.Value:D12}.{checkpoint.Attempt.Value:D6}");
}
