using Checkpointer.TestKit.Stores;

namespace Checkpointer.Storage.Tests.Conformance;

/// <summary>The store that tests stand in for a real one keeps the same contract.</summary>
public sealed class MemoryConformanceTests : ObjectStoreConformance
{
    internal override IObjectStore Store { get; } = new MemoryObjectStore(TimeProvider.System);
}
