using System.CommandLine;
using Checkpointer.Benchmarks;
using Checkpointer.Cli;

var scenario = new Argument<string>("scenario") { Description = "What to measure." };
scenario.AcceptOnlyFromAmong([.. Scenarios.All.Keys]);
var size = new Option<long?>("--size")
{
    Description = "Size of one rank's state, such as 256MiB. Default: 2GiB.",
    CustomParser = ByteSize.Parse,
};
var rounds = new Option<int>("--rounds")
{
    Description = "How often each thing is measured; the median counts.",
    DefaultValueFactory = _ => 5,
};
var json = new Option<string?>("--json") { Description = "Write the metrics to this file as JSON.", HelpName = "FILE" };
var scratch = new Option<string?>("--scratch")
{
    Description = "Folder for the store and the peers' files: put it on the disk to measure.",
    HelpName = "DIR",
};
var root = new RootCommand("Measures Checkpointer against the physical limit and a peer, in one run, as ratios.")
{
    scenario, size, rounds, json, scratch,
};
root.SetAction((parsed, cancellationToken) => BenchmarkRun.ExecuteAsync(
    parsed.GetValue(scenario)!,
    parsed.GetValue(size) ?? 2L << 30,
    parsed.GetValue(rounds),
    parsed.GetValue(scratch),
    parsed.GetValue(json),
    cancellationToken));
return await root.Parse(args).InvokeAsync();
