using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Checkpointer.Crash.Tests.DurableWrites;

/// <summary>
/// Reads the source of service, agent and store: whatever outlives the process is written beside a crash point, or stands on
/// a short list that says why not. So a durable write cannot be added without a kill in its middle.
/// </summary>
public sealed partial class DurableWriteTests
{
    private static readonly string[] Folders =
        ["agent/Checkpointer.Agent", "service/Checkpointer.Service", "formats/Checkpointer.Storage", "formats/Checkpointer.Formats", "formats/Checkpointer.Contracts"];

    [Fact]
    public void EveryDurableWrite_HasACrashPointOrAReason()
    {
        var bare = WritesWithoutCrashPoint();
        var unexplained = bare.Where(write => !Exceptions.All.Any(exception => exception.Covers(write)));

        Assert.True(
            !unexplained.Any(),
            "Written without a crash point in the same member. Add one to CrashPointNames, reach it there and kill at it in CrashTable:\n"
            + string.Join('\n', unexplained));
    }

    [Fact]
    public void EveryException_IsStillNeeded()
    {
        var bare = WritesWithoutCrashPoint();

        Assert.All(Exceptions.All, exception =>
        {
            Assert.Contains(bare, write => exception.Covers(write));
            Assert.True(exception.Why.Length > 20, $"{exception.File}: say why");
        });
    }

    [Fact]
    public void EveryCallOfTheC_Library_IsKnown()
    {
        // Whatever writes durably among these has a primitive of its own in Primitives.
        string[] known =
        [
            "fchmod", "flock", "fsync", "kill", "linkat", "madvise", "mkdirat", "mmap", "munmap", "open", "openat", "posix_fallocate",
            "renameat", "statx", "sync_file_range", "unlinkat",
        ];
        var found = SourceFile.ReadAll(Root(), Folders)
            .SelectMany(file => EntryPoint().Matches(file.Text)).Select(match => match.Groups[1].Value).Distinct();

        Assert.Equal(known, found.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Reader_SeesTheWrites()
    {
        var writes = SourceFile.ReadAll(Root(), Folders).SelectMany(Primitives.Find).ToList();

        // A pattern that matches nothing guards nothing.
        Assert.All(Primitives.All, primitive => Assert.Contains(writes, write => write.Primitive == primitive.Name));
    }

    private static List<DurableWrite> WritesWithoutCrashPoint() =>
        [.. SourceFile.ReadAll(Root(), Folders).SelectMany(Primitives.Find).Where(write => !write.Member.Contains("CrashPoint.Reach(", StringComparison.Ordinal))];

    private static string Root([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../.."));

    [GeneratedRegex("EntryPoint = \"(\\w+)\"")]
    private static partial Regex EntryPoint();
}
