using System.CommandLine.Parsing;

namespace Checkpointer.Cli;

/// <summary>How a value on the command line is refused: the flag, what was given, what is accepted.</summary>
internal static class Refusal
{
    /// <summary>The value as the user wrote it.</summary>
    public static string Text(this ArgumentResult result) => result.Tokens.Single().Value;

    /// <summary>Refuses it, such as "--slots: 'two' " + "is no whole number" + ": " + "write one such as 2" + ".".</summary>
    public static T? Refuse<T>(this ArgumentResult result, string why, string accepted)
    {
        var name = result.Parent is OptionResult option ? option.Option.Name : result.Argument.Name;
        result.AddError($"{name}: '{result.Text()}' {why}: {accepted}.");
        return default;
    }
}
