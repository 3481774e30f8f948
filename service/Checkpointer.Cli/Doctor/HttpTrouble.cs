using System.Text.Json;

namespace Checkpointer.Cli.Doctor;

/// <summary>What a call to another part can fail with, so that it is a finding and not a defect of the check.</summary>
internal static class HttpTrouble
{
    /// <summary>Whether the other side was not there, was too slow, or answered something else than it should.</summary>
    public static bool Is(Exception error, CancellationToken cancellationToken) =>
        error is HttpRequestException or JsonException or TaskCanceledException && !cancellationToken.IsCancellationRequested;
}
