namespace Checkpointer.Storage;

/// <summary>Facts about one stored object.</summary>
/// <param name="Key">Its key.</param>
/// <param name="SizeBytes">Its length in bytes.</param>
/// <param name="LastModified">When it was last put, by the store's clock.</param>
public readonly record struct ObjectInfo(ObjectKey Key, long SizeBytes, DateTimeOffset LastModified);
