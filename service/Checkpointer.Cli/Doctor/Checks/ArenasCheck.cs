using System.Globalization;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whose snapshots lie in the folder of arenas, and how many bytes they take.</summary>
internal sealed class ArenasCheck : ICheck
{
    private const int MaxRuns = 8;

    public Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        var arena = surroundings.Options.Arena;
        var runs = ArenaContents.Read(arena);
        var list = string.Join("; ", runs.Take(MaxRuns).Select(run =>
            string.Create(CultureInfo.InvariantCulture, $"{run.Node}/{run.Run}: {run.Arenas} arenas, {ByteSize.Show(run.Bytes)}")));
        var more = runs.Count > MaxRuns ? string.Create(CultureInfo.InvariantCulture, $"; and {runs.Count - MaxRuns} runs more") : "";
        return Task.FromResult<IReadOnlyList<Finding>>(
            [Finding.Ok(runs.Count == 0 ? $"'{arena}' holds no snapshots" : $"'{arena}' holds {list}{more}")]);
    }
}
