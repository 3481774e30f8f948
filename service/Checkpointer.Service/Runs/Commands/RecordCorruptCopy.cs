using Checkpointer.Contracts.Replicas;
using Checkpointer.Service.Runs.Failures;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>What an agent reads of another node's image stays wrong (<c>POST …/corrupt-copies</c>); an incident, once.</summary>
internal sealed record RecordCorruptCopy(CorruptCopyReport Body) : RunCommand<Acknowledged>
{
    internal override Decision<Acknowledged> Decide(RunState state, DateTimeOffset now) =>
        FailureDecisions.Decide(state, Body, now);
}
