using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Simulation.Trainers;

/// <summary>A rank's step reports, kept until the ledger has them and told again to an agent that has forgotten.</summary>
internal sealed class StepReports(AgentClient client, bool keeps)
{
    private readonly List<StepReport> _reports = [];
    private int _sent;
    private int _epoch;

    public void Add(StepReport report) => _reports.Add(report);

    /// <summary>Hands everything to the agent; throws what prevents it.</summary>
    public async Task FlushAsync()
    {
        await client.ReviveAsync().ConfigureAwait(false);
        if (_epoch != client.Epoch)
        {
            (_epoch, _sent) = (client.Epoch, 0);
        }

        if (_sent == _reports.Count)
        {
            return;
        }

        var batch = _reports[_sent..];
        try
        {
            var answer = await client.ReportAsync(batch).ConfigureAwait(false);
            _sent += batch.Count;
            var done = keeps ? _reports.FindIndex(report => !(report.Step <= answer.LedgerStep)) : _sent;
            done = Math.Min(done < 0 ? _reports.Count : done, _sent);
            _reports.RemoveRange(0, done);
            _sent -= done;
        }
        catch (CheckpointerException e) when (e.Code == ErrorCode.NotFound)
        {
            await client.ReviveAsync(forgotten: true).ConfigureAwait(false);
        }
    }
}
