namespace Checkpointer.FaultProxy.Faults;

/// <summary>What the proxy does to one request. The names on the command line are these in kebab-case.</summary>
public enum FaultKind
{
    /// <summary>500 InternalError; the server never sees the request.</summary>
    InternalError,

    /// <summary>503 SlowDown, half of them with Retry-After; the server never sees the request.</summary>
    SlowDown,

    /// <summary>429, half of them with Retry-After; the server never sees the request.</summary>
    TooManyRequests,

    /// <summary>403 RequestTimeTooSkewed, as a server answers whose clock is far from the client's.</summary>
    SkewedClock,

    /// <summary>403 ExpiredToken, as a server answers to credentials whose time is over.</summary>
    ExpiredToken,

    /// <summary>The connection is reset before the server sees the request.</summary>
    ResetBefore,

    /// <summary>The connection ends in the middle of the request's body: for the client with a reset.</summary>
    ResetInRequest,

    /// <summary>The server does what was asked and answers; the connection is reset before the client hears of it.</summary>
    LostAnswer,

    /// <summary>The connection is reset in the middle of the response's body.</summary>
    ResetInResponse,

    /// <summary>Nothing happens to the request, for as long as the client waits.</summary>
    HangBefore,

    /// <summary>In the middle of the body, the request's if it has one, everything stops, for as long as the client waits.</summary>
    HangWithin,

    /// <summary>The bodies pass by in drips.</summary>
    Drip,

    /// <summary>The response's body ends early, in good order, after a right Content-Length.</summary>
    ShortBody,

    /// <summary>The response's body is cut, and its Content-Length says the shorter length: well-formed, and too short.</summary>
    ShortLength,

    /// <summary>One bit of the response's body is wrong.</summary>
    WrongResponse,

    /// <summary>One bit of the request's body is wrong when it reaches the server.</summary>
    WrongRequest,
}
