namespace Checkpointer.Storage.FileSystem;

/// <summary>A folder was removed, being empty, between being found and being used. Never leaves the store.</summary>
internal sealed class FolderVanishedException : Exception;
