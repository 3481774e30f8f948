using Checkpointer.S3.Tests.Measuring;
using Checkpointer.S3.Tests.Objects;
using Checkpointer.TestKit.Processes;
using Xunit.MicrosoftTestingPlatform;

namespace Checkpointer.S3.Tests;

internal static class Program
{
    private static readonly Dictionary<string, Func<string[], Task<int>>> Children = new()
    {
        [RawComparison.Child] = RawComparison.RunAsync,
        [RaceTests.Child] = RaceTests.CreateAsync,
        [LargeObjectTests.Child] = LargeObjectTests.MeasureAsync,
    };

    public static async Task<int> Main(string[] args) =>
        await ChildProcess.TryRunAsync(args, Children)
        ?? (args.Any(argument => argument is "-automated" or "@@")
            ? await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args)
            : await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions));
}
