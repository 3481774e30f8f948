using System.Globalization;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether the control group that this runs in lets the arenas grow to their budget: their pages count there.</summary>
internal sealed class MemoryLimitCheck(DoctorSubject subject) : IDoctorCheck
{
    private const string Root = "/sys/fs/cgroup";

    public string Area => "memory";

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        var limit = await SmallestLimitAsync(cancellationToken).ConfigureAwait(false);
        return
        [
            limit is not { } bytes
                ? Finding.Ok(Area, "control group", "no limit")
                : subject.MemoryBudgetBytes <= bytes
                    ? Finding.Ok(Area, "control group", $"limit {ByteSize.Show(bytes)}")
                    : Finding.Failed(
                        Area, "control group",
                        $"limit {ByteSize.Show(bytes)}, less than the budget of {ByteSize.Show(subject.MemoryBudgetBytes)}: the kernel would kill the agent or a trainer",
                        "Raise the container's memory limit (arenas count into it), or lower --memory-budget."),
        ];
    }

    private static async Task<long?> SmallestLimitAsync(CancellationToken cancellationToken)
    {
        long? smallest = null;
        foreach (var line in await File.ReadAllLinesAsync("/proc/self/cgroup", cancellationToken).ConfigureAwait(false))
        {
            // "0::/path" in version 2; "4:memory:/path" in version 1.
            var parts = line.Split(':', 3);
            var (folder, file) = parts switch
            {
                [_, "", _] => (Root, "memory.max"),
                [_, var controllers, _] when controllers.Split(',').Contains("memory") => ($"{Root}/memory", "memory.limit_in_bytes"),
                _ => (null, null),
            };
            for (var path = parts[^1].TrimEnd('/'); folder is not null; path = path[..Math.Max(0, path.LastIndexOf('/'))])
            {
                smallest = Smaller(smallest, await ReadAsync($"{folder}{path}/{file}", cancellationToken).ConfigureAwait(false));
                if (path.Length == 0)
                {
                    break;
                }
            }
        }

        return smallest;
    }

    private static long? Smaller(long? one, long? other) => one is null || other < one ? other ?? one : one;

    // Version 1 writes "no limit" as the largest number of pages.
    private static async Task<long?> ReadAsync(string path, CancellationToken cancellationToken) =>
        File.Exists(path)
        && long.TryParse(await File.ReadAllTextAsync(path, cancellationToken).ConfigureAwait(false), NumberStyles.None | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var bytes)
        && bytes < 1L << 60
            ? bytes
            : null;
}
