using Checkpointer.Agent.Tests.Draining;
using Checkpointer.TestKit.Processes;
using Xunit.MicrosoftTestingPlatform;

namespace Checkpointer.Agent.Tests;

internal static class Program
{
    public static async Task<int> Main(string[] args) =>
        await ChildProcess.TryRunAsync(args, EngineChildren.Programs)
        ?? (args.Any(argument => argument is "-automated" or "@@")
            ? await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args)
            : await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions));
}
