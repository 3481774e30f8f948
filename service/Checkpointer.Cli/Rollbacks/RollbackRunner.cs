using System.Globalization;
using System.Text.Json;
using Checkpointer.Cli.Operating;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Spectre.Console;

namespace Checkpointer.Cli.Rollbacks;

/// <summary>Shows what a rollback would come to, asks, and has the service decide it, if that is still what was shown.</summary>
internal sealed class RollbackRunner(OperatorClient client, RollbackOptions options)
{
    private const int MaxNamed = 8;

    private static readonly ContractsJsonContext Json = ContractsJsonContext.Default;

    /// <summary>The exit status; trouble and refusals are thrown.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var shown = await PostAsync(
            new RequestRollback { To = options.To, By = options.By, Comment = options.Comment, DryRun = true }, cancellationToken).ConfigureAwait(false);
        if (options.DryRun)
        {
            Tell(shown, () => Console.WriteLine(Describe(shown, "would go")));
            return ExitCode.Success;
        }

        if (!options.Yes && !await ConfirmAsync(shown, cancellationToken).ConfigureAwait(false))
        {
            await Console.Error.WriteLineAsync("checkpointer: nothing was changed").ConfigureAwait(false);
            return ExitCode.Failure;
        }

        var decided = await PostAsync(
            new RequestRollback { To = options.To, By = options.By, Comment = options.Comment, Target = shown.Target }, cancellationToken).ConfigureAwait(false);
        Tell(decided, () =>
        {
            Console.WriteLine(Describe(decided, "goes"));
            Console.WriteLine(
                $"Attempt {decided.Fenced} is fenced: its trainers end by themselves within seconds. The next start of the job resumes from {decided.Target}.");
        });
        return ExitCode.Success;
    }

    private Task<Rollback> PostAsync(RequestRollback request, CancellationToken cancellationToken) => client.PostAsync(
        $"v1/runs/{options.Run}/rollbacks", request, Json.RequestRollback, Json.Rollback, cancellationToken);

    private void Tell(Rollback rollback, Action forPeople)
    {
        if (options.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(rollback, Json.Rollback));
        }
        else
        {
            forPeople();
        }
    }

    private async Task<bool> ConfirmAsync(Rollback shown, CancellationToken cancellationToken)
    {
        // Standard output may be a script's; the question goes where errors go.
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (Console.IsInputRedirected || !console.Profile.Capabilities.Interactive)
        {
            throw new CliException(
                $"{Describe(shown, "would go")} There is nobody to ask here: say --yes to do it, or --dry-run to only see it.", ExitCode.Usage);
        }

        console.WriteLine(Describe(shown, "would go"));
        return await console.PromptAsync(
            new ConfirmationPrompt($"End attempt {shown.Fenced} and go back to {shown.Target}?") { DefaultValue = false }, cancellationToken).ConfigureAwait(false);
    }

    private string Describe(Rollback rollback, string verb)
    {
        var steps = (rollback.LedgerStep?.Value ?? rollback.Target.Step.Value) - rollback.Target.Step.Value;
        var at = rollback.LedgerStep is { } step ? $", which is at step {step}," : "";
        var names = string.Join(", ", rollback.Leaves.TakeLast(MaxNamed));
        var checkpoints = rollback.LeavesCount switch
        {
            0 => "no checkpoint",
            1 => $"1 checkpoint ({names})",
            > MaxNamed => $"{rollback.LeavesCount} checkpoints (the newest: {names})",
            _ => $"{rollback.LeavesCount} checkpoints ({names})",
        };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Run {options.Run} {verb} from attempt {rollback.Fenced}{at} back to {rollback.Target}, and leaves {Math.Max(0, steps)} {(steps == 1 ? "step" : "steps")} and {checkpoints} behind.");
    }
}
