using System.Text.Json;
using Checkpointer.Cli.Operating;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Incidents;

/// <summary>
/// Shows a run's incidents, those there are and then new ones as they come, each once. A service that goes away is waited for:
/// when it is back, it goes on behind the last one.
/// </summary>
internal sealed class IncidentFollower(OperatorClient client, RunId run, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private string _lastId = "0";
    private long _lastNumber;
    private bool _isAway;

    /// <summary>Ends only by cancellation, or by throwing what another try would not mend: a run that does not exist, or an address at which no service is.</summary>
    public async Task FollowAsync(Action<Incident> show, CancellationToken cancellationToken)
    {
        // The stream of a run that is yet to come would be empty; and an address that is wrong is to be told, not waited for.
        _ = await client.GetAsync($"v1/runs/{run}", ContractsJsonContext.Default.RunSummary, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            try
            {
                await client.ListenAsync($"v1/runs/{run}/incidents/stream", _lastId, Opened, (id, data) => Take(id, data, show), cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (CheckpointerException e) when (e.IsTransient)
            {
                Away(e.Message);
            }

            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private void Take(string? id, string data, Action<Incident> show)
    {
        var incident = JsonSerializer.Deserialize(data, ContractsJsonContext.Default.IncidentNotice)!.Incident;
        _lastId = id ?? _lastId;
        if (incident.Number > _lastNumber)
        {
            _lastNumber = incident.Number;
            show(incident);
        }
    }

    private void Opened()
    {
        if (_isAway)
        {
            Console.Error.WriteLine("checkpointer: the service is back");
        }

        _isAway = false;
    }

    private void Away(string why)
    {
        if (!_isAway)
        {
            ErrorOutput.Warn($"{why} It is waited for.");
        }

        _isAway = true;
    }
}
