namespace Checkpointer.Crash.Tests.DurableWrites;

/// <summary>One file of production code. It is formatted as .editorconfig says, so indentation tells where members begin and end.</summary>
internal sealed class SourceFile(string path, string text)
{
    private const string MemberIndent = "    ";

    private readonly string[] _lines = text.Split('\n');

    public string Path { get; } = path;

    public string Text { get; } = text;

    public IReadOnlyList<string> Lines => _lines;

    /// <summary>All files beneath <paramref name="folders"/> but generated ones.</summary>
    public static IEnumerable<SourceFile> ReadAll(string root, IEnumerable<string> folders) => folders
        .SelectMany(folder => Directory.EnumerateFiles(System.IO.Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories))
        .Select(file => System.IO.Path.GetRelativePath(root, file))
        .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)
        .Select(file => new SourceFile(file, File.ReadAllText(System.IO.Path.Combine(root, file))));

    /// <summary>The member around a line; of a member of a nested type, the whole nested type.</summary>
    public string MemberAround(int line)
    {
        var begin = line;
        while (begin > 0 && !BeginsMember(_lines[begin]))
        {
            begin--;
        }

        var end = line;
        while (end < _lines.Length - 1 && !EndsMember(begin, end))
        {
            end++;
        }

        return string.Join('\n', _lines[begin..(end + 1)]);
    }

    private static bool BeginsMember(string line) => line.StartsWith(MemberIndent, StringComparison.Ordinal)
        && line.Length > MemberIndent.Length
        && line[MemberIndent.Length] is not (' ' or '{' or '}' or '/' or '[' or '#' or '.' or '"' or '+' or '(');

    private bool EndsMember(int begin, int line)
    {
        var isBlock = Array.IndexOf(_lines, MemberIndent + "{", begin, line - begin + 1) >= 0;
        return isBlock ? _lines[line].TrimEnd() is "    }" or "    };" : _lines[line].EndsWith(';') && !_lines[line + 1].StartsWith(MemberIndent + "{", StringComparison.Ordinal);
    }
}
