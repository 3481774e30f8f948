using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Contracts.Trainers;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.Simulation.Scheduling;

namespace Checkpointer.Simulation.Trainers;

/// <summary>The agent's API as the Python hooks call it for one rank; refusals are the exceptions that they carry.</summary>
internal sealed class AgentClient(HttpClient http, SimulatedProcess process, RunId run, Rank rank, string incarnation, int worldSize)
{
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);

    private readonly string _path = $"/v1/runs/{run}/ranks/{rank}";
    private string? _instance;
    private bool _suspicious;

    /// <summary>The granted attempt; null before.</summary>
    public Attempt? Attempt { get; private set; }

    /// <summary>What the grant said to resume from.</summary>
    public CheckpointId? ResumeFrom { get; private set; }

    /// <summary>Rises with each grant: the agent has forgotten what it was told before.</summary>
    public int Epoch { get; private set; }

    /// <summary>Joins, held at most <paramref name="waitMs"/>; false while ranks are missing.</summary>
    public async Task<bool> TryJoinAsync(int waitMs)
    {
        var answer = await PostAsync(
            "/join",
            new JoinRequest { Incarnation = incarnation, WorldSize = worldSize, WaitMs = waitMs },
            ContractsJsonContext.Default.JoinRequest,
            ContractsJsonContext.Default.JoinResponse,
            TimeSpan.FromMilliseconds(waitMs)).ConfigureAwait(false);
        if (answer.State != JoinState.Granted)
        {
            return false;
        }

        if (Attempt is { } had && had != answer.Attempt)
        {
            throw new CheckpointerException(ErrorCode.StaleAttempt, $"Attempt {answer.Attempt} runs now, this is {had}.");
        }

        (Attempt, ResumeFrom, _instance, _suspicious) = (answer.Attempt, answer.ResumeFrom, answer.AgentInstance, false);
        Epoch++;
        return true;
    }

    /// <summary>After a lost connection: whether the agent restarted, and if so joins again.</summary>
    public async Task ReviveAsync(bool forgotten = false)
    {
        if (!_suspicious && !forgotten)
        {
            return;
        }

        if (!forgotten)
        {
            var status = await CallAsync(HttpMethod.Get, "/v1/agent", null, ContractsJsonContext.Default.AgentStatus, TimeSpan.Zero).ConfigureAwait(false);
            if (status.Instance == _instance)
            {
                _suspicious = false;
                return;
            }
        }

        if (!await TryJoinAsync(0).ConfigureAwait(false))
        {
            throw new CheckpointerException(
                ErrorCode.ServiceUnavailable, "The agent restarted and our attempt is not known to it yet.", isTransient: true);
        }
    }

    public Task<RegisterLayoutResponse> RegisterAsync(Layout layout) => CallAsync(
        HttpMethod.Put,
        $"{_path}/layout?attempt={Attempt}",
        layout.Utf8.ToArray(),
        ContractsJsonContext.Default.RegisterLayoutResponse,
        TimeSpan.FromSeconds(10));

    public Task<RestoreResponse> RestoreAsync(Layout layout, int waitMs) => PostAsync(
        "/restore",
        new RestoreRequest { Attempt = Attempt!.Value, Layout = layout.Digest, WaitMs = waitMs },
        ContractsJsonContext.Default.RestoreRequest,
        ContractsJsonContext.Default.RestoreResponse,
        TimeSpan.FromMilliseconds(waitMs));

    public Task<SlotLocation> BeginAsync(Step step, Layout layout, bool durable) => PostAsync(
        "/snapshots",
        new BeginSnapshotRequest { Attempt = Attempt!.Value, Step = step, Layout = layout.Digest, Durable = durable },
        ContractsJsonContext.Default.BeginSnapshotRequest,
        ContractsJsonContext.Default.SlotLocation,
        TimeSpan.Zero);

    public Task<SnapshotStatus> SealAsync(Step step, long bytes, JsonElement? extra) => PostAsync(
        $"/snapshots/{step}/seal",
        new SealSnapshotRequest { Attempt = Attempt!.Value, CapturedBytes = bytes, Extra = extra },
        ContractsJsonContext.Default.SealSnapshotRequest,
        ContractsJsonContext.Default.SnapshotStatus,
        TimeSpan.Zero);

    public Task<SnapshotStatus> DiscardAsync(Step step) => CallAsync(
        HttpMethod.Delete, $"{_path}/snapshots/{step}?attempt={Attempt}", null, ContractsJsonContext.Default.SnapshotStatus, TimeSpan.Zero);

    public Task<SnapshotStatus> StatusAsync(Step step) => CallAsync(
        HttpMethod.Get, $"{_path}/snapshots/{step}?attempt={Attempt}&until=open&wait_ms=0", null, ContractsJsonContext.Default.SnapshotStatus, TimeSpan.Zero);

    public async Task<ReportResponse> ReportAsync(IReadOnlyList<StepReport> reports)
    {
        var answer = await PostAsync(
            "/reports",
            new ReportRequest { Attempt = Attempt!.Value, Reports = reports },
            ContractsJsonContext.Default.ReportRequest,
            ContractsJsonContext.Default.ReportResponse,
            TimeSpan.Zero).ConfigureAwait(false);
        _suspicious |= answer.AgentInstance != _instance;
        return answer;
    }

    private Task<TResult> PostAsync<TBody, TResult>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TResult> resultType, TimeSpan held) =>
        CallAsync(HttpMethod.Post, _path + path, JsonSerializer.SerializeToUtf8Bytes(body, bodyType), resultType, held);

    private async Task<T> CallAsync<T>(HttpMethod method, string path, byte[]? body, JsonTypeInfo<T> type, TimeSpan held)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        using var timer = new CancellationTokenSource(CallTimeout + held, process.Time);
        try
        {
            using var response = await http.SendAsync(request, timer.Token).ConfigureAwait(false);
            await ProblemReader.EnsureSuccessAsync(response, timer.Token).ConfigureAwait(false);
            return JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(timer.Token).ConfigureAwait(false), type)!;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            _suspicious = true;
            throw new CheckpointerException(ErrorCode.ServiceUnavailable, $"The agent does not answer: {e.Message}", isTransient: true, e);
        }
    }
}
