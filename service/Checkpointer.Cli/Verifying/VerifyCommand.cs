using System.CommandLine;
using System.CommandLine.Parsing;
using Checkpointer.Cli.Commands;
using Checkpointer.Contracts.Problems;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage;
using Checkpointer.Storage.Verification;

namespace Checkpointer.Cli.Verifying;

/// <summary><c>checkpointer verify</c>.</summary>
internal static class VerifyCommand
{
    private const string Text = "text";
    private const string Json = "json";

    private static readonly Argument<RunId> Run = new("RUN")
    {
        Description = "The run.",
        CustomParser = ParseRun,
    };

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

    private static readonly Option<Uri?> Service = new("--service")
    {
        Description = "The service that records the result. CHECKPOINTER_SERVICE. One that is not there is a warning.",
        HelpName = "URL",
        CustomParser = Defaults.ParseAddress,
        DefaultValueFactory = _ => new Uri(Defaults.From("CHECKPOINTER_SERVICE") ?? Defaults.ServiceAddress),
    };

    private static readonly Option<bool> NoRecord = new("--no-record")
    {
        Description = "Tell no service.",
    };

    private static readonly Option<string> Output = new("--output")
    {
        Description = "'text' for people; 'json' for scripts: then standard output holds nothing else.",
        DefaultValueFactory = _ => Text,
    };

    private static readonly Option<int> Parallelism = new("--parallelism")
    {
        Description = "Reads at the same time, 1 to 256.",
        HelpName = "N",
        DefaultValueFactory = _ => new VerificationOptions().Parallelism,
    };

    private static readonly Option<long?> Rate = new("--rate")
    {
        Description = "Most to read a second, such as 200MiB. Default: as fast as it goes.",
        HelpName = "SIZE",
        CustomParser = ByteSize.Parse,
    };

    private static readonly Option<string> Store = Defaults.StoreOption();

    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        Output.AcceptOnlyFromAmong(Text, Json);
        var command = new Command(
            "verify",
            "Reads committed checkpoints again from the store, down to every chunk, and names what is bad or missing and which "
            + "ranks and tensors that hits. Needs no service; one that is there records the result.\n\n"
            + $"Exit status: {ExitCode.Success} all good; {ExitCode.Failure} something is damaged; {ExitCode.Usage} the command line is wrong, or there is "
            + $"no such run or checkpoint; {ExitCode.Incomplete} no damage was seen, but not everything could be read (the store was away or refused).")
        {
            Run, Choice, All, Store, Service, NoRecord, Output, Parallelism, Rate,
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
                Store = new StoreOptions { Url = parsed.GetValue(Store)!, CreateFolder = false },
                Service = parsed.GetValue(NoRecord) ? null : parsed.GetValue(Service),
                Json = parsed.GetValue(Output) == Json,
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
            return await new VerifyRunner(options(), TimeProvider.System, Warn).RunAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (CliException e)
        {
            await Console.Error.WriteLineAsync($"checkpointer: {e.Message}").ConfigureAwait(false);
            return e.ExitCode;
        }
        catch (CheckpointerException e)
        {
            await Console.Error.WriteLineAsync($"checkpointer: {CheckpointerProblem.NameOf(e.Code)}: {e.Message}").ConfigureAwait(false);
            return e.Code is ErrorCode.ConfigurationInvalid or ErrorCode.InvalidRequest ? ExitCode.Usage : ExitCode.Incomplete;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("checkpointer: interrupted; what was not shown was not verified").ConfigureAwait(false);
            return ExitCode.Interrupted;
        }
    }

    private static void Warn(string text) => Console.Error.WriteLine($"checkpointer: warning: {text}");

    private static RunId ParseRun(ArgumentResult result)
    {
        var text = result.Tokens.Single().Value;
        if (RunId.TryParse(text, null, out var run))
        {
            return run;
        }

        result.AddError($"'{text}' is no run: a run is named by up to 63 small letters, digits and hyphens.");
        return default;
    }

    private static CheckpointChoice? ParseChoice(ArgumentResult result)
    {
        var text = result.Tokens.Single().Value;
        if (CheckpointChoice.TryParse(text) is { } choice)
        {
            return choice;
        }

        result.AddError($"'{text}' is no checkpoint: write a step (40), a step and its attempt (40.2), or 'latest'.");
        return null;
    }
}
