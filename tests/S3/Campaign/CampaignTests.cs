using System.Globalization;
using System.Security.Cryptography;
using Checkpointer.FaultProxy.Faults;

namespace Checkpointer.S3.Tests.Campaign;

/// <summary>
/// Every kind of fault, again and again, between the store that every process opens and a real server. The seed is in
/// the output; CHECKPOINTER_CAMPAIGN_SEED sets it, CHECKPOINTER_CAMPAIGN how often each kind is injected (20).
/// </summary>
public sealed class CampaignTests(ITestOutputHelper output)
{
    private const int Faster = 10;
    private const double Rate = 0.3;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Store_UnderEveryFaultManyTimes_LosesNothing_TearsNothing_AndEnds()
    {
        var times = Setting("CHECKPOINTER_CAMPAIGN") ?? 20;
        var seed = Setting("CHECKPOINTER_CAMPAIGN_SEED") ?? RandomNumberGenerator.GetInt32(int.MaxValue);
        output.WriteLine($"seed {seed}, each kind {times} times");
        await using var bucket = await FaultyBucket.NewAsync(Cancel);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        deadline.CancelAfter(TimeSpan.FromSeconds(60 + (times * 6)));
        var chronicle = new Chronicle();
        var workload = new Workload(bucket.OpenResilient(new FasterTime(Faster), seed), chronicle, seed);

        bucket.Proxy.Plan = FaultPlan.Limited(seed, Rate, times, FaultKinds.All);
        using var over = new CancellationTokenSource();
        var running = workload.RunAsync(over.Token, deadline.Token);
        while (!running.IsCompleted && FaultKinds.All.Any(kind => bucket.Proxy.Counts.Of(kind) < times))
        {
            await Task.WhenAny(running, Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token));
        }

        await over.CancelAsync();
        await running;

        await chronicle.ReadBackAsync(bucket.OpenDirect(), Cancel);
        Report(bucket, chronicle, workload);
        Assert.Empty(chronicle.Violations);
        Assert.All(FaultKinds.All, kind => Assert.True(bucket.Proxy.Counts.Of(kind) >= times, $"{kind}"));
        Assert.InRange(workload.WrongReads, 0, bucket.Proxy.Counts.Of(FaultKind.WrongResponse));
        Assert.True(chronicle.Acknowledged.Length > 20, $"{chronicle.Acknowledged.Length} objects were stored");
    }

    private void Report(FaultyBucket bucket, Chronicle chronicle, Workload workload)
    {
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{bucket.Proxy.Counts.Requests} requests, {chronicle.Acknowledged.Length} objects stored, {workload.WrongReads} wrong reads found"));
        foreach (var kind in FaultKinds.All)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{FaultKinds.Name(kind),-18} {bucket.Proxy.Counts.Of(kind),5}"));
        }

        foreach (var ((code, isTransient), count) in chronicle.Failures.OrderBy(pair => pair.Key))
        {
            output.WriteLine($"callers were told {count} times: {code}{(isTransient ? ", transient" : "")}");
        }
    }

    private static int? Setting(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value
            ? int.Parse(value, CultureInfo.InvariantCulture)
            : null;
}
