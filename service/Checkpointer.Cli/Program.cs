using System.CommandLine;
using Checkpointer.Cli;
using Checkpointer.Cli.Advising;
using Checkpointer.Cli.Commands;
using Checkpointer.Cli.Configuration;
using Checkpointer.Cli.Demo;
using Checkpointer.Cli.Doctor;
using Checkpointer.Cli.Incidents;
using Checkpointer.Cli.Ledger;
using Checkpointer.Cli.Rollbacks;
using Checkpointer.Cli.Verifying;
using Spectre.Console;

var root = new RootCommand("Checkpointer: consistent checkpoints for large training runs, and exact recovery from them.")
{
    DemoCommand.Create(),
    ServiceCommand.Create(),
    AgentCommand.Create(),
    VerifyCommand.Create(),
    DoctorCommand.Create(),
    AdviseCommand.Create(),
    RollbackCommand.Create(),
    LedgerCommand.Create(),
    IncidentsCommand.Create(),
};
root.Options.Add(ConfigurationSetting.Option);
var parsed = root.Parse(args);
if (Console.IsOutputRedirected)
{
    // A file or a pipe gets plain text, also where a CI service's variables would have it coloured.
    AnsiConsole.Profile.Capabilities.Ansi = false;
    AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
}

try
{
    var status = await parsed.InvokeAsync(new InvocationConfiguration
    {
        ProcessTerminationTimeout = TimeSpan.FromSeconds(30),
        EnableDefaultExceptionHandler = false,
    });
    return parsed.Errors.Count > 0 ? ExitCode.Usage : status;
}
catch (Exception e) when (ErrorOutput.Report(e) is { } status)
{
    return status;
}
