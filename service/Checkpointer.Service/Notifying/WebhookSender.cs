using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Hosting;
using Checkpointer.Service.Telemetry;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace Checkpointer.Service.Notifying;

/// <summary>
/// Sends one incident to the webhook, signed, until the receiver takes it: answers 2xx. A receiver that is away, slow or busy is
/// tried for as long as it takes. One that refuses what it gets (4xx, but for 408 and 429) mostly always will: after
/// <see cref="MaxRefusals"/> refusals the incident is given up, so that it does not hold up those behind it.
/// </summary>
internal sealed partial class WebhookSender : IDisposable
{
    /// <summary>Refusals after which an incident is given up: three minutes of them at the pauses of the default.</summary>
    public const int MaxRefusals = 10;

    private const int LongestPauseFactor = 120;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly WebhookOptions _options;
    private readonly TimeProvider _timeProvider;
    private readonly ServiceMetrics _metrics;
    private readonly ILogger<WebhookSender> _logger;
    private readonly HttpClient _http;
    private readonly ResiliencePipeline _retry;

    public WebhookSender(WebhookOptions options, TimeProvider timeProvider, ServiceMetrics metrics, ILogger<WebhookSender> logger)
    {
        (_options, _timeProvider, _metrics, _logger) = (options, timeProvider, metrics, logger);
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { Timeout = Timeout };
        _retry = new ResiliencePipelineBuilder { TimeProvider = timeProvider }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = retry => new ValueTask<bool>(
                    retry.Outcome.Exception is { } why && IsTrouble(why)
                    && retry.Context.Properties.GetValue(Key, null!).Refusals < MaxRefusals),
                MaxRetryAttempts = int.MaxValue,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = options.RetryDelay,
                MaxDelay = options.RetryDelay * LongestPauseFactor,
                OnRetry = retry =>
                {
                    var delivery = retry.Context.Properties.GetValue(Key, null!);
                    LogRetry(Place, delivery.Number, delivery.Run, retry.AttemptNumber + 1, retry.Outcome.Exception!.Message, retry.RetryDelay);
                    return ValueTask.CompletedTask;
                },
            })
            .Build();
    }

    private static ResiliencePropertyKey<Delivery> Key { get; } = new("delivery");

    // Without a query, in which some receivers keep a token.
    private string Place => _options.Url.GetLeftPart(UriPartial.Path);

    public void Dispose() => _http.Dispose();

    /// <summary>Ends when the receiver has taken it, true, or has refused it for good, false.</summary>
    public async Task<bool> SendAsync(RunId run, Incident incident, CancellationToken cancellationToken)
    {
        var delivery = new Delivery(run, incident.Number, JsonSerializer.SerializeToUtf8Bytes(
            new IncidentNotice { Run = run, Incident = incident }, ContractsJsonContext.Default.IncidentNotice));
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        try
        {
            context.Properties.Set(Key, delivery);
            await _retry.ExecuteAsync(async (each, state) => await CallAsync(state, each.CancellationToken), context, delivery).ConfigureAwait(false);
            LogTaken(incident.Number, run);
            return true;
        }
        catch (HttpRequestException e) when (delivery.Refusals >= MaxRefusals)
        {
            _metrics.CountWebhookSetAside();
            LogSetAside(Place, incident.Number, run, delivery.Refusals, e.Message);
            return false;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private async ValueTask CallAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        var outcome = "failed";
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, _options.Url) { Content = new ByteArrayContent(delivery.Body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Add(
                WebhookSignature.Header, WebhookSignature.Sign(_options.ReadSecret(), _timeProvider.GetUtcNow(), delivery.Body));
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            if (answer.IsSuccessStatusCode)
            {
                outcome = "delivered";
                return;
            }

            if (IsRefusal(answer.StatusCode))
            {
                outcome = "refused";
                delivery.Refusals++;
            }

            throw new HttpRequestException(string.Create(CultureInfo.InvariantCulture, $"it answered {(int)answer.StatusCode}"));
        }
        finally
        {
            _metrics.CountWebhookCall(outcome);
        }
    }

    // 408 and 429 ask for another try; what else begins with 4 says that the request itself is at fault.
    private static bool IsRefusal(HttpStatusCode status) =>
        (int)status is >= 400 and < 500 && status is not (HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests);

    // A secret that cannot be read is trouble too: its file may be being replaced.
    private static bool IsTrouble(Exception why) => why is HttpRequestException or CheckpointerException
        || why is TaskCanceledException { InnerException: TimeoutException };

    /// <summary>One incident on its way.</summary>
    private sealed record Delivery(RunId Run, long Number, byte[] Body)
    {
        public int Refusals { get; set; }
    }
}
