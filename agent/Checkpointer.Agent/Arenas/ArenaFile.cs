using System.Buffers.Binary;
using System.ComponentModel;
using System.Globalization;
using System.Security.Cryptography;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// One mapped file of shared memory. Counts its users: it is unmapped when the last has released it, never under
/// anybody's feet; <see cref="Unlink"/> only takes its name away. Thread-safe.
/// </summary>
internal sealed unsafe class ArenaFile
{
    // A slice of up to this length lies in one window wherever it begins.
    private const long WindowStride = 1L << 30;

    // How much is reserved or pre-faulted by one call: a fraction of a second.
    private const long PieceBytes = 64L << 20;

    private readonly SafeFileHandle _handle;
    private readonly byte* _address;
    private readonly MappedWindow[] _windows;
    private readonly Action<long> _closed;
    private readonly Lock _reserving = new();
    private long _reservedBytes;
    private long _presentBytes;
    private int _references = 1;

    private ArenaFile(SafeFileHandle handle, byte* address, string path, long lengthBytes, ulong generation, Action<long> closed)
    {
        _address = address;
        (_handle, Path, LengthBytes, Generation, _closed) = (handle, path, lengthBytes, generation, closed);
        _windows = new MappedWindow[(lengthBytes + WindowStride - 1) / WindowStride];
        for (var i = 0; i < _windows.Length; i++)
        {
            var at = i * WindowStride;
            _windows[i] = new MappedWindow(address + at, (int)Math.Min(int.MaxValue, lengthBytes - at));
        }
    }

    /// <summary>Where it lies.</summary>
    public string Path { get; }

    /// <summary>Its length in bytes.</summary>
    public long LengthBytes { get; }

    /// <summary>Tells incarnations of the file apart; random.</summary>
    public ulong Generation { get; }

    /// <summary>The same as 16 hex digits.</summary>
    public string GenerationText => Generation.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>
    /// Makes a new file of <paramref name="lengthBytes"/> of which the first <paramref name="headBytes"/> have their memory;
    /// the rest gets it from <see cref="Reserve"/>. No room in the file system is
    /// <see cref="ErrorCode.MemoryBudgetExceeded"/>; nothing is left then. <paramref name="closed"/> is called with the
    /// length when the memory is unmapped at last.
    /// </summary>
    public static ArenaFile Create(string path, long lengthBytes, long headBytes, Action<long> closed)
    {
        // A file of that name is one that nobody adopted, or one given up that somebody may still write to.
        File.Delete(path);
        Check(SharedMemory.OpenFile(path, create: true, out var handle), "create", path);
        try
        {
            RandomAccess.SetLength(handle!, lengthBytes);
            Check(SharedMemory.Reserve(handle!, 0, headBytes), "reserve", path);
            CrashPoint.Reach(CrashPointNames.ArenaCreated);
            Span<byte> generation = stackalloc byte[sizeof(ulong)];
            RandomNumberGenerator.Fill(generation);
            return Map(handle!, path, lengthBytes, BinaryPrimitives.ReadUInt64LittleEndian(generation), closed);
        }
        catch
        {
            handle!.Dispose();
            File.Delete(path);
            throw;
        }
    }

    /// <summary>
    /// Opens an existing file, whose newest header page is <paramref name="header"/>; null with the reason if it has none
    /// or is not what that says.
    /// </summary>
    public static ArenaFile? TryOpen(string path, Action<long> closed, out ArenaHeader? header, out string? fault)
    {
        header = null;
        Check(SharedMemory.OpenFile(path, create: false, out var handle), "open", path);
        var adopted = false;
        try
        {
            fault = Inspect(handle!, out header);
            if (fault is not null)
            {
                return null;
            }

            adopted = true;
            return Map(handle!, path, header!.DataOffset + header.DataBytes, header.Generation, closed);
        }
        finally
        {
            if (!adopted)
            {
                handle!.Dispose();
            }
        }
    }

    /// <summary>Bytes of the file, up to 1 GiB. Throws <see cref="ErrorCode.ArenaCorrupt"/> if it was shortened: touching them would be SIGBUS.</summary>
    public Memory<byte> Slice(long offset, int length)
    {
        Invariant.Holds(offset >= 0 && length >= 0 && length <= WindowStride && offset + length <= LengthBytes);
        RequireWhole();
        return length == 0 ? default : _windows[offset / WindowStride].Memory.Slice((int)(offset % WindowStride), length);
    }

    /// <summary>
    /// Writes bytes to the file without touching the mapping, which shows them too: pages that are not there yet are made
    /// without being cleared first. No room is <see cref="ErrorCode.MemoryBudgetExceeded"/>.
    /// </summary>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Invariant.Holds(offset >= 0 && offset + bytes.Length <= LengthBytes);
        RequireWhole();
        try
        {
            RandomAccess.Write(_handle, bytes, offset);
        }
        catch (IOException e)
        {
            // Its HResult is the errno.
            Check(e.HResult, "write", Path);
            throw;
        }
    }

    /// <summary>Whether the file's pages are all present before <paramref name="endBytes"/>.</summary>
    public bool IsPresentTo(long endBytes) => Volatile.Read(ref _presentBytes) >= endBytes;

    /// <summary>Whether the file still has its length.</summary>
    public bool IsWhole => RandomAccess.GetLength(_handle) >= LengthBytes;

    /// <summary>Whether the whole file has its memory, so that touching it cannot fail.</summary>
    public bool IsReserved => Volatile.Read(ref _reservedBytes) == LengthBytes;

    /// <summary>
    /// Gives the whole file its memory, unless it has it, in pieces; asks <paramref name="goOn"/> before each, and returns
    /// whether all is done. Blocks: about 0.25 s a GiB. No room is <see cref="ErrorCode.MemoryBudgetExceeded"/>; it can be
    /// tried again. Several may do it at once; each must hold a use.
    /// </summary>
    public bool Reserve(Func<bool> goOn, CancellationToken cancellationToken) => ReserveTo(LengthBytes, goOn, cancellationToken);

    /// <summary>The same for the bytes before <paramref name="endBytes"/>, if not for more.</summary>
    public bool ReserveTo(long endBytes, Func<bool> goOn, CancellationToken cancellationToken)
    {
        while (Volatile.Read(ref _reservedBytes) < endBytes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!goOn())
            {
                return false;
            }

            lock (_reserving)
            {
                RequireWhole();
                var at = _reservedBytes;
                var piece = Math.Min(PieceBytes, LengthBytes - at);
                if (piece > 0)
                {
                    Check(SharedMemory.Reserve(_handle, at, piece), "reserve", Path);
                    Volatile.Write(ref _reservedBytes, at + piece);
                }
            }
        }

        return true;
    }

    /// <summary>Every byte behind the head was written: the file has all its memory.</summary>
    public void NoteReserved()
    {
        lock (_reserving)
        {
            Volatile.Write(ref _reservedBytes, LengthBytes);
        }
    }

    /// <summary>
    /// Makes all pages present, in pieces; asks <paramref name="goOn"/> before each, goes on where it stopped, and returns
    /// whether all is done or the slot is gone. Blocks: about 2 s a GiB. Only of a file that is reserved; by one at a time.
    /// </summary>
    public bool Prefault(Func<bool> goOn)
    {
        Invariant.Holds(IsReserved);

        // The caller's own use being the last means that the slot is gone.
        while (_presentBytes < LengthBytes && Volatile.Read(ref _references) > 1 && IsWhole)
        {
            if (!goOn())
            {
                return false;
            }

            var piece = Math.Min(PieceBytes, LengthBytes - _presentBytes);
            SharedMemory.Populate(_address + _presentBytes, piece);
            Volatile.Write(ref _presentBytes, _presentBytes + piece);
        }

        return true;
    }

    /// <summary>Takes the name away, unless the file there is another one by now. Mappings of it, ours and trainers', stay valid.</summary>
    public void Unlink() => File.Delete(Path);

    /// <summary>One more user; false if the last one has gone.</summary>
    public bool TryUse()
    {
        int seen;
        do
        {
            seen = Volatile.Read(ref _references);
            if (seen == 0)
            {
                return false;
            }
        }
        while (Interlocked.CompareExchange(ref _references, seen + 1, seen) != seen);

        return true;
    }

    /// <summary>One user less; unmaps after the last.</summary>
    public void Release()
    {
        var left = Interlocked.Decrement(ref _references);
        Invariant.Holds(left >= 0);
        if (left == 0)
        {
            SharedMemory.Unmap(_address, LengthBytes);
            _handle.Dispose();
            _closed(LengthBytes);
        }
    }

    private void RequireWhole()
    {
        if (!IsWhole)
        {
            throw new CheckpointerException(
                ErrorCode.ArenaCorrupt, $"'{Path}' was shortened by somebody else; its contents are lost.");
        }
    }

    private static string? Inspect(SafeFileHandle handle, out ArenaHeader? header)
    {
        // Read, not mapped: a file that is shortened meanwhile gives fewer bytes instead of SIGBUS.
        var pages = new byte[2 * ArenaGeometry.PageBytes];
        var read = RandomAccess.Read(handle, pages, 0);
        header = ArenaHeader.Newest(pages.AsSpan(0, read));
        if (header is null)
        {
            return "neither header page checks";
        }

        var length = RandomAccess.GetLength(handle);
        var expected = header.DataOffset + header.DataBytes;
        return length == expected ? null : $"it has {length} bytes, its header says {expected}";
    }

    private static ArenaFile Map(SafeFileHandle handle, string path, long lengthBytes, ulong generation, Action<long> closed)
    {
        Check(SharedMemory.Map(handle, lengthBytes, out var address), "map", path);
        return new ArenaFile(handle, address, path, lengthBytes, generation, closed);
    }

    private static void Check(int errno, string action, string path)
    {
        if (errno == SharedMemory.NoSpace)
        {
            throw new CheckpointerException(
                ErrorCode.MemoryBudgetExceeded,
                $"Could not {action} '{path}': the shared memory file system is full. Make it larger, or the models' share of this node smaller.");
        }

        if (errno != 0)
        {
            throw new CheckpointerException(
                ErrorCode.Internal, $"Could not {action} '{path}': {new Win32Exception(errno).Message} (errno {errno}).");
        }
    }
}
