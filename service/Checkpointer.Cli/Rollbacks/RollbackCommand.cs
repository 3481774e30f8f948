using System.CommandLine;
using Checkpointer.Cli.Configuration;
using Checkpointer.Cli.Operating;

namespace Checkpointer.Cli.Rollbacks;

/// <summary><c>checkpointer rollback</c>.</summary>
internal static class RollbackCommand
{
    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        var run = RunArgument.Create();
        var output = OutputOption.Create();
        var to = new Option<string>("--to")
        {
            Description = "A step of the current lineage (120); a step and its attempt (120.3), which may be of a lineage that was left; "
                + "'latest': the newest that can be restored; or 'known-good': the newest committed one that is neither known to be "
                + "damaged nor has NaN or infinite values.",
            HelpName = "STEP|STEP.ATTEMPT|latest|known-good",
            Required = true,
        };
        var by = new Option<string>("--by")
        {
            Description = "Who decides, for the record. Default: the user who runs this.",
            HelpName = "WHO",
            DefaultValueFactory = _ => Environment.UserName,
        };
        var comment = new Option<string?>("--comment") { Description = "Why, for the record.", HelpName = "TEXT" };
        var yes = new Option<bool>("--yes") { Description = "Do not ask. Needed where nobody can be asked, as in a script." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only show what it would come to." };
        var command = new Command(
            "rollback",
            "Sends a run back to an earlier checkpoint. The attempt that runs is fenced at once: its trainers end, nothing that they "
            + "still write counts, and the next start of the job resumes exactly there. What is left behind stays listed as such and "
            + "can be gone back to likewise.")
        {
            run, to, by, comment, yes, dryRun, ServiceSetting.Option, output,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = new OperatorClient(ServiceSetting.Of(parsed));
            var options = new RollbackOptions
            {
                Run = parsed.GetValue(run),
                To = parsed.GetValue(to)!,
                By = parsed.GetValue(by)!,
                Comment = parsed.GetValue(comment),
                Yes = parsed.GetValue(yes),
                DryRun = parsed.GetValue(dryRun),
                Json = parsed.GetValue(output) == OutputOption.Json,
            };
            return await new RollbackRunner(client, options).RunAsync(cancellationToken).ConfigureAwait(false);
        });
        return command;
    }
}
