using System.Globalization;
using System.Text.Json;

namespace Checkpointer.Cli.Local;

/// <summary>A real S3 server on this machine: Ceph's object gateway, its objects in memory. Gone when disposed.</summary>
internal sealed class LocalGateway : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(120);
    private readonly ChildProcess _process;

    private LocalGateway(ChildProcess process, string storeUrl)
    {
        _process = process;
        StoreUrl = storeUrl;
    }

    /// <summary>Its bucket as a store URL, which names the file of its keys and holds none.</summary>
    public string StoreUrl { get; }

    /// <summary>
    /// Starts it, with room for <paramref name="memoryBytes"/> of objects; installs Debian's packages if they are missing.
    /// </summary>
    public static async Task<LocalGateway> StartAsync(
        SourceTree source,
        LocalWorkspace workspace,
        long memoryBytes,
        Action<string> say,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        await InstallAsync(source, workspace, say, cancellationToken).ConfigureAwait(false);
        var folder = FolderOf(workspace);
        var process = ChildProcess.Start(
            "the S3 gateway",
            source.GatewayScript,
            ["run", folder],
            workspace.Log("gateway"),
            new Dictionary<string, string> { ["CEPH_MEMORY_BYTES"] = memoryBytes.ToString(CultureInfo.InvariantCulture) });
        try
        {
            var ready = Path.Combine(folder, "ready.json");
            await Waiting.UntilAsync(
                $"the S3 gateway answers ({process.LogFile})",
                _ => process.HasExited
                    ? throw new CliException($"The S3 gateway ended at once:\n{process.Tail()}", ExitCode.Environment)
                    : Task.FromResult(File.Exists(ready)),
                StartDeadline, time, cancellationToken).ConfigureAwait(false);
            return new LocalGateway(process, StoreUrlOf(folder, ready));
        }
        catch
        {
            await process.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Where a gateway of <paramref name="workspace"/> keeps its files, those with its address and keys among them.</summary>
    public static string FolderOf(LocalWorkspace workspace) => Path.Combine(workspace.Root, "gateway");

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static async Task InstallAsync(
        SourceTree source, LocalWorkspace workspace, Action<string> say, CancellationToken cancellationToken)
    {
        if ((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "radosgw"))))
        {
            return;
        }

        say("an S3 server is missing; installing Debian's Ceph packages (about a minute) …");
        await using var install = ChildProcess.Start(
            "the installation of Ceph", source.GatewayScript, ["install"], workspace.Log("install"));
        if (await install.WaitAsync(cancellationToken).ConfigureAwait(false) != 0)
        {
            throw new CliException($"Ceph's object gateway is needed, and installing it failed:\n{install.Tail()}", ExitCode.Environment);
        }
    }

    private static string StoreUrlOf(string folder, string readyFile)
    {
        using var ready = JsonDocument.Parse(File.ReadAllBytes(readyFile));
        string Value(string name) => ready.RootElement.GetProperty(name).GetString()!;
        return $"s3://{Value("bucket")}?endpoint={Value("endpoint")}&region={Value("region")}&addressing=path"
            + $"&credentials_file={Uri.EscapeDataString(Path.Combine(folder, "credentials"))}";
    }
}
