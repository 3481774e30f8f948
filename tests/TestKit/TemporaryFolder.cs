namespace Checkpointer.TestKit;

/// <summary>A fresh folder that is gone when disposed.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>Creates the folder, under <paramref name="parent"/> or the system's temporary folder.</summary>
    public TemporaryFolder(string? parent = null) =>
        Path = parent is null
            ? Directory.CreateTempSubdirectory("checkpointer-test-").FullName
            : Directory.CreateDirectory(System.IO.Path.Combine(parent, "checkpointer-test-" + System.IO.Path.GetRandomFileName())).FullName;

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>A path inside the folder.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
