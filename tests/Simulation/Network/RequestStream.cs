using System.IO.Pipelines;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Network;

/// <summary>A request whose body goes on for as long as the client lives: lines are sent as they come.</summary>
internal sealed class RequestStream
{
    private static readonly TimeSpan Travel = TimeSpan.FromMicroseconds(50);

    private readonly Pipe _pipe = new();
    private readonly SimulatedProcess _from;
    private bool _closed;

    public RequestStream(SimulatedNetwork network, SimulatedProcess from, Uri address)
    {
        _from = from;
        var exchange = new Exchange
        {
            From = from,
            Method = "POST",
            Address = address,
            Headers = [],
            HasBody = true,
            BodyBytes = null,
            OpenBody = () => _pipe.Reader.AsStream(),
        };
        Ended = network.SendAsync(exchange, CancellationToken.None);
        from.Died += Break;
    }

    /// <summary>Ends when the server has answered, or fails when the connection is gone.</summary>
    public Task Ended { get; }

    /// <summary>Sends some bytes, if the connection still is there.</summary>
    public void Send(byte[] bytes) => _ = _from.Scheduler.Schedule(Travel, $"{_from.Name} streams", () =>
    {
        if (!_closed && !Ended.IsCompleted)
        {
            _ = _pipe.Writer.WriteAsync(bytes).AsTask();
        }
    });

    // The kernel resets what a process that ends had open.
    private void Break() => _ = _from.Scheduler.Schedule(Travel, $"{_from.Name} stream ends", () =>
    {
        _closed = true;
        _pipe.Writer.Complete(new IOException("The connection was reset."));
    });
}
