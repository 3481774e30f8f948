using Checkpointer.TestKit.Processes;

namespace Checkpointer.Cli.Tests;

/// <summary>The real command, as a process.</summary>
internal static class CheckpointerProgram
{
    /// <summary>The executable, which the build puts beside the tests.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "checkpointer");

    /// <summary>Runs it to its end with some variables set, or removed.</summary>
    public static Task<ChildResult> RunAsync(IReadOnlyDictionary<string, string?> environment, IReadOnlyList<string> arguments) =>
        ChildProcess.ExecuteAsync([Path, .. arguments], crashAt: null, TestContext.Current.CancellationToken, environment);

    /// <summary>Runs it to its end.</summary>
    public static Task<ChildResult> RunAsync(params string[] arguments) =>
        ChildProcess.ExecuteAsync([Path, .. arguments], crashAt: null, TestContext.Current.CancellationToken);
}
