using System.CommandLine;
using Checkpointer.Cli.Commands;
using Checkpointer.Cli.Demo;

var root = new RootCommand("Checkpointer: consistent checkpoints for large training runs, and exact recovery from them.")
{
    DemoCommand.Create(),
    ServiceCommand.Create(),
    AgentCommand.Create(),
};
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
