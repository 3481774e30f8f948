using System.Runtime.InteropServices;

namespace Checkpointer.Storage.FileSystem;

/// <summary>The kernel's <c>struct statx</c>, whose layout is the same on every architecture; only the fields used here.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct FileStatus
{
    private const ushort TypeMask = 0xf000;
    private const ushort Regular = 0x8000;
    private const ushort Folder = 0x4000;
    private const ushort SymbolicLink = 0xa000;

    [FieldOffset(28)]
    private readonly ushort _mode;

    [FieldOffset(32)]
    private readonly ulong _inode;

    [FieldOffset(40)]
    private readonly ulong _size;

    [FieldOffset(112)]
    private readonly long _modifiedSeconds;

    [FieldOffset(120)]
    private readonly uint _modifiedNanoseconds;

    [FieldOffset(136)]
    private readonly uint _deviceMajor;

    [FieldOffset(140)]
    private readonly uint _deviceMinor;

    /// <summary>Which file or folder it is: equal as long as it lives, whatever its name.</summary>
    public readonly (uint Major, uint Minor, ulong Inode) Identity => (_deviceMajor, _deviceMinor, _inode);

    public readonly bool IsFile => (_mode & TypeMask) == Regular;

    public readonly bool IsFolder => (_mode & TypeMask) == Folder;

    public readonly bool IsLink => (_mode & TypeMask) == SymbolicLink;

    public readonly long SizeBytes => (long)_size;

    public readonly DateTimeOffset Modified =>
        DateTimeOffset.FromUnixTimeSeconds(_modifiedSeconds).AddTicks(_modifiedNanoseconds / 100);
}
