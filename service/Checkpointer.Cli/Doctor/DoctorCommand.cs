using System.CommandLine;
using System.Text.Json;
using Checkpointer.Cli.Configuration;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Probing;
using Spectre.Console;

namespace Checkpointer.Cli.Doctor;

/// <summary><c>checkpointer doctor</c>.</summary>
internal static class DoctorCommand
{
    private const string Text = "text";
    private const string Json = "json";
    private const string SocketVariable = "CHECKPOINTER_AGENT_SOCKET";
    private const int MaxTimeoutSeconds = 3600;

    private static readonly Option<string?> Socket = new("--socket")
    {
        Description = $"The agent's Unix socket. {SocketVariable}; else /run/checkpointer/agent.sock.",
        HelpName = "PATH",
    };

    private static readonly Option<string> Arena = new("--arena")
    {
        Description = "The agent's folder of snapshots.",
        HelpName = "DIR",
        DefaultValueFactory = _ => "/dev/shm/checkpointer",
    };

    private static readonly Option<long?> MemoryBudget = new("--memory-budget")
    {
        Description = "Memory that snapshots may take, such as 200GiB. Default: the running agent's, else an agent's default.",
        HelpName = "SIZE",
        CustomParser = ByteSize.Parse,
    };

    private static readonly Option<long?> Sample = new("--sample")
    {
        Description = "Put and get this much, such as 64MiB, to see how fast the store is. Default: nothing.",
        HelpName = "SIZE",
        CustomParser = ByteSize.ParseOrZero,
    };

    private static readonly Option<int> Seconds = new("--timeout")
    {
        Description = $"Longest that a check may take, in seconds, 1 to {MaxTimeoutSeconds}; they run side by side.",
        HelpName = "N",
        DefaultValueFactory = _ => 60,
    };

    private static readonly Option<string> Output = new("--output")
    {
        Description = "'text' for people; 'json' for scripts: then standard output holds nothing else.",
        DefaultValueFactory = _ => Text,
    };

    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        Output.AcceptOnlyFromAmong(Text, Json);
        var command = new Command(
            "doctor",
            "Checks what Checkpointer needs of this machine, the store, the service and the agent; says what is wrong and how to mend it. "
            + "A service or agent that nothing names and that is not there is skipped.\n\n"
            + $"Exit status: {ExitCode.Success} all is well, or there are warnings only; {ExitCode.Failure} a check failed; {ExitCode.Usage} the command line is wrong.")
        {
            StoreSetting.Option, ServiceSetting.Option, Socket, Arena, MemoryBudget, Sample, Seconds, Output,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(Seconds) is { Tokens.Count: > 0 } && result.GetValue(Seconds) is < 1 or > MaxTimeoutSeconds)
            {
                result.AddError($"--timeout must be from 1 to {MaxTimeoutSeconds} seconds.");
            }

            if (result.GetValue(Sample) > ProbeOptions.MaxSampleBytes)
            {
                result.AddError($"--sample must not be above {ByteSize.Show(ProbeOptions.MaxSampleBytes)}.");
            }
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var runner = new DoctorRunner(Options(parsed), TimeProvider.System);
        if (parsed.GetValue(Output) == Json)
        {
            var report = await runner.RunAsync(cancellationToken).ConfigureAwait(false);
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(report, DoctorJsonContext.Default.DoctorReport)).ConfigureAwait(false);
            return Status(report);
        }

        var console = AnsiConsole.Console;
        var shown = console.Profile.Out.IsTerminal
            ? await console.Status().StartAsync("Checking …", _ => runner.RunAsync(cancellationToken)).ConfigureAwait(false)
            : await runner.RunAsync(cancellationToken).ConfigureAwait(false);
        new DoctorConsole(console).Show(shown);
        return Status(shown);
    }

    private static int Status(DoctorReport report) => report.Failed > 0 ? ExitCode.Failure : ExitCode.Success;

    private static DoctorOptions Options(ParseResult parsed)
    {
        var path = ConfigurationSetting.PathOf(parsed);
        var (file, problem, warning) = Load(parsed);
        var service = ServiceSetting.Find(parsed, file);
        var socket = parsed.GetValue(Socket) ?? Variables.Get(SocketVariable);
        return new DoctorOptions
        {
            ConfigurationPath = path,
            ConfigurationProblem = problem,
            ConfigurationWarning = warning,
            Store = StoreSetting.Find(parsed, file),
            SampleBytes = parsed.GetValue(Sample) ?? 0,
            Service = service ?? ServiceSetting.Default,
            ServiceAskedFor = service is not null,
            Socket = Path.GetFullPath(socket ?? "/run/checkpointer/agent.sock"),
            SocketAskedFor = socket is not null,
            Arena = Path.GetFullPath(parsed.GetValue(Arena)!),
            MemoryBudgetBytes = parsed.GetValue(MemoryBudget),
            Timeout = TimeSpan.FromSeconds(parsed.GetValue(Seconds)),
        };
    }

    // Elsewhere a file that is wrong ends the command; here it is the first finding.
    private static (ConfigurationFile File, string? Problem, string? Warning) Load(ParseResult parsed)
    {
        string? warning = null;
        try
        {
            return (ConfigurationSetting.Of(parsed, text => warning = text), null, warning);
        }
        catch (CheckpointerException e)
        {
            return (ConfigurationFile.Empty, e.Message, null);
        }
    }
}
