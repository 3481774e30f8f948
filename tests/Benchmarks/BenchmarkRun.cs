using System.Globalization;
using System.Text.Json;
using Checkpointer.Cli;
using Checkpointer.Cli.Local;
using Spectre.Console;

namespace Checkpointer.Benchmarks;

/// <summary>Runs one scenario on a small cluster and prints its metrics.</summary>
internal static class BenchmarkRun
{
    private const long GatewayBytes = 12L << 30;

    // One that is measured, and for recoveries one that has its copies.
    private const int Nodes = 2;

    /// <summary>Runs <paramref name="scenario"/>; the exit status says only whether it could be measured.</summary>
    public static async Task<int> ExecuteAsync(
        string scenario, string store, long sizeBytes, int rounds, string? scratch, string? json, CancellationToken cancellationToken)
    {
        try
        {
            using var workspace = LocalWorkspace.Create(keepFolder: null, scratch);
            var python = await PythonRuntime
                .FindOrInstallAsync(AnsiConsole.WriteLine, workspace.Log("install"), cancellationToken);
            await using var opened = store == LocalStore.S3
                ? await LocalStore.OnGatewayAsync(
                    SourceTree.Find(), workspace, GatewayBytes, AnsiConsole.WriteLine, TimeProvider.System, cancellationToken)
                : LocalStore.InFolder(workspace);
            var bench = new TrainerSide(python, SourceTree.Find(), workspace, sizeBytes, rounds);
            await using var cluster = await LocalCluster.StartAsync(workspace, opened, Nodes, TimeProvider.System, cancellationToken);
            var metrics = await Scenarios.All[(scenario, store)](new BenchmarkContext(cluster, bench, workspace), cancellationToken);
            Print(metrics);
            if (json is not null)
            {
                await File.WriteAllBytesAsync(
                    json,
                    JsonSerializer.SerializeToUtf8Bytes([.. metrics], BenchmarkJsonContext.Default.ListMetric),
                    cancellationToken);
            }

            return ExitCode.Success;
        }
        catch (CliException e)
        {
            AnsiConsole.MarkupLineInterpolated($"[red]{e.Message}[/]");
            return e.ExitCode;
        }
    }

    private static void Print(IReadOnlyList<Metric> metrics)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("metric").AddColumn("value").AddColumn("unit").AddColumn("goal").AddColumn("");
        foreach (var metric in metrics)
        {
            table.AddRow(
                metric.Name,
                metric.Value.ToString("0.###", CultureInfo.InvariantCulture),
                metric.Unit,
                Markup.Escape(metric.Goal ?? ""),
                metric.Meets switch { true => "[green]meets[/]", false => "[yellow]misses[/]", null => "" });
        }

        AnsiConsole.Write(table);
    }
}
