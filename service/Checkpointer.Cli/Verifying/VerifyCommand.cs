using System.CommandLine;
using System.CommandLine.Parsing;
using Checkpointer.Cli.Configuration;
using Checkpointer.Cli.Operating;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage.Verification;

namespace Checkpointer.Cli.Verifying;

/// <summary><c>checkpointer verify</c>.</summary>
internal static class VerifyCommand
{
    private static readonly Argument<RunId> Run = RunArgument.Create();

    private static readonly Argument<CheckpointChoice?> Choice = new("CHECKPOINT")
    {
        Description = "A step (40), a step and its attempt (40.2), or 'latest': the newest committed one, the default.",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = ParseChoice,
    };

    private static readonly Option<bool> All = new("--all")
    {
        Description = "Every committed checkpoint of the run; chunks that several share are read once.",
    };

    private static readonly Option<bool> NoRecord = new("--no-record")
    {
        Description = "Have no service record the result. (One that is not there is only warned about.)",
    };

    private static readonly Option<string> Output = OutputOption.Create();

    private static readonly Option<int> Parallelism = new("--parallelism")
    {
        Description = "Reads at the same time, 1 to 256.",
        HelpName = "N",
        CustomParser = WholeNumber.Between(1, 256, example: 8),
        DefaultValueFactory = _ => new VerificationOptions().Parallelism,
    };

    private static readonly Option<long?> Rate = new("--rate")
    {
        Description = "Most to read a second, such as 200MiB. Default: as fast as it goes.",
        HelpName = "SIZE",
        CustomParser = ByteSize.AtLeast(VerificationOptions.MinBytesPerSecond),
    };

    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        var command = new Command(
            "verify",
            "Reads committed checkpoints again from the store, down to every chunk, and names what is bad or missing and which "
            + "ranks and tensors that hits. Needs no service; one that is there records the result.\n\n"
            + $"Exit status: {ExitCode.Success} all good; {ExitCode.Failure} something is damaged; {ExitCode.Usage} the command line is wrong, or there is "
            + $"no such run or checkpoint; {ExitCode.Incomplete} no damage was seen, but not everything could be read (the store was away or refused).")
        {
            Run, Choice, All, StoreSetting.Option, ServiceSetting.Option, NoRecord, Output, Parallelism, Rate,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(All) && result.GetResult(Choice) is { Tokens.Count: > 0 })
            {
                result.AddError("Name a checkpoint or say --all, not both.");
            }
        });
        command.SetAction((parsed, cancellationToken) => RunAsync(
            () => new VerifyOptions
            {
                Run = parsed.GetValue(Run),
                Choice = parsed.GetValue(All) ? CheckpointChoice.All : parsed.GetValue(Choice) ?? CheckpointChoice.Latest,
                Store = StoreSetting.Of(parsed, ErrorOutput.Warn) with { CreateFolder = false },
                Service = parsed.GetValue(NoRecord) ? null : ServiceSetting.Of(parsed),
                Json = parsed.GetValue(Output) == OutputOption.Json,
                Parallelism = parsed.GetValue(Parallelism),
                BytesPerSecond = parsed.GetValue(Rate),
            },
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Func<VerifyOptions> options, CancellationToken cancellationToken)
    {
        try
        {
            return await new VerifyRunner(options(), TimeProvider.System, ErrorOutput.Warn).RunAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (CheckpointerException e) when (e.Code is not (ErrorCode.ConfigurationInvalid or ErrorCode.InvalidRequest))
        {
            _ = ErrorOutput.Report(e);
            return ExitCode.Incomplete;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("checkpointer: interrupted; what was not shown was not verified").ConfigureAwait(false);
            return ExitCode.Interrupted;
        }
    }

    private static CheckpointChoice? ParseChoice(ArgumentResult result) => CheckpointChoice.TryParse(result.Text())
        ?? result.Refuse<CheckpointChoice>("is no checkpoint", "write a step (40), a step and its attempt (40.2), or 'latest'");
}
