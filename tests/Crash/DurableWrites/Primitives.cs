using System.Text.RegularExpressions;

namespace Checkpointer.Crash.Tests.DurableWrites;

/// <summary>What writes durably: files and folders, the store, the log under the journal, arenas.</summary>
internal static class Primitives
{
    public static IReadOnlyList<(string Name, Regex Pattern)> All { get; } =
    [
        ("a file is written, renamed or deleted", new(@"\bFile\.(Move|Delete|Replace|Copy|Create\w*|WriteAll\w+|AppendAll\w*|AppendText|OpenWrite|Open)\(")),
        ("a file is opened to be written", new(@"File\.OpenHandle\([^;]*FileAccess\.(Write|ReadWrite)|new FileStream\((?![^;]*FileAccess\.Read[,)])|\bnew StreamWriter\(")),
        ("bytes are written or synced", new(@"RandomAccess\.(Write\w*|FlushToDisk|SetLength)\(|\.Flush\((flushToDisk: )?true\)")),
        ("a folder is made or deleted", new(@"Directory\.(CreateDirectory|CreateSymbolicLink|Delete|Move)\(")),
        ("a name is given, taken or synced", new(@"Posix\.(Link|Rename|Unlink|RemoveFolder|MakeFolder|Sync)\(")),
        ("a file is made", new(@"(Posix\.OpenAt\([^;]*Posix\.Create|SharedMemory\.OpenFile\([^;]*create: true)")),
        ("an object is put or deleted", new(@"\b_?\w+[!?]?\.(PutAsync|PutIfAbsentAsync|PutIfAbsentOrVerifyAsync|DeleteAsync)\(")),
        ("the log is written", new(@"\b_log\.(Enqueue|CommitAsync|Commit|TruncateUntil)\w*\(")),
        ("the arena's head is written", new(@"\.WriteTo\(File\.Slice|\.CopyTo\([fF]ile\.Slice|SealStore\.Write\(")),
    ];

    /// <summary>The durable writes in a file.</summary>
    public static IEnumerable<DurableWrite> Find(SourceFile file)
    {
        foreach (var (name, pattern) in All)
        {
            foreach (Match match in pattern.Matches(file.Text))
            {
                var line = file.Text.AsSpan(0, match.Index).Count('\n');
                var text = file.Lines[line].TrimStart();
                if (!text.StartsWith("//", StringComparison.Ordinal))
                {
                    yield return new DurableWrite(file.Path, line + 1, name, text, file.MemberAround(line));
                }
            }
        }
    }
}
