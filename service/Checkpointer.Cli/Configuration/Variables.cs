namespace Checkpointer.Cli.Configuration;

/// <summary>The process's environment.</summary>
internal static class Variables
{
    /// <summary>A variable, or null if it is unset or empty.</summary>
    public static string? Get(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
