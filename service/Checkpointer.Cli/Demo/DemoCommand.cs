using System.CommandLine;
using System.Text.Json;
using Checkpointer.Cli.Configuration;
using Checkpointer.Cli.Local;
using Spectre.Console;

namespace Checkpointer.Cli.Demo;

/// <summary><c>checkpointer demo</c>.</summary>
internal static class DemoCommand
{
    private const int FewestSteps = 12;
    private const int MostSteps = 100_000;
    private const long GatewayBytes = 4L << 30;

    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        var kill = new Option<string>("--kill")
        {
            Description = "What dies by SIGKILL in the middle.",
            DefaultValueFactory = _ => "node",
        };
        kill.AcceptOnlyFromAmong([.. Enum.GetNames<KillTarget>().Select(name => name.ToLowerInvariant())]);
        var steps = new Option<int>("--steps")
        {
            Description = "Steps to train.",
            HelpName = "N",
            CustomParser = WholeNumber.Between(FewestSteps, MostSteps, example: 40),
            DefaultValueFactory = _ => 40,
        };
        var saveEvery = new Option<int>("--save-every")
        {
            Description = "Steps between two checkpoints.",
            HelpName = "N",
            CustomParser = WholeNumber.Between(1, MostSteps, example: 5),
            DefaultValueFactory = _ => 5,
        };
        var memoryEvery = new Option<int>("--memory-every")
        {
            Description = "Steps between two snapshots that stay in memory, here and at a peer: 1 loses at most one step of a "
                + "killed node. 0: none but those that become checkpoints.",
            HelpName = "N",
            CustomParser = WholeNumber.Between(0, MostSteps, example: 1),
            DefaultValueFactory = _ => 0,
        };
        var seed = new Option<int>("--seed")
        {
            Description = "Seeds the model, the order of the data, and the moment and victim of the kill.",
            HelpName = "N",
            CustomParser = WholeNumber.Between(int.MinValue, int.MaxValue, example: 1),
            DefaultValueFactory = _ => 1,
        };
        var keep = new Option<string?>("--keep")
        {
            Description = "Keep store, journal and logs in this new folder.",
            HelpName = "DIR",
        };
        var store = new Option<string>("--store")
        {
            Description = "Where checkpoints go: 'folder', a temporary one; 's3', a Ceph object gateway that the demo starts "
                + "(Debian's packages are installed if they are missing); or the URL of a store of yours, in which the demo "
                + "uses a place of its own and removes it in the end, unless --keep is given.",
            HelpName = "folder|s3|URL",
            DefaultValueFactory = _ => LocalStore.Folder,
        };
        var report = new Option<string?>("--report")
        {
            Description = "Write what was found to this file as JSON.",
            HelpName = "FILE",
        };
        report.Validators.Add(result =>
        {
            if (result.GetValue(report) is { } file && !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(file))))
            {
                result.AddError($"--report: '{Path.GetDirectoryName(Path.GetFullPath(file))}' is no folder.");
            }
        });
        var command = new Command(
            "demo",
            "Trains a small mixture-of-experts transformer with PyTorch on 4 ranks over 2 nodes, kills a part of it, "
            + "and shows that the run resumes at the exact step and ends bit for bit like an uninterrupted one.")
        {
            kill, steps, saveEvery, memoryEvery, seed, store, keep, report,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            new DemoOptions
            {
                Kill = Enum.Parse<KillTarget>(parsed.GetValue(kill)!, ignoreCase: true),
                Steps = parsed.GetValue(steps),
                SaveEvery = parsed.GetValue(saveEvery),
                MemoryEvery = parsed.GetValue(memoryEvery),
                Seed = parsed.GetValue(seed),
                OpenStoreAsync = StoreOpener(parsed, store, keep),
                KeepFolder = parsed.GetValue(keep),
                ReportFile = parsed.GetValue(report),
            },
            cancellationToken));
        return command;
    }

    private static Func<LocalWorkspace, Action<string>, CancellationToken, Task<LocalStore>> StoreOpener(
        ParseResult parsed, Option<string> store, Option<string?> keep) => parsed.GetValue(store) switch
        {
            LocalStore.Folder => (workspace, _, _) => Task.FromResult(LocalStore.InFolder(workspace)),
            LocalStore.S3 => (workspace, say, token) => LocalStore.OnGatewayAsync(
                SourceTree.Find(), workspace, GatewayBytes, say, TimeProvider.System, token),
            var url => (_, _, _) => Task.FromResult(LocalStore.Inside(
                StoreSetting.With(url!, ConfigurationSetting.Of(parsed, ErrorOutput.Warn)),
                ConfigurationSetting.PathOf(parsed),
                keep: parsed.GetValue(keep) is not null,
                TimeProvider.System)),
        };

    private static async Task<int> RunAsync(DemoOptions options, CancellationToken cancellationToken)
    {
        var console = new DemoConsole(AnsiConsole.Console, TimeProvider.System);
        try
        {
            var report = await new DemoStory(options, console, TimeProvider.System).PlayAsync(cancellationToken).ConfigureAwait(false);
            console.Summary(report);
            if (options.ReportFile is { } file)
            {
                var json = JsonSerializer.SerializeToUtf8Bytes(report, DemoJsonContext.Default.DemoReport);
                await File.WriteAllBytesAsync(file, json, cancellationToken).ConfigureAwait(false);
            }

            return report.Failures.Count == 0 ? ExitCode.Success : ExitCode.Failure;
        }
        catch (CliException e)
        {
            console.Bad(e.Message);
            return e.ExitCode;
        }
        catch (OperationCanceledException)
        {
            console.Bad(cancellationToken.IsCancellationRequested
                ? "interrupted; every process is gone and shared memory is clean"
                : "a run did not end in time");
            return cancellationToken.IsCancellationRequested ? ExitCode.Interrupted : ExitCode.Failure;
        }
    }
}
