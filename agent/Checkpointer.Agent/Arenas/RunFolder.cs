using System.Globalization;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Arenas;

/// <summary>The folder of one run's arenas: made of validated names only, so no path leads out of the node's folder.</summary>
internal sealed class RunFolder(string nodeFolder, RunId run)
{
    public const string Extension = ".arena";

    public RunId Run { get; } = run;

    public string Path { get; } = System.IO.Path.Combine(nodeFolder, run.Value);

    public LayoutFolder Layouts { get; } = new(System.IO.Path.Combine(nodeFolder, run.Value));

    public string FileOf(Rank rank, int slot) => System.IO.Path.Combine(
        Path, string.Create(CultureInfo.InvariantCulture, $"{rank.Value}-{slot}{Extension}"));
}
