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
        CustomParser = result => RunId.TryParse(result.Text(), null, out var run)
            ? run
            : result.Refuse<RunId>("is no run", "a run is named by up to 63 small letters, digits and hyphens, such as sft-demo"),
    };
}
