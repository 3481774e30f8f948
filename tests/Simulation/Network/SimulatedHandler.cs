using System.Net;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Network;

/// <summary>What a process's HTTP clients send through instead of sockets.</summary>
internal sealed class SimulatedHandler(SimulatedNetwork network, SimulatedProcess process) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? null : await request.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        var headers = request.Headers.Concat(request.Content?.Headers.AsEnumerable() ?? [])
            .Select(header => KeyValuePair.Create(header.Key, header.Value.ToArray())).ToList();
        var exchange = new Exchange
        {
            From = process,
            Method = request.Method.Method,
            Address = request.RequestUri!,
            Headers = headers,
            HasBody = body is { Length: > 0 },
            Body = body ?? [],
            BodyBytes = body?.Length,
            OpenBody = () => new MemoryStream(body ?? [], writable: false),
        };
        var answer = await network.SendAsync(exchange, cancellationToken).ConfigureAwait(false);
        var response = new HttpResponseMessage((HttpStatusCode)answer.Status) { RequestMessage = request };
        response.Content = answer.Body.Length > 1 && network.Links.Broken()
            ? new StreamContent(new BrokenStream(answer.Body, network.Links.Next(answer.Body.Length)))
            : new ByteArrayContent(answer.Body);
        foreach (var (name, values) in answer.Headers)
        {
            _ = response.Headers.TryAddWithoutValidation(name, values) || response.Content.Headers.TryAddWithoutValidation(name, values);
        }

        return response;
    }

    /// <summary>A body that breaks off.</summary>
    private sealed class BrokenStream(byte[] bytes, int end) : Stream
    {
        private int _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (_position == end)
            {
                throw new HttpIOException(HttpRequestError.ResponseEnded, "The connection broke off in the middle of the body.");
            }

            var length = Math.Min(count, end - _position);
            bytes.AsSpan(_position, length).CopyTo(buffer.AsSpan(offset));
            _position += length;
            return length;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
