using Checkpointer.Cli.Doctor;

namespace Checkpointer.Cli.Tests.Doctor;

/// <summary>What a check that is tested by itself looks at.</summary>
internal static class CheckSubject
{
    /// <summary>A node with a budget of 1 GiB, of which nothing is there.</summary>
    public static DoctorSubject Plain { get; } = new()
    {
        Service = new Uri("http://127.0.0.1:1"),
        Node = "node",
        Socket = "/nowhere/agent.sock",
        Arena = "/nowhere",
        MemoryBudgetBytes = 1L << 30,
    };
}
