using System.Text;
using System.Text.Json;
using Checkpointer.FaultProxy.Wire;

namespace Checkpointer.FaultProxy;

/// <summary>
/// Changes the plan of a running proxy: <c>PUT /-/faults</c> with a JSON <see cref="PlanDescription"/> sets it,
/// <c>GET /-/faults</c> gives the report.
/// </summary>
internal sealed class Control(FaultProxyServer proxy)
{
    private const int MaxBodyBytes = 64 << 10;

    public async Task AnswerAsync(RequestHead request, Connection client, CancellationToken cancellationToken)
    {
        var status = "200 OK";
        string body;
        try
        {
            if (request.Method == "PUT")
            {
                proxy.Plan = PlanDescription.Parse(await ReadBodyAsync(request, client, cancellationToken)).ToPlan();
            }

            body = Report.Of(proxy.Counts);
        }
        catch (Exception error) when (error is JsonException or FormatException)
        {
            (status, body) = ("400 Bad Request", error.Message);
        }

        await client.WriteAsync(
            Encoding.UTF8.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"),
            cancellationToken);
    }

    private static async Task<byte[]> ReadBodyAsync(
        RequestHead request, Connection client, CancellationToken cancellationToken)
    {
        if (request.Body is not { Kind: BodyKind.Length, Length: <= MaxBodyBytes })
        {
            throw new WireException("a plan without a length, or too long");
        }

        var body = new MemoryStream();
        while (body.Length < request.Body.Length)
        {
            var bytes = await client.Reader.ReadSomeAsync(request.Body.Length - body.Length, cancellationToken);
            if (bytes.IsEmpty)
            {
                throw new WireException("a plan ended early");
            }

            body.Write(bytes.Span);
        }

        return body.ToArray();
    }
}
