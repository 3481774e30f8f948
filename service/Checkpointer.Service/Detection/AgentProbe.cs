using System.Net.Sockets;

namespace Checkpointer.Service.Detection;

/// <summary>Whether a silent agent's address still answers.</summary>
internal sealed class AgentProbe(HttpClient http) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>The probe as the service uses it.</summary>
    public static AgentProbe Create() => new(new HttpClient(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        ConnectTimeout = Patience,
        PooledConnectionLifetime = TimeSpan.Zero,
    })
    { Timeout = Patience });

    public async Task<ProbeResult> ProbeAsync(string address, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(address), "healthz/live"));
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            return ProbeResult.Answers;
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.ConnectionReset })
        {
            return ProbeResult.Refused;
        }
        catch (Exception e) when (e is HttpRequestException or IOException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return ProbeResult.Silent;
        }
    }

    public void Dispose() => http.Dispose();
}
