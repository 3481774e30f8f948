using Checkpointer.Service.Hosting;
using Checkpointer.Service.Telemetry;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Service.Notifying;

/// <summary>
/// Sends every incident to the webhook, one after another, each at least once: one is through when the receiver took it, or
/// refused it for good, and that is on disk.
/// </summary>
internal sealed class WebhookWorker : BackgroundService
{
    private const int BatchSize = 64;

    private readonly IncidentWatch _watch;
    private readonly WebhookSender _sender;
    private readonly string _folder;
    private readonly TimeProvider _timeProvider;

    // When the incident that is being sent was recorded, in UTC ticks; 0 while none is.
    private long _sendingSince;

    public WebhookWorker(IncidentWatch watch, WebhookSender sender, ServiceOptions options, ServiceMetrics metrics, TimeProvider timeProvider)
    {
        (_watch, _sender, _folder, _timeProvider) = (watch, sender, options.DataPath, timeProvider);
        metrics.ObserveWebhook(Lag);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var cursor = WebhookCursor.Open(_folder, await _watch.ReadTotalsAsync(stoppingToken).ConfigureAwait(false));
        while (true)
        {
            var raised = _watch.Raised;
            foreach (var run in _watch.Totals.Keys)
            {
                while (await _watch.ReadAsync(run, cursor.Of(run), BatchSize, stoppingToken).ConfigureAwait(false) is { Count: > 0 } news)
                {
                    foreach (var incident in news)
                    {
                        Volatile.Write(ref _sendingSince, incident.At.UtcTicks);
                        _ = await _sender.SendAsync(run, incident, stoppingToken).ConfigureAwait(false);
                        CrashPoint.Reach(CrashPointNames.WebhookDelivered);
                        cursor.Advance(run, incident.Number);
                    }
                }
            }

            Volatile.Write(ref _sendingSince, 0);
            await raised.WaitAsync(stoppingToken).ConfigureAwait(false);
        }
    }

    private TimeSpan Lag() => Volatile.Read(ref _sendingSince) is > 0 and var ticks
        ? new[] { _timeProvider.GetUtcNow() - new DateTimeOffset(ticks, TimeSpan.Zero), TimeSpan.Zero }.Max()
        : TimeSpan.Zero;
}
