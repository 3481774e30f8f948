using System.CommandLine;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Operating;

/// <summary>The RUN of every verb that is about one.</summary>
internal static class RunArgument
{
    /// <summary>A new argument; each verb needs its own.</summary>
    public static Argument<RunId> Create() => new("RUN")
    {
        Description = "The run.",
        CustomParser = result =>
        {
            var text = result.Tokens.Single().Value;
            if (RunId.TryParse(text, null, out var run))
            {
                return run;
            }

            result.AddError($"'{text}' is no run: a run is named by up to 63 small letters, digits and hyphens.");
            return default;
        },
    };
}
