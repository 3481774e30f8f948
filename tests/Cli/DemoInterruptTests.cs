using System.Globalization;
using Checkpointer.Cli.Local;
using Checkpointer.TestKit;

namespace Checkpointer.Cli.Tests;

/// <summary>A demo that is interrupted cleans up as one that ends.</summary>
public sealed class DemoInterruptTests
{
    [Theory]
    [InlineData("INT", "agents are up")]
    [InlineData("TERM", "all 4 ranks start from scratch")]
    public async Task Interrupted_LeavesNoProcessAndNoSharedMemory(string signal, string once)
    {
        Assert.SkipUnless(await HasTorchAsync(), "no Python here has PyTorch; the demo would install it");
        var cancellationToken = TestContext.Current.CancellationToken;
        using var folder = new TemporaryFolder();
        var kept = Path.Combine(folder.Path, "kept");
        var demo = ChildProcess.Start(
            "demo", CheckpointerProgram.Path, ["demo", "--keep", kept], Path.Combine(folder.Path, "demo.log"));
        await Waiting.UntilAsync(
            $"the demo says '{once}'",
            _ => Task.FromResult(demo.HasExited
                ? throw new InvalidOperationException(demo.Tail(100))
                : demo.Tail(100).ReplaceLineEndings(" ").Contains(once, StringComparison.Ordinal)),
            TimeSpan.FromSeconds(180), TimeProvider.System, cancellationToken);
        var family = ProcessTree.DescendantsOf(demo.Pid);
        var arenas = ArenasOf(family);
        Assert.NotEmpty(arenas);

        using (var kill = System.Diagnostics.Process.Start("kill", ["-" + signal, demo.Pid.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync(cancellationToken);
        }

        Assert.Equal(ExitCode.Interrupted, await demo.WaitAsync(cancellationToken));
        await Waiting.UntilAsync(
            "the kernel has buried the processes that were killed",
            _ => Task.FromResult(!family.Any(IsAlive)),
            TimeSpan.FromSeconds(10), TimeProvider.System, cancellationToken);
        Assert.DoesNotContain(arenas, Directory.Exists);
    }

    // A zombie that nobody waits for is not alive.
    private static bool IsAlive(int pid)
    {
        var status = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat");
        try
        {
            return !File.ReadAllText(status).Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false; // gone
        }
    }

    // The arena folder is on the command line of every agent.
    private static List<string> ArenasOf(IEnumerable<int> pids) => [.. pids
        .Select(pid => File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline")).Split('\0'))
        .Where(arguments => arguments.Contains("--arena"))
        .Select(arguments => Path.GetDirectoryName(arguments[Array.IndexOf(arguments, "--arena") + 1])!)
        .Distinct()];

    private static async Task<bool> HasTorchAsync() =>
        (await TestKit.Processes.ChildProcess.ExecuteAsync(
            ["/bin/sh", "-c", "for p in $CHECKPOINTER_PYTHON python3 /usr/bin/python3; do $p -c 'import torch' && exit 0; done; exit 1"],
            crashAt: null,
            TestContext.Current.CancellationToken)).ExitCode == 0;
}
