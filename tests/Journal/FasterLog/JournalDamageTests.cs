using Checkpointer.Formats.Errors;
using Checkpointer.Service.Journal;
using Checkpointer.TestKit;

namespace Checkpointer.Journal.Tests.FasterLog;

/// <summary>
/// Whatever single thing happens to the journal's files while nobody has them open: it opens with all that was
/// acknowledged, or it refuses and says why. Never less, never other entries.
/// </summary>
public sealed class JournalDamageTests : IAsyncDisposable
{
    private const int Entries = 130;

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, byte[]> _files = [];
    private int _refused;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task AnyBitFlipped_IsNoticedOrHarmless()
    {
        await MakeAsync();
        var random = new Random(1);
        foreach (var (name, bytes) in _files)
        {
            // Every bit of the small records; of the rest a sample that always has the same seed.
            var bits = name is "mark" or "commit"
                ? Enumerable.Range(0, 1200).Select(bit => bit < 600 ? bit : bit - 600 + (4096 * 8))
                : Enumerable.Range(0, 100).Select(_ => random.Next(bytes.Length * 8));
            foreach (var bit in bits)
            {
                var damaged = (byte[])bytes.Clone();
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                await CheckAsync(name, damaged, $"bit {bit} of {name}");
            }
        }

        Assert.InRange(_refused, 500, int.MaxValue);
    }

    [Fact]
    public async Task AnyFileCutShort_IsNoticedOrHarmless()
    {
        await MakeAsync();
        var random = new Random(2);
        foreach (var (name, bytes) in _files)
        {
            var lengths = new[] { 0, 1, 512, 4096, bytes.Length - 1 }
                .Concat(Enumerable.Range(0, 20).Select(_ => random.Next(bytes.Length)))
                .Where(length => length < bytes.Length);
            foreach (var length in lengths)
            {
                await CheckAsync(name, bytes[..length], $"{name} cut to {length} of {bytes.Length}");
            }
        }

        Assert.InRange(_refused, 50, int.MaxValue);
    }

    [Fact]
    public async Task AnyFileDeleted_IsNoticedOrHarmless()
    {
        await MakeAsync();
        foreach (var name in _files.Keys)
        {
            var code = await CheckAsync(name, null, $"{name} deleted");
            if (name == "mark" || name == "commit" || name.StartsWith("log.", StringComparison.Ordinal))
            {
                Assert.Equal(ErrorCode.JournalLost, code);
            }
            else
            {
                Assert.Null(code);
            }
        }
    }

    [Fact]
    public async Task OnlySnapshot_Deleted_LosesNothing()
    {
        await using (var journal = await JournalChildren.OpenAsync(_folder.Path, Cancel))
        {
            for (var i = 1; i <= Entries; i++)
            {
                _ = journal.AppendNext();
            }

            await journal.SaveSnapshotAsync(Samples.Snapshot(Entries), Cancel);
            journal.TruncateBefore(Entries);
            await journal.WaitUntilDurableAsync(journal.AppendNext(), Cancel);
        }

        foreach (var snapshot in Directory.GetFiles(_folder.Path, "snapshot.*"))
        {
            File.Delete(snapshot);
        }

        await using var again = await JournalChildren.OpenAsync(_folder.Path, Cancel);
        Assert.Equal(Entries + 1, await Samples.CheckAsync(again, Cancel));
    }

    [Fact]
    public async Task AllSnapshotsOfATruncatedLog_DeletedOrDamaged_AreMissed()
    {
        await MakeAsync();
        var snapshots = _files.Keys.Where(name => name.StartsWith("snapshot.", StringComparison.Ordinal)).ToList();
        Assert.Equal(JournalLimits.KeptSnapshots, snapshots.Count);

        foreach (var change in new Action<string>[] { File.Delete, path => File.WriteAllBytes(path, new byte[100]) })
        {
            snapshots.ForEach(name => change(_folder.File(name)));
            await using var journal = await JournalChildren.OpenAsync(_folder.Path, Cancel);

            var read = await Assert.ThrowsAsync<JournalException>(() => journal.ReadSnapshotAsync(Cancel));
            Assert.Equal(ErrorCode.JournalLost, read.Code);
            // Nor does it give the rest of the log to one who does not ask for a snapshot.
            var replay = await Assert.ThrowsAsync<JournalException>(
                async () => await journal.ReplayAsync(0, Cancel).GetAsyncEnumerator(Cancel).MoveNextAsync());
            Assert.Equal(ErrorCode.JournalLost, replay.Code);
        }
    }

    [Fact]
    public async Task AnyPageZeroedOrSwapped_IsNoticed()
    {
        await MakeAsync();
        const int Page = 1 << JournalChildren.PageSizeBits;
        foreach (var (name, bytes) in _files.Where(file => file.Key.StartsWith("log.", StringComparison.Ordinal)))
        {
            // A page is written whole or not at all; those after the log's end hold nothing to damage.
            for (var page = 0; page < bytes.Length / Page && bytes.AsSpan(page * Page, Page).ContainsAnyExcept((byte)0); page++)
            {
                var zeroed = (byte[])bytes.Clone();
                zeroed.AsSpan(page * Page, Page).Clear();
                Assert.NotNull(await CheckAsync(name, zeroed, $"page {page} of {name} zeroed"));
                var swapped = (byte[])bytes.Clone();
                var other = page == 0 ? 1 : page - 1;
                bytes.AsSpan(page * Page, Page).CopyTo(swapped.AsSpan(other * Page));
                bytes.AsSpan(other * Page, Page).CopyTo(swapped.AsSpan(page * Page));
                Assert.NotNull(await CheckAsync(name, swapped, $"pages {page} and {other} of {name} swapped"));
            }
        }
    }

    [Fact]
    public async Task OlderFileOfTheSameJournal_IsNoticed()
    {
        await MakeAsync();
        var then = new Dictionary<string, byte[]>(_files);
        await using (var journal = await JournalChildren.OpenAsync(_folder.Path, Cancel))
        {
            for (var i = 0; i < 3; i++)
            {
                await journal.WaitUntilDurableAsync(journal.AppendNext(), Cancel);
            }
        }

        Keep();
        Assert.Equal(ErrorCode.JournalLost, await CheckAsync("commit", then["commit"], "an older commit", Entries + 3));
        var newest = _files.Keys.Where(name => name.StartsWith("log.", StringComparison.Ordinal)).Order().Last();
        Assert.NotNull(await CheckAsync(newest, then[newest], "an older log", Entries + 3));
    }

    [Fact]
    public async Task FileOfAnotherJournal_IsNoticed()
    {
        await MakeAsync();
        var mine = new Dictionary<string, byte[]>(_files);
        foreach (var path in Directory.GetFiles(_folder.Path))
        {
            File.Delete(path);
        }

        _files.Clear();
        await MakeAsync();
        foreach (var (name, bytes) in mine.Where(file => file.Key.StartsWith("log.", StringComparison.Ordinal)))
        {
            Assert.Equal(ErrorCode.JournalCorrupt, await CheckAsync(name, bytes, $"{name} of another journal"));
        }
    }

    [Fact]
    public async Task Refusal_SaysWhatToDo()
    {
        await MakeAsync();
        File.Delete(_folder.File("mark"));

        var refused = await Assert.ThrowsAsync<JournalException>(() => JournalChildren.OpenAsync(_folder.Path, Cancel));
        Assert.Contains("backup", refused.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.Path, refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Makes a journal with a truncated log and two snapshots.</summary>
    private async Task MakeAsync()
    {
        await using (var journal = await JournalChildren.OpenAsync(_folder.Path, Cancel))
        {
            _ = await journal.ReadSnapshotAsync(Cancel);
            for (var i = 1; i <= Entries; i++)
            {
                var sequence = journal.AppendNext();
                if (i % 10 == 0)
                {
                    await journal.WaitUntilDurableAsync(sequence, Cancel);
                }

                if (i is 80 or 100)
                {
                    await journal.SaveSnapshotAsync(Samples.Snapshot(i), Cancel);
                    journal.TruncateBefore(i);
                }
            }
        }

        Assert.False(File.Exists(LogReader.SegmentPath(_folder.Path, 0)));
        Keep();
    }

    private void Keep()
    {
        foreach (var path in Directory.GetFiles(_folder.Path).Where(path => Path.GetFileName(path) != "lock"))
        {
            _files[Path.GetFileName(path)] = File.ReadAllBytes(path);
        }
    }

    /// <summary>Opens with one file replaced (or deleted); gives the code of the refusal, or null after checking all entries.</summary>
    private async Task<ErrorCode?> CheckAsync(string name, byte[]? contents, string what, int entries = Entries)
    {
        foreach (var (file, bytes) in _files)
        {
            await File.WriteAllBytesAsync(_folder.File(file), bytes, Cancel);
        }

        if (contents is null)
        {
            File.Delete(_folder.File(name));
        }
        else
        {
            await File.WriteAllBytesAsync(_folder.File(name), contents, Cancel);
        }

        try
        {
            await using var journal = await JournalChildren.OpenAsync(_folder.Path, Cancel);
            var last = await Samples.CheckAsync(journal, Cancel);
            Assert.True(last == entries, $"{what}: {last} of {entries} entries, without a word");
            return null;
        }
        catch (JournalException e)
        {
            Assert.True(e.Code is ErrorCode.JournalCorrupt or ErrorCode.JournalLost, $"{what}: {e}");
            _refused++;
            return e.Code;
        }
    }
}
