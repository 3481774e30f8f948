using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Checkpointer.Agent.Telemetry;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Replicas;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Reporting;

/// <summary>
/// The service as an agent calls it. Never retries: whoever calls decides. Whatever goes wrong on the way is
/// <see cref="ErrorCode.ServiceUnavailable"/> and transient; what the service itself answers keeps its code. Thread-safe.
/// </summary>
internal sealed class ServiceClient(HttpClient http, string node, TimeProvider time, AgentTelemetry telemetry)
{
    /// <summary>How long a call may take, apart from the time that the service is asked to hold it.</summary>
    public static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(10);

    /// <summary>How long asking for progress on behalf of a waiting trainer may take.</summary>
    public static readonly TimeSpan QuickTimeout = TimeSpan.FromMilliseconds(250);

    /// <summary>Longest answer that is read, in bytes: a plan for the largest world.</summary>
    public const long MaxAnswerBytes = 1L << 30;

    private volatile bool _reachable;

    /// <summary>Whether the last call reached the service.</summary>
    public bool IsReachable => _reachable;

    /// <summary>One rank has come up; holds at most <see cref="JoinRun.WaitMs"/>.</summary>
    public Task<JoinResult> JoinAsync(RunId run, JoinRun join, CancellationToken cancellationToken) => PostAsync(
        $"v1/runs/{run}/join",
        join,
        ContractsJsonContext.Default.JoinRun,
        ContractsJsonContext.Default.JoinResult,
        CallTimeout + TimeSpan.FromMilliseconds(join.WaitMs),
        cancellationToken);

    /// <summary>This agent lives and holds these images.</summary>
    public Task<HeartbeatResult> BeatAsync(AgentPresence presence, CancellationToken cancellationToken) => PostAsync(
        "v1/agents/heartbeat",
        presence,
        ContractsJsonContext.Default.AgentPresence,
        ContractsJsonContext.Default.HeartbeatResult,
        CallTimeout,
        cancellationToken);

    /// <summary>Rank 0 has completed steps.</summary>
    public Task<ReportStepsResult> ReportAsync(RunId run, ReportSteps report, CancellationToken cancellationToken) => PostAsync(
        $"v1/runs/{run}/reports",
        report,
        ContractsJsonContext.Default.ReportSteps,
        ContractsJsonContext.Default.ReportStepsResult,
        CallTimeout,
        cancellationToken);

    /// <summary>What became of a snapshot.</summary>
    public Task ReportAsync(RunId run, SnapshotReport report, CancellationToken cancellationToken) => SendAsync(
        HttpMethod.Post,
        $"v1/runs/{run}/snapshots",
        JsonSerializer.SerializeToUtf8Bytes(report, ContractsJsonContext.Default.SnapshotReport),
        CallTimeout,
        cancellationToken);

    /// <summary>A shard is durable.</summary>
    public Task<ShardResult> ReportAsync(RunId run, ShardReport report, CancellationToken cancellationToken) => PostAsync(
        $"v1/runs/{run}/shards",
        report,
        ContractsJsonContext.Default.ShardReport,
        ContractsJsonContext.Default.ShardResult,
        CallTimeout,
        cancellationToken);

    /// <summary>A rank died.</summary>
    public Task ReportAsync(RunId run, FailureReport report, CancellationToken cancellationToken) => SendAsync(
        HttpMethod.Post,
        $"v1/runs/{run}/failures",
        JsonSerializer.SerializeToUtf8Bytes(report, ContractsJsonContext.Default.FailureReport),
        CallTimeout,
        cancellationToken);

    /// <summary>A copy of another node's image is held.</summary>
    public Task ReportAsync(RunId run, ReplicaReport report, CancellationToken cancellationToken) => SendAsync(
        HttpMethod.Post,
        $"v1/runs/{run}/replicas",
        JsonSerializer.SerializeToUtf8Bytes(report, ContractsJsonContext.Default.ReplicaReport),
        CallTimeout,
        cancellationToken);

    /// <summary>Another node's image is corrupt.</summary>
    public Task ReportAsync(RunId run, CorruptCopyReport report, CancellationToken cancellationToken) => SendAsync(
        HttpMethod.Post,
        $"v1/runs/{run}/corrupt-copies",
        JsonSerializer.SerializeToUtf8Bytes(report, ContractsJsonContext.Default.CorruptCopyReport),
        CallTimeout,
        cancellationToken);

    /// <summary>How a restore went.</summary>
    public Task ReportAsync(RunId run, RestoreReport report, CancellationToken cancellationToken) => SendAsync(
        HttpMethod.Post,
        $"v1/runs/{run}/restores",
        JsonSerializer.SerializeToUtf8Bytes(report, ContractsJsonContext.Default.RestoreReport),
        CallTimeout,
        cancellationToken);

    /// <summary>The same, held by the service at most <see cref="RestoreReport.WaitMs"/> while other ranks are restoring.</summary>
    public Task<RestoreResult> RestoreAsync(RunId run, RestoreReport report, CancellationToken cancellationToken) => PostAsync(
        $"v1/runs/{run}/restores",
        report,
        ContractsJsonContext.Default.RestoreReport,
        ContractsJsonContext.Default.RestoreResult,
        CallTimeout + TimeSpan.FromMilliseconds(report.WaitMs ?? 0),
        cancellationToken);

    /// <summary>Where a run stands. Quick: a trainer waits for it.</summary>
    public async Task<RunProgress> ProgressAsync(RunId run, CancellationToken cancellationToken) => Parse(
        await SendAsync(HttpMethod.Get, $"v1/runs/{run}/progress?node={node}", null, QuickTimeout, cancellationToken),
        ContractsJsonContext.Default.RunProgress);

    private async Task<TResult> PostAsync<TBody, TResult>(
        string path,
        TBody body,
        JsonTypeInfo<TBody> bodyType,
        JsonTypeInfo<TResult> resultType,
        TimeSpan timeout,
        CancellationToken cancellationToken) =>
        Parse(
            await SendAsync(
                HttpMethod.Post, path, JsonSerializer.SerializeToUtf8Bytes(body, bodyType), timeout, cancellationToken),
            resultType);

    private async Task<byte[]> SendAsync(
        HttpMethod method, string path, byte[]? body, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        using var timer = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            using var response = await http.SendAsync(request, both.Token);
            _reachable = true;
            await ProblemReader.EnsureSuccessAsync(response, both.Token);
            return await response.Content.ReadAsByteArrayAsync(both.Token);
        }
        catch (CheckpointerException e)
        {
            telemetry.ServiceFailed(e.Code);
            throw;
        }
        catch (Exception e) when (e is HttpRequestException or IOException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            _reachable = false;
            telemetry.ServiceFailed(ErrorCode.ServiceUnavailable);
            var why = e is OperationCanceledException ? $"no answer within {timeout.TotalSeconds:0.##} s" : e.Message;
            throw new CheckpointerException(
                ErrorCode.ServiceUnavailable,
                $"The service at {http.BaseAddress} cannot be reached ({why}). Check that it runs and that its address is right.",
                isTransient: true,
                e);
        }
    }

    private TResult Parse<TResult>(byte[] utf8, JsonTypeInfo<TResult> type)
    {
        try
        {
            return JsonSerializer.Deserialize(utf8, type) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            // Somebody else's answer, such as a proxy's page: the service may well be back soon.
            throw new CheckpointerException(
                ErrorCode.ServiceUnavailable,
                $"What answers at {http.BaseAddress} is no service of ours: {e.Message}",
                isTransient: true,
                e);
        }
    }
}
