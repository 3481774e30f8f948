using System.CommandLine;
using Checkpointer.Benchmarks;
using Checkpointer.Cli;
using Checkpointer.Cli.Local;

var scenario = new Argument<string>("scenario") { Description = "What to measure." };
scenario.AcceptOnlyFromAmong([.. Scenarios.All.Keys.Select(key => key.Scenario).Distinct()]);
var store = new Option<string>("--store")
{
    Description = "Where checkpoints go: a folder, or a Ceph object gateway on this machine (drain and restore).",
    DefaultValueFactory = _ => LocalStore.Folder,
};
store.AcceptOnlyFromAmong(LocalStore.Folder, LocalStore.S3);
var size = new Option<long?>("--size")
{
    Description = "Size of one rank's state, such as 256MiB. Default: 2GiB; 1GiB on S3, whose objects are in memory.",
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
    scenario, store, size, rounds, json, scratch,
};
root.Validators.Add(result =>
{
    if (result.GetValue(scenario) is { } asked && !Scenarios.All.ContainsKey((asked, result.GetValue(store) ?? LocalStore.Folder)))
    {
        result.AddError($"'{asked}' does not depend on the store; measure it without --store.");
    }
});
root.SetAction((parsed, cancellationToken) => BenchmarkRun.ExecuteAsync(
    parsed.GetValue(scenario)!,
    parsed.GetValue(store)!,
    parsed.GetValue(size) ?? (parsed.GetValue(store) == LocalStore.S3 ? 1L << 30 : 2L << 30),
    parsed.GetValue(rounds),
    parsed.GetValue(scratch),
    parsed.GetValue(json),
    cancellationToken));
return await root.Parse(args).InvokeAsync();
