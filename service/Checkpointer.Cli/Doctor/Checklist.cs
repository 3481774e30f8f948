using Checkpointer.Cli.Doctor.Checks;

namespace Checkpointer.Cli.Doctor;

/// <summary>All that is checked, in the order of the report.</summary>
internal static class Checklist
{
    public static IReadOnlyList<(string Area, string Name, ICheck Check)> All { get; } =
    [
        ("configuration", "file", new ConfigurationCheck()),
        ("store", "credentials", new CredentialsCheck()),
        ("store", "TLS", new TlsCheck()),
        ("store", "store", new StoreCheck()),
        ("store", "repository", new RepositoryCheck()),
        ("service", "service", new ServiceCheck()),
        ("agent", "socket", new SocketCheck()),
        ("agent", "agent", new AgentCheck()),
        ("machine", "shared memory", new SharedMemoryCheck()),
        ("machine", "arenas", new ArenasCheck()),
        ("machine", "memory limit", new MemoryLimitCheck()),
        ("machine", "limits", new ProcessLimitsCheck()),
        ("trainer", "Python", new PythonCheck()),
    ];
}
