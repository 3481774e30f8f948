using Checkpointer.Storage.FileSystem;
using Checkpointer.TestKit;

namespace Checkpointer.Storage.Tests.Conformance;

/// <summary>The contract through what finds the folder at its path.</summary>
public sealed class FolderConformanceTests : ObjectStoreConformance, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FolderObjectStore _store;

    public FolderConformanceTests() => _store = new FolderObjectStore(_folder.Path, createFolder: false);

    internal override IObjectStore Store => _store;

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }
}
