using System.Globalization;

namespace Checkpointer.Chaos.Jobs;

/// <summary>What the trainer is told; the same for every job of a campaign, so that all must end in the same bits.</summary>
internal sealed record TrainingArguments(int Steps, int Seed)
{
    /// <summary>Steps between two checkpoints.</summary>
    public const int SaveEvery = 4;

    /// <summary>Steps between two snapshots.</summary>
    public const int MemoryEvery = 1;

    /// <summary>The trainer's command line, with its output in <paramref name="folder"/>.</summary>
    public IReadOnlyList<string> For(string folder) =>
    [
        string.Create(CultureInfo.InvariantCulture, $"--steps={Steps}"),
        string.Create(CultureInfo.InvariantCulture, $"--seed={Seed}"),
        string.Create(CultureInfo.InvariantCulture, $"--save-every={SaveEvery}"),
        string.Create(CultureInfo.InvariantCulture, $"--memory-every={MemoryEvery}"),
        $"--out={folder}",
    ];
}
