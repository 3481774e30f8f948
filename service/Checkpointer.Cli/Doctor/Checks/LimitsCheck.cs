using System.Globalization;
using System.Text.RegularExpressions;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>
/// Whether a process may open enough files (connections of trainers, agents and the store count) and lock enough memory:
/// hooks have an arena pinned where there is an accelerator, and do without where that is refused.
/// </summary>
internal sealed partial class LimitsCheck(DoctorSubject subject, string limitsFile = "/proc/self/limits", string devices = "/dev") : IDoctorCheck
{
    private const long EnoughFiles = 4096;

    public string Area => "limits";

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        var lines = await File.ReadAllLinesAsync(limitsFile, cancellationToken).ConfigureAwait(false);
        return [OpenFiles(lines), LockedMemory(lines)];
    }

    private Finding OpenFiles(string[] lines)
    {
        // .NET raises its own soft limit to the hard one when it starts; the hard one is what an agent gets.
        var (_, hard) = Read(lines, "Max open files");
        return long.TryParse(hard, CultureInfo.InvariantCulture, out var files) && files < EnoughFiles
            ? Finding.Warning(Area, "open files", $"at most {hard}", $"Allow {EnoughFiles} or more (LimitNOFILE= of the unit, ulimits of the container).")
            : Finding.Ok(Area, "open files", $"up to {hard}");
    }

    private Finding LockedMemory(string[] lines)
    {
        // The soft one is what a trainer gets: nothing raises it.
        var (soft, _) = Read(lines, "Max locked memory");
        if (!long.TryParse(soft, CultureInfo.InvariantCulture, out var bytes))
        {
            return Finding.Ok(Area, "locked memory", "no limit");
        }

        return bytes >= subject.MemoryBudgetBytes ? Finding.Ok(Area, "locked memory", $"up to {ByteSize.Show(bytes)}")
            : !HasAccelerator() ? Finding.Ok(Area, "locked memory", $"up to {ByteSize.Show(bytes)}; no accelerator here for which it matters")
            : Finding.Warning(
                Area, "locked memory",
                $"at most {ByteSize.Show(bytes)}, less than the {ByteSize.Show(subject.MemoryBudgetBytes)} that arenas may take: where they cannot be pinned, saves copy more slowly",
                "Allow as much as trainers ask for (LimitMEMLOCK=infinity of the unit, --ulimit memlock=-1 of the container).");
    }

    private bool HasAccelerator() => Directory.EnumerateFileSystemEntries(devices)
        .Any(device => Accelerator().IsMatch(Path.GetFileName(device)));

    // "Max open files            1024                 524288               files"
    private static (string Soft, string Hard) Read(string[] lines, string name)
    {
        var values = lines.Single(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return (values[0], values[1]);
    }

    // Device files of NVIDIA, Ascend and AMD.
    [GeneratedRegex(@"\A(nvidia[0-9]+|davinci[0-9]+|kfd)\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Accelerator();
}
