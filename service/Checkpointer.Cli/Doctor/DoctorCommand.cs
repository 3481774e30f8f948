using System.CommandLine;
using System.Text.Json;
using Checkpointer.Cli.Configuration;
using Checkpointer.Cli.Local;
using Checkpointer.Storage;
using Spectre.Console;

namespace Checkpointer.Cli.Doctor;

/// <summary><c>checkpointer doctor</c>.</summary>
internal static class DoctorCommand
{
    private const string Text = "text";
    private const string Json = "json";

    private static readonly Option<long?> Sample = new("--sample")
    {
        Description = "Put and get so much to measure the store's throughput, such as 64MiB; 0 for no sample. Default: 64MiB.",
        HelpName = "SIZE",
        CustomParser = ByteSize.ParseOrZero,
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
            "Checks what Checkpointer needs on this machine: the object store and its certificate, shared memory and "
            + "limits, the agent and its socket, the service, that all use one repository, and the Python hooks. Says what is wrong and how to mend it. Changes nothing; "
            + "what it puts into the store for a test, it deletes. A service or agent that nothing names is looked for at its "
            + "usual place, and may be missing.\n\n"
            + $"Exit status: {ExitCode.Success} no check failed; {ExitCode.Failure} one did; {ExitCode.Usage} the command line or configuration is wrong.")
        {
            StoreSetting.Option, ServiceSetting.Option, NodeSettings.Node, NodeSettings.Socket, NodeSettings.Arena,
            NodeSettings.MemoryBudget, Sample, Output,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var subject = Subject(parsed);
        if (subject.Store is { } store)
        {
            _ = ObjectStores.Open(store with { CreateFolder = false }, TimeProvider.System); // a URL that makes no sense ends it here
        }

        var doctor = new Doctor(subject, TimeProvider.System);
        var findings = parsed.GetValue(Output) == Json || Console.IsOutputRedirected
            ? await doctor.ExamineAsync(cancellationToken).ConfigureAwait(false)
            : await AnsiConsole.Status().StartAsync("looking …", _ => doctor.ExamineAsync(cancellationToken)).ConfigureAwait(false);
        var healthy = findings.All(finding => finding.Outcome != FindingOutcome.Failed);
        if (parsed.GetValue(Output) == Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(new DoctorReport(healthy, findings), OutputJsonContext.Default.DoctorReport));
        }
        else
        {
            new DoctorConsole(AnsiConsole.Console).Show(findings);
        }

        return healthy ? ExitCode.Success : ExitCode.Failure;
    }

    private static DoctorSubject Subject(ParseResult parsed) => new()
    {
        ConfigurationPath = ConfigurationSetting.PathOf(parsed),
        Store = StoreSetting.Find(parsed),
        SampleBytes = parsed.GetValue(Sample) ?? 64 << 20,
        Service = ServiceSetting.Of(parsed),
        ExpectsService = ServiceSetting.Find(parsed) is not null,
        Node = parsed.GetValue(NodeSettings.Node)!,
        Socket = NodeSettings.SocketOf(parsed),
        ExpectsAgent = NodeSettings.NamesSocket(parsed),
        Python = Variables.Get(PythonRuntime.Variable),
        Arena = NodeSettings.ArenaOf(parsed),
        MemoryBudgetBytes = NodeSettings.MemoryBudgetOf(parsed),
    };
}
