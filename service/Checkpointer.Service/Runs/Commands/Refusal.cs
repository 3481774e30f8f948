using Checkpointer.Formats.Errors;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>Why a command is refused.</summary>
/// <param name="Code">The named way in which it fails; never transient.</param>
/// <param name="Message">What happened, to which run, step and rank, and what to do.</param>
internal sealed record Refusal(ErrorCode Code, string Message)
{
    /// <summary>The same as the exception that endpoints turn into a problem.</summary>
    public CheckpointerException ToException() => new(Code, Message);
}
