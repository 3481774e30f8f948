using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Agent.Presences;

/// <summary>A trainer's presence: one request for as long as it lives.</summary>
internal static class PresenceEndpoint
{
    public static async Task ServeAsync(
        RunId run, Rank rank, HttpContext context, RankPresences presences, IHostApplicationLifetime lifetime)
    {
        // It lasts for weeks, a line a second.
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        PresenceLine? first;
        try
        {
            first = await context.Request.BodyReader.ReadLineAsync(ended.Token);
        }
        catch (Exception e) when (e is IOException or ConnectionAbortedException)
        {
            // It ended before it said who it is: there is nobody to tell of.
            return;
        }

        if (first?.Attempt is not { } attempt)
        {
            throw new CheckpointerException(ErrorCode.InvalidRequest, "The first line of a presence names its attempt.");
        }

        var presence = presences.Open(run, rank, attempt, first.Pid);
        PresenceLine? last = null;
        try
        {
            presence.Hear(first);
            // The head goes out now: the trainer waits for it.
            await context.Response.StartAsync(ended.Token);
            await context.Response.Body.FlushAsync(ended.Token);
            while (await context.Request.BodyReader.ReadLineAsync(ended.Token) is { } line)
            {
                presence.Hear(line);
                if (line.Goodbye)
                {
                    last = line;
                    break;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ConnectionAbortedException)
        {
            // The connection broke off, or this agent stops; which of the two, Close finds out.
        }
        finally
        {
            await presences.CloseAsync(presence, last is not null, last?.Error);
        }
    }
}
