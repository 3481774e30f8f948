using Checkpointer.Crash.Tests.Scenarios;
using Checkpointer.Journal.Tests.FasterLog;
using Checkpointer.Storage.Tests.FileSystem;
using Checkpointer.TestKit.Processes;
using Xunit.MicrosoftTestingPlatform;

namespace Checkpointer.Crash.Tests;

internal static class Program
{
    private static readonly Dictionary<string, Func<string[], Task<int>>> Programs = new(
        StoreChildren.Programs
            .Concat(JournalChildren.Programs.Where(program => program.Key != JournalChildren.FullDisk))
            .Concat(ServiceChildren.Programs)
            .Concat(EngineChildren.Programs)
            .Concat(AgentChildren.Programs));

    public static async Task<int> Main(string[] args) =>
        await ChildProcess.TryRunAsync(args, Programs)
        ?? (args.Any(argument => argument is "-automated" or "@@")
            ? await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args)
            : await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions));
}
