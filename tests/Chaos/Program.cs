using System.CommandLine;
using Checkpointer.Chaos;
using Checkpointer.Cli;

var kills = new Option<int>("--kills") { Description = "How many strikes.", DefaultValueFactory = _ => 9 };
var seed = new Option<int>("--seed") { Description = "Draws strikes, moments and victims.", DefaultValueFactory = _ => 1 };
var store = new Option<string>("--store")
{
    Description = "Where checkpoints go: 'folder'; 's3', a Ceph object gateway behind a proxy that spoils requests; or a store's URL.",
    HelpName = "folder|s3|URL",
    DefaultValueFactory = _ => "folder",
};
var steps = new Option<int?>("--steps") { Description = "Steps of each job. Default: 44; 120 from 20 strikes on." };
var torchrun = new Option<int?>("--torchrun") { Description = "How many of the strikes hit a job under torchrun. Default: 1; 4 from 20 strikes on." };
var only = new Option<string?>("--only") { Description = "Only strikes such as this, or with this in them: 'kill node in drain'." };
var keep = new Option<string?>("--keep") { Description = "Keep store, journal and logs in this new folder.", HelpName = "DIR" };
var report = new Option<string?>("--report") { Description = "Write what was found to this file as JSON.", HelpName = "FILE" };
var root = new RootCommand("Strikes a real training job where it hurts, again and again, and shows that it ends in the same bits.")
{
    kills, seed, store, steps, torchrun, only, keep, report,
};
root.SetAction((parsed, cancellationToken) =>
{
    var count = parsed.GetValue(kills);
    var isLarge = count >= 20;
    return Campaign.ExecuteAsync(
        new ChaosOptions
        {
            Kills = count,
            Seed = parsed.GetValue(seed),
            Store = parsed.GetValue(store)!,
            Steps = parsed.GetValue(steps) ?? (isLarge ? 120 : 44),
            TorchrunKills = Math.Min(count, parsed.GetValue(torchrun) ?? (isLarge ? 4 : 1)),
            Only = parsed.GetValue(only),
            KeepFolder = parsed.GetValue(keep),
            ReportFile = parsed.GetValue(report),
        },
        cancellationToken);
});
try
{
    return await root.Parse(args).InvokeAsync();
}
catch (OperationCanceledException)
{
    return ExitCode.Interrupted;
}
