using System.Net.Sockets;
using Checkpointer.FaultProxy.Faults;
using Checkpointer.FaultProxy.Wire;

namespace Checkpointer.FaultProxy.Relaying;

/// <summary>One request and its answer, with at most one fault.</summary>
internal sealed class Exchange(
    RequestHead request, Fault? fault, Connection client, FaultCounts counts, FaultProxyOptions options)
{
    private static readonly Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> Forget = (_, _) => ValueTask.CompletedTask;

    /// <summary>Answers without the server.</summary>
    /// <returns>Whether the connection goes on; null if the fault is none that the proxy does alone.</returns>
    public async Task<bool?> TryAnswerAsync(CancellationToken cancellationToken)
    {
        switch (fault?.Kind)
        {
            case FaultKind.ResetBefore:
                counts.Add(fault);
                client.Reset();
                return false;
            case FaultKind.HangBefore:
                counts.Add(fault);
                await client.UntilGoneAsync(cancellationToken);
                return false;
        }

        // A client that waits with its body is not asked for it; any other one sends it, and is let.
        var closes = request.AwaitsContinue || request.Closes;
        if (fault is null || FaultAnswers.For(fault, closes, withBody: request.Method != "HEAD") is not { } answer)
        {
            return null;
        }

        if (!request.AwaitsContinue)
        {
            await new BodyCopy(client.Reader, Forget, options).RunAsync(request.Body, default, cancellationToken);
        }

        counts.Add(fault);
        await client.WriteAsync(answer, cancellationToken);
        return !closes;
    }

    /// <summary>Passes the request to the server and the answer back, bodies in both directions at once.</summary>
    /// <returns>Whether both connections go on.</returns>
    public async Task<bool> RelayAsync(Connection server, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await server.WriteAsync(request.Bytes, cancellationToken);
        var sending = SendAsync(server, over.Token);
        var answering = AnswerAsync(server, over.Token);
        try
        {
            if (await Task.WhenAny(sending, answering) == sending)
            {
                await sending;
            }

            var goesOn = await answering;

            // A server may answer before it has read a body, and then nobody reads it to its end.
            await Task.WhenAny(sending, Task.Delay(options.BodyAfterAnswer, cancellationToken));
            return goesOn && sending.IsCompletedSuccessfully && !request.Closes;
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll(sending, answering).ContinueWith(
                _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task SendAsync(Connection server, CancellationToken cancellationToken)
    {
        var hasBody = request.Body is { Kind: BodyKind.Length, Length: > 1 };
        var place = hasBody && fault is not null ? fault.PlaceIn(request.Body.Length) : 0;
        var tampering = !hasBody
            ? default
            : fault?.Kind switch
            {
                FaultKind.ResetInRequest or FaultKind.HangWithin => new Tampering(CutAt: place),
                FaultKind.WrongRequest => new Tampering(FlipAt: place),
                FaultKind.Drip => new Tampering(Drips: true),
                _ => default,
            };
        if (tampering != default)
        {
            counts.Add(fault!);
        }

        if (await new BodyCopy(client.Reader, WriteAsync, options).RunAsync(request.Body, tampering, cancellationToken))
        {
            return;
        }

        if (fault!.Kind == FaultKind.HangWithin)
        {
            await client.UntilGoneAsync(cancellationToken);
        }

        // In good order to the server: a reset may overtake the bytes before it, and the server would see no request.
        server.Dispose();
        client.Reset();
        throw new ClientGoneException();

        async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken token)
        {
            try
            {
                await server.WriteAsync(bytes, token);
            }
            catch (SocketException)
            {
                // The server stopped listening: what it answered, or that it is gone, is told by the other direction.
            }
        }
    }

    private async Task<bool> AnswerAsync(Connection server, CancellationToken cancellationToken)
    {
        while (true)
        {
            var bytes = await server.Reader.ReadHeadAsync(cancellationToken)
                ?? throw new WireException("the server closed the connection without an answer");
            var head = new ResponseHead(bytes, request.Method);
            if (!head.IsInterim)
            {
                return await AnswerAsync(server, head, cancellationToken);
            }

            await client.WriteAsync(bytes, cancellationToken);
        }
    }

    private async Task<bool> AnswerAsync(Connection server, ResponseHead head, CancellationToken cancellationToken)
    {
        if (fault?.Kind == FaultKind.LostAnswer)
        {
            await new BodyCopy(server.Reader, Forget, options).RunAsync(head.Body, default, cancellationToken);
            counts.Add(fault);
            client.Reset();
            throw new ClientGoneException();
        }

        var tampering = TamperingOf(head);
        if (tampering != default)
        {
            counts.Add(fault!);
        }

        var isShorter = tampering.CutAt is not null && fault!.Kind == FaultKind.ShortLength;
        await client.WriteAsync(isShorter ? head.WithLength(tampering.CutAt!.Value) : head.Bytes, cancellationToken);
        var whole = await new BodyCopy(server.Reader, client.WriteAsync, options)
            .RunAsync(head.Body, tampering, cancellationToken);
        if (whole)
        {
            return !head.Closes && head.Body.Kind != BodyKind.UntilClose;
        }

        switch (fault!.Kind)
        {
            case FaultKind.HangWithin:
                await client.UntilGoneAsync(cancellationToken);
                break;
            case FaultKind.ResetInResponse:
                client.Reset();
                break;
        }

        throw new ClientGoneException();
    }

    private Tampering TamperingOf(ResponseHead head)
    {
        if (fault is null || request.Method != "GET" || head is not { Body: { Kind: BodyKind.Length, Length: > 1 }, Status: < 300 })
        {
            return default;
        }

        var place = fault.PlaceIn(head.Body.Length);
        return fault.Kind switch
        {
            FaultKind.ResetInResponse or FaultKind.ShortBody or FaultKind.ShortLength or FaultKind.HangWithin =>
                new Tampering(CutAt: place),
            FaultKind.WrongResponse => new Tampering(FlipAt: place),
            FaultKind.Drip => new Tampering(Drips: true),
            _ => default,
        };
    }
}
