namespace Checkpointer.Service.Api;

/// <summary>Limits of the HTTP interface; each holds at N and refuses N + 1.</summary>
internal static class ApiLimits
{
    /// <summary>Longest body in bytes: the largest contract at its limits, with room; beyond it 413 <c>limit_exceeded</c>.</summary>
    public const long MaxBodyBytes = 8L << 20;

    /// <summary>Longest headers of a request in bytes; beyond it 431.</summary>
    public const int MaxHeaderBytes = 16 << 10;

    /// <summary>Longest request line in bytes; beyond it 414.</summary>
    public const int MaxRequestLineBytes = 4 << 10;

    /// <summary>Most connections at a time.</summary>
    public const int MaxConnections = 16_384;

    /// <summary>Most elements of a page.</summary>
    public const int MaxPageSize = 1000;

    /// <summary>Elements of a page if the caller does not say.</summary>
    public const int DefaultPageSize = 100;
}
