using System.Text.Json;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Simulation.Processes;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Trainers;

/// <summary>One rank's process: joins, restores, trains and saves as a trainer with the Python hooks does.</summary>
internal sealed class TrainerRank
{
    private const int Tries = 3;
    private const int HoldMs = 10_000;
    private const int Pieces = 3;

    private readonly World _world;
    private readonly SimulatedNode _node;
    private readonly Incarnation _incarnation;
    private readonly AgentClient _client;
    private readonly StepReports _reports;
    private readonly Layout _layout;
    private readonly RankPresence _presence;
    private int _registeredEpoch;

    public TrainerRank(World world, SimulatedNode node, Incarnation incarnation, Rank rank)
    {
        (_world, _node, _incarnation, Rank) = (world, node, incarnation, rank);
        Process = world.NewProcess($"rank {rank} of {incarnation.Name}", node.Name);
        _client = new AgentClient(
            world.Network.ClientOf(Process, node.Socket), Process, World.Run, rank, incarnation.Name, incarnation.WorldSize);
        _reports = new StepReports(_client, keeps: rank.Value == 0);
        _layout = world.Training.LayoutOf(rank);
        _presence = new RankPresence(
            world.Network, Process, new Uri(node.Socket, $"/v1/runs/{World.Run}/ranks/{rank}/presence"));
        _ = RunAsync();
    }

    public SimulatedProcess Process { get; }

    public Rank Rank { get; }

    public SimulatedNode Node => _node;

    /// <summary>The start that it belongs to.</summary>
    public string Incarnation => _incarnation.Name;

    /// <summary>Its attempt; null before the grant.</summary>
    public Attempt? Attempt => _client.Attempt;

    /// <summary>The newest step it has completed; null before it has restored.</summary>
    public Step? At { get; private set; }

    /// <summary>Whether the launcher has lost sight of it: it goes on alone, and saves although nobody wants it.</summary>
    public bool IsZombie { get; set; }

    /// <summary>How much slower than the others it is.</summary>
    public double Slowness { get; set; } = 1;

    /// <summary>Whether the run's own rank failed although only infrastructure was in trouble; null if it has not ended by itself.</summary>
    public string? EndedBecause { get; private set; }

    private async Task RunAsync()
    {
        await Task.Yield();
        try
        {
            await JoinAsync().ConfigureAwait(false);
            _ = _presence.RunAsync(_client.Attempt!.Value, () => At);
            var state = await RestoreAsync().ConfigureAwait(false);
            await TrainAsync(state).ConfigureAwait(false);
        }
        catch (CheckpointerException e)
        {
            // What ends a trainer: it was fenced out, or has nothing right to start from.
            EndedBecause = e.Code.ToString();
            _world.RankEnded(this, e);
            _presence.SayGoodbye(e.Message);
            await PauseAsync(1).ConfigureAwait(false);
        }
        catch (SimulationException e)
        {
            _world.Fail(e);
        }

        Process.Kill();
    }

    private Task PauseAsync(double milliseconds) =>
        Task.Delay(TimeSpan.FromMilliseconds(milliseconds * (0.9 + (0.2 * Process.Random.NextDouble()))), Process.Time);

    private async Task JoinAsync()
    {
        for (var pause = 50.0; ; pause = Math.Min(2000, pause * 2))
        {
            try
            {
                if (await _client.TryJoinAsync(HoldMs).ConfigureAwait(false))
                {
                    _world.Model.Granted(this, _client.Attempt!.Value, _client.ResumeFrom);
                    return;
                }

                pause = 50;
            }
            catch (CheckpointerException e) when (e.IsTransient)
            {
                // Agent or service are away: the rank waits for them.
            }

            await PauseAsync(pause).ConfigureAwait(false);
        }
    }

    private async Task RegisterAsync()
    {
        if (_registeredEpoch != _client.Epoch)
        {
            var epoch = _client.Epoch;
            _ = await _client.RegisterAsync(_layout).ConfigureAwait(false);
            _registeredEpoch = epoch;
        }
    }

    private async Task<ulong> RestoreAsync()
    {
        for (var pause = 50.0; ; pause = Math.Min(2000, pause * 2))
        {
            try
            {
                await _client.ReviveAsync().ConfigureAwait(false);
                await RegisterAsync().ConfigureAwait(false);
                var answer = await _client.RestoreAsync(_layout, HoldMs).ConfigureAwait(false);
                if (answer.Done)
                {
                    return Take(answer);
                }

                pause = 50;
            }
            catch (CheckpointerException e) when (e.Code == ErrorCode.NotFound)
            {
                await ForgottenAsync().ConfigureAwait(false);
            }
            catch (CheckpointerException e) when (e.IsTransient)
            {
                // Waited out, as the hooks do.
            }

            await PauseAsync(pause).ConfigureAwait(false);
        }
    }

    private async Task ForgottenAsync()
    {
        try
        {
            await _client.ReviveAsync(forgotten: true).ConfigureAwait(false);
        }
        catch (CheckpointerException e) when (e.IsTransient)
        {
            // The next turn tries again.
        }
    }

    private ulong Take(RestoreResponse answer)
    {
        if (answer.Checkpoint is not { } checkpoint)
        {
            At = new Step(0);
            return _world.Model.Restored(this, answer, null);
        }

        using var file = OpenSlot(answer.Slot!);
        var image = new byte[_layout.ImageBytes];
        var read = RandomAccess.Read(file, image, answer.Slot!.DataOffset);
        At = checkpoint.Step;
        return _world.Model.Restored(this, answer, read == image.Length ? image : null);
    }

    private async Task TrainAsync(ulong state)
    {
        while (true)
        {
            await PauseAsync(_world.Plan.StepMs * Slowness).ConfigureAwait(false);
            if (!IsZombie)
            {
                await _incarnation.Barrier.ArriveAsync().ConfigureAwait(false);
            }

            var step = new Step(At!.Value.Value + 1);
            var attempt = _client.Attempt!.Value;
            state = TrainingState.Next(state, step, attempt);
            At = step;
            _reports.Add(new StepReport
            {
                Step = step,
                Loss = _world.Training.LossOf(step),
                GradNorm = 1,
                DataCursor = JsonElement.Parse($"{step.Value * 100}"),
                StepMs = _world.Plan.StepMs,
            });
            if (step.Value % _world.Plan.SaveEvery == 0)
            {
                await SaveAsync(step, state, durable: step.Value % _world.Plan.DurableEvery == 0).ConfigureAwait(false);
            }
            else
            {
                await QuietlyAsync(_reports.FlushAsync).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Trouble never ends training; only being fenced out does.</summary>
    private async Task<string> QuietlyAsync(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
            return "ok";
        }
        catch (CheckpointerException e) when (e.Code is not (ErrorCode.StaleAttempt or ErrorCode.IncarnationSuperseded))
        {
            return e.Code.ToString();
        }
    }

    private async Task SaveAsync(Step step, ulong state, bool durable)
    {
        var image = _world.Training.ImageOf(_layout, Rank, state);
        var checkpoint = new CheckpointId(step, _client.Attempt!.Value);
        _world.Model.Saving(this, checkpoint, state);
        SlotLocation? slot = null;
        var outcome = await QuietlyAsync(async () =>
        {
            slot = await BeginAsync(step, durable).ConfigureAwait(false);
            await FillAsync(slot, image).ConfigureAwait(false);
            await SealAsync(step, image.Length).ConfigureAwait(false);
        }).ConfigureAwait(false);
        _world.Count(outcome == "ok" ? "saves" : $"saves refused: {outcome}");
        if (outcome != "ok" && slot is not null)
        {
            _ = await QuietlyAsync(() => _client.DiscardAsync(step)).ConfigureAwait(false);
        }
    }

    private async Task<SlotLocation> BeginAsync(Step step, bool durable)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await _client.ReviveAsync().ConfigureAwait(false);
                var epoch = _client.Epoch;
                await _reports.FlushAsync().ConfigureAwait(false);
                await RegisterAsync().ConfigureAwait(false);
                if (epoch == _client.Epoch || tries == Tries)
                {
                    return await _client.BeginAsync(step, _layout, durable).ConfigureAwait(false);
                }
            }
            catch (CheckpointerException e) when (tries < Tries && e.Code is ErrorCode.NotFound or ErrorCode.LayoutMismatch)
            {
                _registeredEpoch = 0;
                await _client.ReviveAsync(forgotten: e.Code == ErrorCode.NotFound).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Writes the image in pieces, between which anything can happen.</summary>
    private async Task FillAsync(SlotLocation slot, byte[] image)
    {
        using var file = OpenSlot(slot);
        var piece = (image.Length + Pieces - 1) / Pieces;
        for (var at = 0; at < image.Length; at += piece)
        {
            RandomAccess.Write(file, image.AsSpan(at, Math.Min(piece, image.Length - at)), slot.DataOffset + at);
            await PauseAsync(3 * Slowness).ConfigureAwait(false);
        }
    }

    private async Task SealAsync(Step step, long bytes)
    {
        var extra = JsonElement.Parse($$"""{"data_cursor":{{step.Value * 100}}}""");
        try
        {
            _ = await _client.SealAsync(step, bytes, extra).ConfigureAwait(false);
        }
        catch (CheckpointerException e) when (e.IsTransient || e.Code == ErrorCode.NotFound)
        {
            await _client.ReviveAsync(forgotten: e.Code == ErrorCode.NotFound).ConfigureAwait(false);
            _ = await _client.SealAsync(step, bytes, extra).ConfigureAwait(false);
        }
    }

    private static Microsoft.Win32.SafeHandles.SafeFileHandle OpenSlot(SlotLocation slot)
    {
        try
        {
            return File.OpenHandle(slot.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (IOException e)
        {
            throw new CheckpointerException(ErrorCode.ArenaCorrupt, $"'{slot.Path}' is gone: {e.Message}", inner: e);
        }
    }
}
