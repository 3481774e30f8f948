using System.Globalization;
using System.Text.Json;
using Checkpointer.Chaos.Jobs;
using Checkpointer.Chaos.Judging;
using Checkpointer.Chaos.Strikes;
using Checkpointer.Chaos.Worlds;
using Checkpointer.Cli;
using Checkpointer.Cli.Demo;
using Spectre.Console;
using Strike = Checkpointer.Chaos.Strikes.Strike;

namespace Checkpointer.Chaos;

/// <summary>
/// The job undisturbed; then the same job again and again, struck as often as its steps allow, until all strikes are done;
/// at last the same job under torchrun. Each must come out in the undisturbed one's bits.
/// </summary>
internal sealed class Campaign(ChaosOptions options, ChaosWorld world, DemoConsole console)
{
    private const int SpareSteps = 14;
    private static readonly TimeSpan JobDeadline = TimeSpan.FromMinutes(5);

    private readonly TrainingArguments _arguments = new(options.Steps, options.Seed);
    private readonly Random _random = new(options.Seed);
    private readonly List<Hit> _hits = [];
    private readonly List<string> _failures = [];
    private int _jobs;
    private int _earlierFailures;

    /// <summary>Runs a campaign and prints what it came to; the exit status is 0 only if all strikes hit and all is exact.</summary>
    public static async Task<int> ExecuteAsync(ChaosOptions options, CancellationToken cancellationToken)
    {
        var console = new DemoConsole(AnsiConsole.Console, TimeProvider.System);
        try
        {
            await using var world = await ChaosWorld.StartAsync(options, console.Say, cancellationToken);
            console.Good($"service and {world.Nodes.Count} agents are up; checkpoints go to {world.Store.Local.Description}");
            console.Say(world.WhyNoNetwork is { } why ? $"agents share a network, which is not cut: {why}" : "each agent is in a network namespace of its own");
            var campaign = new Campaign(options, world, console);
            await campaign.RunAsync(cancellationToken);
            var report = campaign.Report();
            ChaosTables.Print(report);

            return report.Failures.Count == 0 && report.Kills == options.Kills && report.Exact == options.Kills && report.Recovered == options.Kills
                ? ExitCode.Success
                : ExitCode.Failure;
        }
        catch (CliException e)
        {
            console.Bad(e.Message);
            return e.ExitCode;
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        var judge = await RunUndisturbedAsync(cancellationToken);
        var strikes = new Queue<Strike>(StrikeDraw.Draw(options.Kills - options.TorchrunKills, options.Seed, world.Network is not null, options.Only));
        while (strikes.Count > 0)
        {
            await RunStruckAsync(judge, new ForkedJob(world, NextRun(), _arguments), strikes, cancellationToken);
        }

        var left = new Queue<Strike>(StrikeDraw.DrawForTorchrun(options.TorchrunKills, options.Seed));
        while (left.Count > 0)
        {
            var job = await TorchrunJob.StartAsync(world, NextRun(), _arguments, cancellationToken);
            await RunStruckAsync(judge, job, left, cancellationToken);
        }
    }

    private ChaosReport Report() => new()
    {
        Seed = options.Seed,
        Store = world.Store.Local.Kind,
        Network = world.WhyNoNetwork ?? "network namespaces",
        SpoiledRequests = world.Store.Spoiled,
        Jobs = _jobs,
        Steps = options.Steps,
        Kills = _hits.Count,
        EarlierFailures = _earlierFailures,
        Recovered = _hits.Count(hit => hit.Recovered),
        Exact = _hits.Count(hit => hit.Exact),
        Failures = _failures,
        ByForce = Count(hit => hit.Strike.Force),
        ByTarget = Count(hit => hit.Strike.Target),
        ByPhase = Count(hit => hit.Strike.Phase),
        Seconds = Percentiles.Of(_hits.Where(hit => hit.Recovered).Select(hit => hit.Seconds)),
    };

    private async Task<Judge> RunUndisturbedAsync(CancellationToken cancellationToken)
    {
        console.Chapter($"The job, undisturbed: {options.Steps} steps");
        await using var job = new ForkedJob(world, "undisturbed", _arguments);
        world.Watch(job);
        await world.WaitAsync("the undisturbed job is over", () => job.IsOver, JobDeadline, cancellationToken);
        await WaitForLedgerAsync(job, cancellationToken);
        return await Judge.FromAsync(world.Cluster.Api, job.Run, job.Output, options.Steps, cancellationToken);
    }

    /// <summary>One job from its first step to its last, with as many of <paramref name="strikes"/> as fit in.</summary>
    private async Task RunStruckAsync(Judge judge, IJob job, Queue<Strike> strikes, CancellationToken cancellationToken)
    {
        console.Chapter(string.Create(CultureInfo.InvariantCulture, $"{job.Run}: {_hits.Count} of {options.Kills} strikes are done"));
        await using var ends = job;
        world.Watch(job);
        var hits = new List<Hit>();
        var striker = new Striker(world, job, _random, console);
        try
        {
            while (strikes.Count > 0)
            {
                if (job is TorchrunJob torchrun && strikes.Peek().Target == Target.Node && !torchrun.CanReplaceNodes)
                {
                    await world.WaitAsync("the job trains", () => world.Step > 0, JobDeadline, cancellationToken);
                    torchrun.ParkSpare();
                }

                if (await striker.StrikeAsync(strikes.Peek(), options.Steps - SpareSteps, hits.Add, cancellationToken) is null)
                {
                    if (hits.Count == 0)
                    {
                        throw new CliException("The job has too few steps to be struck once; give --steps.");
                    }

                    break; // too few steps are left
                }

                _ = strikes.Dequeue();
                if (job.CanReplaceNodes && job is TorchrunJob)
                {
                    break; // it has no other spare
                }
            }

            console.Say("no more strikes: the job goes on to its end");
            await world.WaitAsync("the job is over", () => job.IsOver, JobDeadline, cancellationToken);
            await WaitForLedgerAsync(job, cancellationToken);
            var faults = await judge.CheckAsync(world.Cluster.Api, job.Run, job.Output, cancellationToken);
            faults.ForEach(fault => Fail($"{job.Run} (struck by {string.Join("; ", hits.Select(hit => hit.Strike))}): {fault}"));
            hits.ForEach(hit => hit.Exact = hit.Recovered && faults.Count == 0);
        }
        catch (Exception e) when (e is CliException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Fail($"{job.Run}, {(strikes.Count > 0 ? strikes.Dequeue() : "its end")}: {e.Message}");
        }

        world.Job = null;
        _earlierFailures += striker.EarlierFailures;
        _hits.AddRange(hits);
        if (options.ReportFile is { } file)
        {
            // After each job, so that a campaign that is interrupted leaves what it found.
            await File.WriteAllBytesAsync(
                file, JsonSerializer.SerializeToUtf8Bytes(Report(), ChaosJsonContext.Default.ChaosReport), cancellationToken);
        }
    }

    private Task WaitForLedgerAsync(IJob job, CancellationToken cancellationToken) => world.WaitAsync(
        $"the ledger of {job.Run} is whole", () => world.Step == options.Steps, TimeSpan.FromSeconds(60), cancellationToken);

    private string NextRun() => string.Create(CultureInfo.InvariantCulture, $"struck-{++_jobs}");

    private void Fail(string failure)
    {
        console.Bad(failure);
        _failures.Add(failure);
    }

    private Dictionary<string, int> Count<T>(Func<Hit, T> what)
        where T : struct, Enum => _hits.GroupBy(what)
            .OrderBy(group => group.Key)
            .ToDictionary(group => JsonNamingPolicy.SnakeCaseLower.ConvertName(group.Key.ToString()), group => group.Count());
}
