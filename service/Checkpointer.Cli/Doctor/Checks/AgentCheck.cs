using System.Net.Http.Json;
using System.Net.Sockets;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Trainers;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether a trainer of this user could reach the node's agent, and how the agent does.</summary>
internal sealed class AgentCheck(DoctorSubject subject) : IDoctorCheck
{
    public string Area => "agent";

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        var folder = Path.GetDirectoryName(subject.Socket)!;
        if (!File.Exists(subject.Socket))
        {
            return subject.ExpectsAgent
                ? [Finding.Failed(
                    Area, "socket", Directory.Exists(folder) ? $"'{subject.Socket}' is not there" : $"the folder '{folder}' is not there",
                    "Start the agent ('checkpointer agent') as a user that may write there, or correct --socket.")]
                : [Finding.Skipped(Area, "socket", $"no agent at '{subject.Socket}'; name one with --socket")];
        }

        using var http = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync })
        {
            BaseAddress = new Uri("http://agent/"),
            Timeout = TimeSpan.FromSeconds(10),
        };
        try
        {
            var status = await http.GetFromJsonAsync("v1/agent", ContractsJsonContext.Default.AgentStatus, cancellationToken)
                .ConfigureAwait(false);
            return [Permissions(), .. Describe(status!)];
        }
        catch (Exception e) when (HttpTrouble.Is(e, cancellationToken))
        {
            var denied = e.InnerException is SocketException { SocketErrorCode: SocketError.AccessDenied };
            return
            [
                Permissions(),
                Finding.Failed(
                    Area, "answers", e is TaskCanceledException ? "not within 10 s" : e.InnerException?.Message ?? e.Message,
                    denied
                        ? $"Run trainers as the agent's user or in its group: chgrp GROUP '{subject.Socket}'."
                        : "Start the agent: one that was killed leaves its socket behind, and the next removes it."),
            ];
        }
    }

    private Finding Permissions()
    {
        var mode = File.GetUnixFileMode(subject.Socket);
        var text = $"'{subject.Socket}', mode {Convert.ToString((int)mode, 8)}";
        return (mode & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) == 0
            ? Finding.Ok(Area, "socket", text)
            : Finding.Warning(
                Area, "socket", $"{text}: every user of this machine can save and restore",
                $"chmod o= '{subject.Socket}'; the agent makes it 660.");
    }

    private IEnumerable<Finding> Describe(AgentStatus status)
    {
        yield return Finding.Ok(
            Area, "answers", $"node {status.Node}: {status.Holdings.Count} snapshots held, {status.PendingDrains} on their way to storage");
        yield return Finding.Ok(
            Area, "memory", $"{ByteSize.Show(status.MemoryUsedBytes)} of {ByteSize.Show(status.MemoryBudgetBytes)} taken");
        yield return status.ServiceReachable
            ? Finding.Ok(Area, "its service", "answers")
            : Finding.Failed(
                Area, "its service", "did not answer its last call",
                "Start the service, or start the agent with the right --service. What it has to report waits.");
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(subject.Socket), cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
