using Checkpointer.Agent.Tests.Draining;
using Checkpointer.Agent.Tests.Nodes;
using Checkpointer.TestKit.Processes;
using Xunit.MicrosoftTestingPlatform;

namespace Checkpointer.Agent.Tests;

internal static class Program
{
    private static readonly Dictionary<string, Func<string[], Task<int>>> Programs =
        new(EngineChildren.Programs.Concat(AgentChildren.Programs));

    public static async Task<int> Main(string[] args) =>
        await ChildProcess.TryRunAsync(args, Programs)
        ?? (args.Any(argument => argument is "-automated" or "@@")
            ? await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args)
            : await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions));
}
