using System.Globalization;
using System.Text;

namespace Checkpointer.FaultProxy.Wire;

/// <summary>The head of a response.</summary>
internal sealed class ResponseHead : MessageHead
{
    public ResponseHead(byte[] bytes, string method)
        : base(bytes)
    {
        Status = int.TryParse(StartLine[1], NumberStyles.None, CultureInfo.InvariantCulture, out var status)
            ? status
            : throw new WireException($"status {StartLine[1]}");
        Body = method == "HEAD" || IsInterim || Status is 204 or 304
            ? BodyFraming.None
            : Framing() ?? new BodyFraming(BodyKind.UntilClose);
    }

    public int Status { get; }

    public BodyFraming Body { get; }

    /// <summary>Whether another head follows.</summary>
    public bool IsInterim => Status is >= 100 and < 200;

    protected override bool IsOldVersion => StartLine[0] == "HTTP/1.0";

    /// <summary>The head, saying another length.</summary>
    public byte[] WithLength(long length) => Encoding.Latin1.GetBytes(string.Join(
        "\r\n",
        Encoding.Latin1.GetString(Bytes).Split("\r\n").Select(line =>
            line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase) ? $"Content-Length: {length}" : line)));
}
