using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Identity;
using Checkpointer.Simulation.Network;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Trainers;

/// <summary>Tells the agent for as long as the rank lives that it does, as the hooks do; connects again when the agent restarts.</summary>
internal sealed class RankPresence(SimulatedNetwork network, SimulatedProcess process, Uri address)
{
    private RequestStream? _stream;

    /// <summary>Runs until the process dies.</summary>
    public async Task RunAsync(Attempt attempt, Func<Step?> at)
    {
        while (true)
        {
            _stream = new RequestStream(network, process, address);
            Say(new PresenceLine { Attempt = attempt, Card = "simulated" });
            while (!_stream.Ended.IsCompleted)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), process.Time).ConfigureAwait(false);
                Say(new PresenceLine { Step = at() });
            }

            await _stream.Ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.Delay(TimeSpan.FromSeconds(0.5), process.Time).ConfigureAwait(false);
        }
    }

    /// <summary>The rank takes its leave, and says what ends it.</summary>
    public void SayGoodbye(string error) => Say(new PresenceLine { Goodbye = true, Error = error });

    private void Say(PresenceLine line) =>
        _stream?.Send([.. JsonSerializer.SerializeToUtf8Bytes(line, ContractsJsonContext.Default.PresenceLine), (byte)'\n']);
}
