using System.CommandLine;

namespace Checkpointer.Cli.Operating;

/// <summary><c>--output</c> of the verbs that answer people and scripts.</summary>
internal static class OutputOption
{
    /// <summary>For people.</summary>
    public const string Text = "text";

    /// <summary>For scripts.</summary>
    public const string Json = "json";

    /// <summary>A new option that takes <see cref="Text"/>, <see cref="Json"/> and <paramref name="more"/>.</summary>
    public static Option<string> Create(params string[] more)
    {
        var option = new Option<string>("--output")
        {
            Description = "'text' for people; 'json' for scripts: then standard output holds nothing else.",
            DefaultValueFactory = _ => Text,
        };
        option.AcceptOnlyFromAmong([Text, Json, .. more]);
        return option;
    }
}
