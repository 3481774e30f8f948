using System.Globalization;
using System.Text;

namespace Checkpointer.FaultProxy.Wire;

/// <summary>The start line and headers of a message, with the bytes they came as: those are what is passed on.</summary>
internal abstract class MessageHead
{
    private readonly List<(string Name, string Value)> _headers = [];

    protected MessageHead(byte[] bytes)
    {
        Bytes = bytes;
        var lines = Encoding.Latin1.GetString(bytes).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        StartLine = lines.Length > 0 ? lines[0].Split(' ', 3) : [];
        if (StartLine.Length < 2)
        {
            throw new WireException("a message without a start line");
        }

        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            _headers.Add(colon < 0 ? (line, "") : (line[..colon].Trim(), line[(colon + 1)..].Trim()));
        }
    }

    /// <summary>All of it, to the empty line's end.</summary>
    public byte[] Bytes { get; }

    /// <summary>Whether the sender closes the connection after this message.</summary>
    public bool Closes =>
        Header("Connection") is { } connection
            ? connection.Contains("close", StringComparison.OrdinalIgnoreCase)
            : IsOldVersion;

    protected string[] StartLine { get; }

    protected abstract bool IsOldVersion { get; }

    public string? Header(string name) =>
        _headers.FirstOrDefault(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    protected BodyFraming? Framing()
    {
        if (Header("Transfer-Encoding") is { } encoding)
        {
            return encoding.Equals("chunked", StringComparison.OrdinalIgnoreCase)
                ? new BodyFraming(BodyKind.Chunked)
                : throw new WireException($"transfer encoding {encoding}");
        }

        return Header("Content-Length") is not { } length
            ? null
            : long.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
                ? new BodyFraming(bytes == 0 ? BodyKind.None : BodyKind.Length, bytes)
                : throw new WireException($"content length {length}");
    }
}
