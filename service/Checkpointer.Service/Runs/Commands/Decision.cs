using Checkpointer.Formats.Errors;
using Checkpointer.Service.Runs.Events;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>
/// What a command comes to: events to journal and apply, in order, and an answer or a refusal to give once they are
/// durable. A refusal may come with events (an incident). The state after any prefix of the events is a valid state,
/// so they need not be journaled as one.
/// </summary>
internal abstract record Decision
{
    /// <summary>What to journal, then to <see cref="RunState.Apply"/>, in order; often empty.</summary>
    public IReadOnlyList<RunEvent> Events { get; init; } = [];

    /// <summary>Why the command is refused; null if it isn't.</summary>
    public Refusal? Refusal { get; init; }
}

/// <inheritdoc/>
/// <typeparam name="TAnswer">What the caller gets when it is not refused.</typeparam>
internal sealed record Decision<TAnswer> : Decision
    where TAnswer : class
{
    /// <summary>The answer; null if and only if the command is refused.</summary>
    public TAnswer? Answer { get; init; }

    /// <summary>A decision that answers.</summary>
    public static Decision<TAnswer> Accept(TAnswer answer, params IReadOnlyList<RunEvent> events) =>
        new() { Answer = answer, Events = events };

    /// <summary>A decision that refuses.</summary>
    public static Decision<TAnswer> Refuse(ErrorCode code, string message, params IReadOnlyList<RunEvent> events) =>
        new() { Refusal = new Refusal(code, message), Events = events };

    /// <summary>A decision that refuses.</summary>
    public static Decision<TAnswer> Refuse(Refusal refusal) => new() { Refusal = refusal };

    /// <summary>The answer, or the refusal as the exception that endpoints turn into a problem.</summary>
    public TAnswer AnswerOrThrow() => Answer ?? throw Refusal!.ToException();
}
