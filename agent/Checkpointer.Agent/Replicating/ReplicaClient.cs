using System.Net.Http.Headers;
using System.Text.Json;
using Checkpointer.Agent.Restoring;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Replicating;

/// <summary>Offers images to other agents. Never retries. A peer that does not answer is <c>service_unavailable</c>, transient.</summary>
internal sealed class ReplicaClient(PeerClient peers, TimeProvider time)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Offers that image; held at most as long as the offer says.</summary>
    public async Task<ReplicaOfferResult> OfferAsync(
        Uri agent, RunId run, Rank rank, CheckpointId checkpoint, ReplicaOffer offer, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(agent, $"v1/replicas/{run}/{rank}/{checkpoint}"));
        request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(offer, ContractsJsonContext.Default.ReplicaOffer));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var timer = new CancellationTokenSource(CallTimeout + TimeSpan.FromMilliseconds(offer.WaitMs), time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            using var response = await peers.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            await ProblemReader.EnsureSuccessAsync(response, both.Token);
            await response.Content.LoadIntoBufferAsync(MaxAnswerBytes, both.Token);
            return JsonSerializer.Deserialize(
                await response.Content.ReadAsByteArrayAsync(both.Token), ContractsJsonContext.Default.ReplicaOfferResult)
                ?? throw new JsonException("null");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new CheckpointerException(
                ErrorCode.ServiceUnavailable, $"the agent at {agent} does not answer: {e.Message}", isTransient: true, e);
        }
    }

    private const int MaxAnswerBytes = 64 * 1024;
}
