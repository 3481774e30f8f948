using Checkpointer.Formats.Errors;

namespace Checkpointer.Service.Stores;

/// <summary>The store answers, but not as a repository needs: it must not be used.</summary>
internal sealed class StoreBrokenException(string message) : CheckpointerException(ErrorCode.StorageFailed, message);
