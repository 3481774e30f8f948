using System.Net.Http.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Cli.Verifying;

/// <summary>Tells the service what was found. A service that is away, or does not know the run, is no reason to fail.</summary>
internal sealed class VerificationRecorder(Uri? service, Action<string> warn) : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly HttpClient? _client = service is null
        ? null
        : new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(3) }) { BaseAddress = service, Timeout = Timeout };

    private bool _away;

    /// <summary>Whether the service has it now; if not, a warning said why, once.</summary>
    public async Task<bool> RecordAsync(
        RunId run, CheckpointId checkpoint, VerificationReport report, CancellationToken cancellationToken)
    {
        if (_client is null || _away)
        {
            return false;
        }

        try
        {
            using var response = await _client.PostAsJsonAsync(
                $"v1/runs/{run}/checkpoints/{checkpoint}/verifications",
                report,
                ContractsJsonContext.Default.VerificationReport,
                cancellationToken).ConfigureAwait(false);
            await ProblemReader.EnsureSuccessAsync(response, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (CheckpointerException e)
        {
            warn($"the service at {service} did not record the result for {checkpoint}: {e.Message}");
        }
        catch (HttpRequestException e)
        {
            _away = true;
            warn($"the service at {service} cannot be reached, so results are not recorded: {e.Message} (--no-record leaves it out.)");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _away = true;
            warn($"the service at {service} did not answer within {Timeout.TotalSeconds:0} s, so results are not recorded.");
        }

        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => _client?.Dispose();
}
