using System.Globalization;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>This shell's limits on open files and locked memory, which daemons and trainers started from it inherit.</summary>
internal sealed class ProcessLimitsCheck : ICheck
{
    private const long WantedFiles = 4096;
    private const string Limits = "/proc/self/limits";

    public async Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        var lines = await File.ReadAllLinesAsync(Limits, cancellationToken).ConfigureAwait(false);
        var (files, locked) = (Hard(lines, "Max open files"), Hard(lines, "Max locked memory"));
        var (budget, _) = await Budgets.FindAsync(surroundings, cancellationToken).ConfigureAwait(false);
        return
        [
            (files >= WantedFiles
                ? Finding.Ok(Show(files))
                : Finding.Warning($"{Show(files)}, fewer than {WantedFiles}", "ulimit -n 65536, or LimitNOFILE=65536 in the unit.")) with { Part = "open files" },
            (locked >= budget
                ? Finding.Ok(locked == long.MaxValue ? "unlimited" : ByteSize.Show(locked))
                : Finding.Warning(
                    $"{ByteSize.Show(locked)}, less than the budget: a trainer on an accelerator may not be able to pin its arena, and copies slower",
                    "ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit.")) with { Part = "locked memory" },
        ];
    }

    private static string Show(long limit) => limit == long.MaxValue ? "unlimited" : limit.ToString(CultureInfo.InvariantCulture);

    // "Max open files            1024                 524288               files"; processes of .NET raise soft to hard.
    private static long Hard(string[] lines, string name)
    {
        var fields = lines.First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields[1] == "unlimited" ? long.MaxValue : long.Parse(fields[1], CultureInfo.InvariantCulture);
    }
}
