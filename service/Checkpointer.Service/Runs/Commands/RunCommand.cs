namespace Checkpointer.Service.Runs.Commands;

/// <summary>
/// Something that is asked of a run, or told it. <see cref="RunState.Decide{TAnswer}"/> answers it; nothing changes
/// until the decision's events are applied.
/// </summary>
/// <typeparam name="TAnswer">What a caller gets when it is not refused.</typeparam>
internal abstract record RunCommand<TAnswer>
    where TAnswer : class
{
    /// <summary>Decides against <paramref name="state"/> at <paramref name="now"/> (UTC): pure, and changes nothing.</summary>
    internal abstract Decision<TAnswer> Decide(RunState state, DateTimeOffset now);
}
