using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Checkpointer.Cli.Configuration;
using Checkpointer.Cli.Operating;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Advice;
using Spectre.Console;

namespace Checkpointer.Cli.Advising;

/// <summary><c>checkpointer advise</c>.</summary>
internal static class AdviseCommand
{
    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        var run = RunArgument.Create();
        var output = OutputOption.Create();
        var failureEvery = new Option<Duration?>("--failure-every")
        {
            Description = "Count with a failure every so often, such as 4h, instead of those that were seen.",
            HelpName = "TIME",
            CustomParser = result => Duration.Between(TimeSpan.FromSeconds(1), TimeSpan.FromDays(36_500))(result),
        };
        var command = new Command(
            "advise",
            "Recommends how often to take snapshots and checkpoints of a run, from how long its steps and saves took and how often it "
            + "failed (Young's and Daly's optimum), and says why.")
        {
            run, failureEvery, ServiceSetting.Option, output,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = new OperatorClient(ServiceSetting.Of(parsed));
            var query = parsed.GetValue(failureEvery) is { } every
                ? string.Create(CultureInfo.InvariantCulture, $"?failure_every_s={every.Value.TotalSeconds}")
                : "";
            var advice = await client.GetAsync(
                $"v1/runs/{parsed.GetValue(run)}/advice{query}", ContractsJsonContext.Default.IntervalAdvice, cancellationToken).ConfigureAwait(false);
            if (parsed.GetValue(output) == OutputOption.Json)
            {
                Console.WriteLine(JsonSerializer.Serialize(advice, ContractsJsonContext.Default.IntervalAdvice));
            }
            else
            {
                Show(advice);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static void Show(IntervalAdvice advice)
    {
        var measured = advice.Measured;
        Line($"run {advice.Run}: {measured.Steps} steps of {Milliseconds(measured.StepMs)} (median); "
            + $"saves hold the trainer {Milliseconds(measured.StallMs)} ({measured.Saves} seen); "
            + $"storing one takes {Milliseconds(measured.DrainMs)} ({measured.Commits} seen).");
        Line($"Failures: {measured.FailureBasis}.");
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("what").AddColumn("now").AddColumn("recommended").AddColumn("why");
        Row("snapshot in memory", advice.Memory);
        Row("checkpoint in storage", advice.Durable);
        AnsiConsole.Write(table);
        Line("In the trainer: session.save(step, state) for a checkpoint, durable=False for one in memory only. Costs count the hold of "
            + "saves and the steps that failures undo, as a share of the run's time.");

        void Row(string what, IntervalRecommendation interval) => table.AddRow(
            what,
            interval.PresentSteps is { } present ? $"{Steps(present)}, costs {Percent(interval.PresentCost!.Value)}" : "not seen yet",
            $"{Steps(interval.Steps)}, costs {Percent(interval.Cost)}",
            Markup.Escape(interval.Reason));
    }

    private static void Line(string text) => AnsiConsole.WriteLine(text);

    private static string Steps(long steps) => steps == 1 ? "every step" : string.Create(CultureInfo.InvariantCulture, $"every {steps} steps");

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.##} %");

    private static string Milliseconds(double? time) => time switch
    {
        null => "an unknown time",
        < 1000 => string.Create(CultureInfo.InvariantCulture, $"{time:0.##} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time / 1000:0.##} s"),
    };
}
