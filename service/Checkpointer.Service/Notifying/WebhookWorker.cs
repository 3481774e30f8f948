using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Hosting;
using Checkpointer.Storage.CrashPoints;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace Checkpointer.Service.Notifying;

/// <summary>
/// Sends every incident to the webhook, signed, one after another, each at least once: one counts as delivered when the
/// receiver answered 2xx and that is on disk. Anything else is tried again, for as long as it takes.
/// </summary>
internal sealed partial class WebhookWorker : BackgroundService
{
    private const int BatchSize = 64;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly IncidentWatch _watch;
    private readonly WebhookOptions _options;
    private readonly string _folder;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger<WebhookWorker> _logger;
    private readonly HttpClient _http;
    private readonly ResiliencePipeline _retry;

    public WebhookWorker(IncidentWatch watch, ServiceOptions options, TimeProvider timeProvider, ILogger<WebhookWorker> logger)
    {
        _watch = watch;
        _options = options.Webhook!;
        _folder = options.DataPath;
        _timeProvider = timeProvider;
        _logger = logger;
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { Timeout = Timeout };
        _retry = new ResiliencePipelineBuilder { TimeProvider = timeProvider }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<HttpRequestException>().Handle<CheckpointerException>()
                    .Handle<TaskCanceledException>(timedOut => timedOut.InnerException is TimeoutException),
                MaxRetryAttempts = int.MaxValue,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = FirstPause,
                MaxDelay = LongestPause,
                OnRetry = retry =>
                {
                    var (run, number) = retry.Context.Properties.GetValue(Subject, default);
                    LogRetry(Place, run, number, retry.AttemptNumber + 1, retry.Outcome.Exception!.Message, retry.RetryDelay);
                    return ValueTask.CompletedTask;
                },
            })
            .Build();
    }

    private static ResiliencePropertyKey<(RunId Run, long Number)> Subject { get; } = new("incident");

    // Without a query, in which some receivers keep a token.
    private string Place => _options.Url.GetLeftPart(UriPartial.Path);

    public override void Dispose()
    {
        _http.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var cursor = WebhookCursor.Open(_folder, await _watch.ReadTotalsAsync(stoppingToken).ConfigureAwait(false));
        while (true)
        {
            var raised = _watch.Raised;
            foreach (var run in _watch.Totals.Keys)
            {
                while (await _watch.ReadAsync(run, cursor.Of(run), BatchSize, stoppingToken).ConfigureAwait(false) is { Count: > 0 } news)
                {
                    foreach (var incident in news)
                    {
                        await DeliverAsync(run, incident, stoppingToken).ConfigureAwait(false);
                        CrashPoint.Reach(CrashPointNames.WebhookDelivered);
                        cursor.Advance(run, incident.Number);
                        LogTaken(run, incident.Number);
                    }
                }
            }

            await raised.WaitAsync(stoppingToken).ConfigureAwait(false);
        }
    }

    private async Task DeliverAsync(RunId run, Incident incident, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new IncidentNotice { Run = run, Incident = incident }, ContractsJsonContext.Default.IncidentNotice);
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        try
        {
            context.Properties.Set(Subject, (run, incident.Number));
            await _retry.ExecuteAsync(async (each, state) => await SendAsync(state, each.CancellationToken), context, body).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private async ValueTask SendAsync(byte[] body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _options.Url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add(WebhookSignature.Header, WebhookSignature.Sign(_options.ReadSecret(), _timeProvider.GetUtcNow(), body));
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode)
        {
            throw new HttpRequestException(string.Create(CultureInfo.InvariantCulture, $"it answered {(int)answer.StatusCode}"));
        }
    }
}
