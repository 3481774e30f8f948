using System.Globalization;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether enough files may be open: connections of trainers, agents and the store count.</summary>
internal sealed class OpenFilesCheck : IDoctorCheck
{
    private const long Enough = 4096;

    public string Area => "limits";

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        // .NET raises its own soft limit to the hard one when it starts; the hard one is what an agent gets.
        var line = (await File.ReadAllLinesAsync("/proc/self/limits", cancellationToken).ConfigureAwait(false))
            .Single(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        var hard = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4];
        return
        [
            long.TryParse(hard, CultureInfo.InvariantCulture, out var files) && files < Enough
                ? Finding.Warning(Area, "open files", $"at most {hard}", $"Allow {Enough} or more (LimitNOFILE= of the unit, ulimits of the container).")
                : Finding.Ok(Area, "open files", $"up to {hard}"),
        ];
    }
}
