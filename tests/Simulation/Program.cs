using System.CommandLine;
using Checkpointer.Simulation.Mutants;
using Checkpointer.Simulation.Reporting;
using Checkpointer.Simulation.Scheduling;

if (args is [Children.Argument])
{
    DeterministicHashes.Fix();
    return Children.Serve();
}

var seeds = new Option<int>("--seeds") { Description = "How many seeds to run.", DefaultValueFactory = _ => 20 };
var start = new Option<int>("--start") { Description = "The first seed.", DefaultValueFactory = _ => 1 };
var events = new Option<int>("--events")
{
    Description = "Events of each seed before faults stop and the world has to recover.",
    DefaultValueFactory = _ => 2000,
};
var jobs = new Option<int>("--jobs")
{
    Description = "Seeds at the same time, each in a process of one thread.",
    DefaultValueFactory = _ => Environment.ProcessorCount,
};
var report = new Option<string?>("--report") { Description = "Write the report to this file as JSON.", HelpName = "FILE" };
var regressions = new Option<bool>("--regressions") { Description = "Run the seeds of regressions.txt first." };
var twice = new Option<int>("--twice") { Description = "Run so many seeds a second time, in another process, and compare their courses." };
var mask = new Option<string[]>("--mask") { Description = "Leave out faults of this kind.", HelpName = "KIND", AllowMultipleArgumentsPerToken = true };
var faults = new Option<int?>("--faults") { Description = "Let only the first so many faults happen." };
var trace = new Option<bool>("--trace") { Description = "Print the course of each seed, one at a time." };
var shrink = new Option<bool>("--shrink")
{
    Description = "Make the course of a seed that fails as short as it goes.",
    DefaultValueFactory = _ => true,
};
var stop = new Option<bool>("--stop") { Description = "Run no more seeds after one has failed." };
var mutants = new Option<string[]?>("--mutants")
{
    Description = $"Break production code in each of these ways (all, if none is named) and run seeds until it is noticed, {MutantCampaign.MaxSeeds} at most.",
    HelpName = "NAME",
    Arity = ArgumentArity.ZeroOrMore,
    AllowMultipleArgumentsPerToken = true,
};
var checkMutants = new Option<bool>("--check-mutants") { Description = "Only see whether every mutant still fits the source." };
var root = new RootCommand("Runs the whole system, simulated, by seeds: faults of every kind, invariants checked after every event.")
{
    seeds, start, events, jobs, report, regressions, twice, mask, faults, trace, shrink, stop, mutants, checkMutants,
};
root.SetAction((parsed, cancellationToken) =>
{
    var options = new CampaignOptions
    {
        Seeds = parsed.GetValue(seeds),
        Start = parsed.GetValue(start),
        Events = parsed.GetValue(events),
        Jobs = parsed.GetValue(trace) ? 1 : Math.Max(1, parsed.GetValue(jobs)),
        Report = parsed.GetValue(report),
        Regressions = parsed.GetValue(regressions),
        Twice = parsed.GetValue(twice),
        Masked = parsed.GetValue(mask) ?? [],
        MaxFaults = parsed.GetValue(faults),
        Trace = parsed.GetValue(trace),
        Shrink = parsed.GetValue(shrink),
        Stop = parsed.GetValue(stop),
    };
    return parsed.GetValue(checkMutants) ? MutantCampaign.CheckAsync(cancellationToken)
        : parsed.GetResult(mutants) is not null ? MutantCampaign.RunAsync(options, parsed.GetValue(mutants) ?? [], cancellationToken)
        : Campaign.RunAsync(options, cancellationToken);
});
return await root.Parse(args).InvokeAsync();
