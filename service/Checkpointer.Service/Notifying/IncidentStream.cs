using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Runs;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Service.Notifying;

/// <summary>
/// Incidents as server-sent events. A stream begins with what is raised from now on, or behind the <c>Last-Event-ID</c>; one that
/// was cut off and goes on with that misses nothing that is still kept.
/// </summary>
internal sealed class IncidentStream(IncidentWatch watch, TimeProvider timeProvider, IHostApplicationLifetime lifetime)
{
    /// <summary>Most subscribers at a time; one more is <c>service_unavailable</c>, transient.</summary>
    public const int MaxStreams = 256;

    private const int BatchSize = 256;
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);
    private int _streams;

    /// <summary>Serves one subscriber until it leaves or the service stops; null for <paramref name="only"/>: all runs.</summary>
    public async Task ServeAsync(HttpContext context, RunId? only)
    {
        if (Interlocked.Increment(ref _streams) > MaxStreams)
        {
            _ = Interlocked.Decrement(ref _streams);
            throw new CheckpointerException(
                ErrorCode.ServiceUnavailable, $"There are {MaxStreams} subscribers already. Try again later.", isTransient: true);
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            await WriteAsync(context, only, ended.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // It left, or the service stops: the subscriber comes back with the last id that it saw.
        }
        finally
        {
            _ = Interlocked.Decrement(ref _streams);
        }
    }

    private async Task WriteAsync(HttpContext context, RunId? only, CancellationToken cancellationToken)
    {
        var cursors = await StartAsync(context.Request.Headers["Last-Event-ID"].ToString(), only, cancellationToken).ConfigureAwait(false);
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.WriteAsync("retry: 1000\n\n", cancellationToken).ConfigureAwait(false);
        await context.Response.Body.FlushAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var raised = watch.Raised;
            await CatchUpAsync(context.Response, cursors, only, cancellationToken).ConfigureAwait(false);
            try
            {
                await raised.WaitAsync(KeepAlive, timeProvider, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                await context.Response.WriteAsync(":\n\n", cancellationToken).ConfigureAwait(false);
                await context.Response.Body.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // Runs without a cursor have no incident yet, so all of theirs are new.
    private async Task<Dictionary<RunId, long>> StartAsync(string lastId, RunId? only, CancellationToken cancellationToken)
    {
        var cursors = Runs(only).ToDictionary(run => run.Key, run => run.Value);
        if (lastId == "0")
        {
            return [];
        }

        if (lastId.Length == 0)
        {
            return cursors;
        }

        var position = StreamPosition.Parse(lastId);
        foreach (var run in cursors.Keys)
        {
            var kept = await watch.ReadAsync(run, 0, RunLimits.MaxIncidents, cancellationToken).ConfigureAwait(false);
            cursors[run] = kept.FirstOrDefault(incident => position.Precedes(run, incident)) is { } first ? first.Number - 1 : cursors[run];
        }

        return cursors;
    }

    private async Task CatchUpAsync(
        HttpResponse response, Dictionary<RunId, long> cursors, RunId? only, CancellationToken cancellationToken)
    {
        var news = new List<(RunId Run, Incident Incident)>();
        foreach (var (run, total) in Runs(only))
        {
            while (cursors.GetValueOrDefault(run) < total
                && await watch.ReadAsync(run, cursors.GetValueOrDefault(run), BatchSize, cancellationToken).ConfigureAwait(false) is { Count: > 0 } read)
            {
                news.AddRange(read.Select(incident => (run, incident)));
                cursors[run] = read[^1].Number;
            }
        }

        foreach (var (run, incident) in news.OrderBy(item => StreamPosition.Of(item.Run, item.Incident).AtMs)
            .ThenBy(item => item.Run.Value, StringComparer.Ordinal).ThenBy(item => item.Incident.Number))
        {
            var data = JsonSerializer.Serialize(
                new IncidentNotice { Run = run, Incident = incident }, ContractsJsonContext.Default.IncidentNotice);
            await response.WriteAsync($"id: {StreamPosition.Of(run, incident)}\nevent: incident\ndata: {data}\n\n", cancellationToken)
                .ConfigureAwait(false);
        }

        if (news.Count > 0)
        {
            await response.Body.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private IEnumerable<KeyValuePair<RunId, long>> Runs(RunId? only) =>
        watch.Totals.Where(run => only is null || run.Key == only);
}
