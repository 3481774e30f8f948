using System.Globalization;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Notifying;

/// <summary>
/// The id of a server-sent event: <c>MILLISECONDS.RUN.NUMBER</c>, by which a subscriber goes on behind it. The time orders
/// incidents of several runs.
/// </summary>
/// <param name="AtMs">When the incident was recorded, in Unix milliseconds.</param>
/// <param name="Run">Its run.</param>
/// <param name="Number">Its number there.</param>
internal readonly record struct StreamPosition(long AtMs, RunId Run, long Number)
{
    /// <summary>The position of an incident.</summary>
    public static StreamPosition Of(RunId run, Incident incident) => new(incident.At.ToUnixTimeMilliseconds(), run, incident.Number);

    /// <summary>Reads an id; <c>invalid_request</c> on what is none.</summary>
    public static StreamPosition Parse(string text) =>
        text.Split('.') is [var at, var name, var number]
            && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var ms)
            && RunId.TryParse(name, CultureInfo.InvariantCulture, out var run)
            && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var of)
            ? new StreamPosition(ms, run, of)
            : throw new CheckpointerException(
                ErrorCode.InvalidRequest, "Last-Event-ID must be the id of an event of this stream, or 0 for all incidents that are kept.");

    /// <summary>
    /// Whether an incident comes behind this. Of its own run numbers say so, whatever the clock did; of others times, and one
    /// of the same millisecond does: it may have been recorded after this was sent, and better comes twice than never.
    /// </summary>
    public bool Precedes(RunId run, Incident incident) =>
        run == Run ? incident.Number > Number : incident.At.ToUnixTimeMilliseconds() >= AtMs;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{AtMs}.{Run}.{Number}");
}
