namespace Checkpointer.FaultProxy.Wire;

/// <summary>The head of a request.</summary>
internal sealed class RequestHead : MessageHead
{
    public RequestHead(byte[] bytes)
        : base(bytes)
    {
        Method = StartLine[0];
        var target = StartLine[1].Split('?', 2);
        Path = Uri.UnescapeDataString(target[0]);
        Body = Framing() ?? BodyFraming.None;
    }

    public string Method { get; }

    /// <summary>The path without the query, unescaped.</summary>
    public string Path { get; }

    public BodyFraming Body { get; }

    /// <summary>Whether it is about one object, in path style: there is something after the bucket.</summary>
    public bool NamesObject => Path.TrimStart('/').Split('/', 2) is [_, { Length: > 0 }];

    /// <summary>Whether the client waits for "100 Continue" before it sends the body.</summary>
    public bool AwaitsContinue => Header("Expect") is { } expect && expect.StartsWith("100", StringComparison.Ordinal);

    protected override bool IsOldVersion => StartLine is [.., "HTTP/1.0"];
}
