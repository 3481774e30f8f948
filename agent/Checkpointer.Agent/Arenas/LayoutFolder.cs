using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Layouts;
using Checkpointer.Storage.CrashPoints;

namespace Checkpointer.Agent.Arenas;

/// <summary>
/// One run's layouts beside its arenas, so that a restarted agent can go on without the trainer. Each is counted: its
/// file goes when no slot and no registration names it. Not part of the memory budget: a layout has about 200 bytes a
/// tensor. Thread-safe.
/// </summary>
internal sealed class LayoutFolder(string runFolder)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (Layout Layout, int Users)> _layouts = new(StringComparer.Ordinal);
    private readonly string _path = Path.Combine(runFolder, "layouts");

    /// <summary>Keeps a layout (writes its file first if it has none); released once for each call.</summary>
    public Layout Hold(Layout layout)
    {
        lock (_gate)
        {
            if (!_layouts.TryGetValue(layout.Digest, out var held))
            {
                Directory.CreateDirectory(_path);
                var temporary = FileOf(layout.Digest) + ".tmp";
                File.WriteAllBytes(temporary, layout.Utf8.ToArray());
                CrashPoint.Reach(CrashPointNames.ArenaLayoutWritten);
                File.Move(temporary, FileOf(layout.Digest), overwrite: true);
                CrashPoint.Reach(CrashPointNames.ArenaLayoutNamed);
                held = (layout, 0);
            }

            _layouts[layout.Digest] = (held.Layout, held.Users + 1);
            return held.Layout;
        }
    }

    /// <summary>Keeps the layout of that digest (64 hex digits) if its file is there and is what the digest says; otherwise null.</summary>
    public Layout? TryHold(string digest)
    {
        lock (_gate)
        {
            if (!_layouts.TryGetValue(digest, out var held))
            {
                if (TryRead(FileOf(digest)) is not { } layout || layout.Digest != digest)
                {
                    return null;
                }

                held = (layout, 0);
            }

            _layouts[digest] = (held.Layout, held.Users + 1);
            return held.Layout;
        }
    }

    /// <summary>Undoes one hold.</summary>
    public void Release(Layout layout)
    {
        lock (_gate)
        {
            var (held, users) = _layouts[layout.Digest];
            Invariant.Holds(users > 0);
            if (users > 1)
            {
                _layouts[layout.Digest] = (held, users - 1);
                return;
            }

            _layouts.Remove(layout.Digest);
            File.Delete(FileOf(layout.Digest));
            CrashPoint.Reach(CrashPointNames.ArenaLayoutDeleted);
        }
    }

    /// <summary>Removes files that nobody holds: once, after adoption.</summary>
    public void Sweep()
    {
        lock (_gate)
        {
            foreach (var file in Directory.Exists(_path) ? Directory.GetFiles(_path) : [])
            {
                if (!_layouts.ContainsKey(Path.GetFileNameWithoutExtension(file)) || !file.EndsWith(".json", StringComparison.Ordinal))
                {
                    File.Delete(file);
                    CrashPoint.Reach(CrashPointNames.ArenaLayoutSwept);
                }
            }
        }
    }

    private static Layout? TryRead(string file)
    {
        try
        {
            var info = new FileInfo(file);
            return info.Exists && info.LinkTarget is null && info.Length <= Layout.MaxBytes
                ? Layout.Parse(File.ReadAllBytes(file))
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatFaultException)
        {
            return null;
        }
    }

    private string FileOf(string digest) => Path.Combine(_path, digest + ".json");
}
