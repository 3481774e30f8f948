namespace Checkpointer.Crash.Tests.DurableWrites;

/// <summary>Durable writes that need no crash point of their own, each with the reason.</summary>
internal static class Exceptions
{
    private const string Agent = "agent/Checkpointer.Agent/";
    private const string Storage = "formats/Checkpointer.Storage/";
    private const string Service = "service/Checkpointer.Service/";

    private const string EmptyFolder = "An empty folder says nothing: whoever finds it goes on as if it were not there.";
    private const string LockFile = "An empty file that only carries a lock, which the kernel drops with the process.";
    private const string Forwards = "Passes the call on: the crash points are with the store beneath and with the caller.";
    private const string ProbeObject = "Of a probe's own prefix, which nothing else reads: killed at probe.put, and what is left is swept at probe.stale.deleted.";

    public static IReadOnlyList<DurableWriteException> All { get; } =
    [
        new(Agent + "Arenas/ArenaFile.cs", "public void Unlink() => File.Delete(Path);", "Its only caller, SlotPool.Remove, has arena.unlinked right behind it."),
        new(Agent + "Arenas/ArenaFile.cs", "RandomAccess.Write(_handle, bytes, offset);", "Bytes of an image that is being rebuilt: killed at restore.building, and nothing counts before the header says sealed."),
        new(Agent + "Arenas/ArenaLock.cs", "SharedMemory.OpenFile(path, create: true, out var handle)", LockFile),
        new(Agent + "Arenas/NodeArenas.cs", "Directory.CreateDirectory(_folder);", EmptyFolder),
        new(Agent + "Arenas/SlotPool.Memory.cs", "Directory.CreateDirectory(folder.Path);", EmptyFolder),
        new(Agent + "Arenas/SealStore.cs", "names.CopyTo(file.Slice(", "Its only caller, Slot.Hold, has arena.seal.written right behind it; the header that makes it count comes after."),
        new(Agent + "Hosting/TrainerSocket.cs", "Directory.CreateDirectory(folder, FolderMode);", EmptyFolder),
        new(Agent + "Hosting/TrainerSocket.cs", "File.Delete(path);", "The socket of a dead agent: every start makes it anew, and every kill of an agent leaves one."),
        new(Storage + "Decorators/MeteredObjectStore.cs", "_inner.PutAsync(", Forwards),
        new(Storage + "Decorators/MeteredObjectStore.cs", "_inner.PutIfAbsentAsync(", Forwards),
        new(Storage + "Decorators/MeteredObjectStore.cs", "_inner.DeleteAsync(", Forwards),
        new(Storage + "Resilience/ResilientObjectStore.cs", "s._inner.PutAsync(", Forwards),
        new(Storage + "Resilience/ResilientObjectStore.cs", "s._inner.PutIfAbsentAsync(", Forwards),
        new(Storage + "Resilience/ResilientObjectStore.cs", "s._inner.DeleteAsync(", Forwards),
        new(Storage + "ObjectStoreExtensions.cs", "store.PutIfAbsentAsync(key, new ObjectContent(bytes)", Forwards),
        new(Storage + "FileSystem/FileSystemObjectStore.cs", "Directory.CreateDirectory(rootPath);", EmptyFolder),
        new(Storage + "FileSystem/FileSystemObjectStore.cs", "Posix.Sync(_folders.MakeDurable(folderPath))", "Only syncs again what another put has named, at store.file.put.named."),
        new(Storage + "FileSystem/FileWriter.cs", "RandomAccess.Write(file, slice, offset);", "Writes the temporary file of a put, whose crash points are in FileSystemObjectStore.Put."),
        new(Storage + "FileSystem/TemporaryFiles.cs", "Posix.MakeFolder(root, FolderName);", EmptyFolder),
        new(Storage + "FileSystem/TemporaryFiles.cs", "using var gate = Posix.OpenAt(folder, OpenLockName", LockFile),
        new(Storage + "FileSystem/TemporaryFiles.cs", "var ownerLock = Posix.OpenAt(", LockFile),
        new(Storage + "FileSystem/TemporaryFiles.cs", "return Posix.OpenAt(Folder, name,", "The temporary file of a put, empty: less than what store.file.put.written leaves."),
        new(Storage + "FileSystem/TemporaryFiles.cs", "public void Remove(string name) =>", "After store.file.put.named, where the temporary name is still there too; it is swept."),
        new(Storage + "Probing/ContractChecks.cs", "store.PutAsync(key, new ObjectContent(bytes)", ProbeObject),
        new(Storage + "Probing/ContractChecks.cs", "store.PutAsync(key, new ObjectContent(objects.Bytes(10))", ProbeObject),
        new(Storage + "Probing/ContractChecks.cs", "store.DeleteAsync(key, cancellationToken)", ProbeObject),
        new(Storage + "Probing/ContractChecks.cs", "store.PutIfAbsentAsync(key, new ObjectContent(bytes)", ProbeObject),
        new(Storage + "Probing/StoreProbe.cs", "contract.DeleteAsync(cancellationToken)", ProbeObject),
        new(Storage + "Probing/StoreProbe.cs", "await store.DeleteAsync(key, cancellationToken)", ProbeObject),
        new(Storage + "Probing/StoreProbe.cs", "StaleProbes.DeleteAsync(", "StaleProbes has probe.stale.deleted behind each delete."),
        new(Storage + "Probing/ThroughputSample.cs", "store.PutAsync(part.Key", ProbeObject),
        new(Service + "Sweeping/SweepWorker.cs", "StaleProbes.DeleteAsync(", "StaleProbes has probe.stale.deleted behind each delete."),
        new(Service + "Journal/DurableFile.cs", "errno = Posix.Sync(handle);", "Syncs what data.file.named has named just before; a process's death takes no name back."),
        new(Service + "Journal/FasterLogJournal.cs", "return _log.Enqueue(frame);", "Its only caller, Append, has journal.appended behind it."),
        new(Service + "Journal/JournalFiles.cs", "return new FileStream(", LockFile),
        new(Service + "Journal/SlotFile.cs", "new SlotFile(File.OpenHandle(path", "Opens what exists; what is written through it is at journal.slot.written."),
    ];
}
