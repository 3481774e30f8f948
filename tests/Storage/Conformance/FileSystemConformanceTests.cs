using Checkpointer.Storage.FileSystem;
using Checkpointer.TestKit;

namespace Checkpointer.Storage.Tests.Conformance;

public sealed class FileSystemConformanceTests : ObjectStoreConformance, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FileSystemObjectStore _store;

    public FileSystemConformanceTests() => _store = new FileSystemObjectStore(_folder.Path);

    internal override IObjectStore Store => _store;

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }
}
