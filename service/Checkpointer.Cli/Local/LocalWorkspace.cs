namespace Checkpointer.Cli.Local;

/// <summary>The folders of one local cluster: everything on disk under one root, the arenas in shared memory. Gone when disposed, unless kept.</summary>
internal sealed class LocalWorkspace : IDisposable
{
    private readonly bool _keep;

    private LocalWorkspace(string root, string arenas, bool keep)
    {
        Root = root;
        Arenas = arenas;
        _keep = keep;
        Logs = Directory.CreateDirectory(Path.Combine(root, "logs")).FullName;
    }

    /// <summary>Root of everything on disk.</summary>
    public string Root { get; }

    /// <summary>Root of the arenas, in shared memory; each node has a folder of its own. Never kept.</summary>
    public string Arenas { get; }

    /// <summary>Log files of all processes.</summary>
    public string Logs { get; }

    /// <summary>The <c>checkpointer</c> program, beside this one.</summary>
    public string Checkpointer { get; } = Path.Combine(AppContext.BaseDirectory, "checkpointer");

    /// <summary>The service's journal.</summary>
    public string ServiceData => Path.Combine(Root, "service");

    /// <summary>A folder for the files that a training run writes.</summary>
    public string Output(string run) => Directory.CreateDirectory(Path.Combine(Root, run)).FullName;

    /// <summary>A log file.</summary>
    public string Log(string name) => Path.Combine(Logs, name + ".log");

    /// <summary>
    /// Creates the folders: in <paramref name="keepFolder"/>, which stays; or a temporary one under
    /// <paramref name="temporaryParent"/> (default: the system's), which does not.
    /// </summary>
    public static LocalWorkspace Create(string? keepFolder, string? temporaryParent = null)
    {
        var root = keepFolder is null
            ? Directory.CreateDirectory(Path.Combine(temporaryParent ?? Path.GetTempPath(), UniqueName())).FullName
            : Directory.CreateDirectory(Path.GetFullPath(keepFolder)).FullName;
        if (keepFolder is not null && Directory.EnumerateFileSystemEntries(root).Any())
        {
            throw new CliException($"'{root}' is not empty; name a new folder.", ExitCode.Usage);
        }

        var arenas = Path.Combine("/dev/shm", UniqueName());
        Directory.CreateDirectory(arenas, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new LocalWorkspace(root, arenas, keepFolder is not null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Directory.Delete(Arenas, recursive: true);
        if (!_keep)
        {
            Directory.Delete(Root, recursive: true);
        }
    }

    private static string UniqueName() => "checkpointer-local-" + Path.GetRandomFileName();
}
