using System.Text.Json;
using Checkpointer.Cli.Verifying;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Identity;
using Checkpointer.Storage;
using Checkpointer.TestKit;
using Checkpointer.TestKit.Checkpoints;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.Cli.Tests.Verifying;

/// <summary><c>checkpointer verify</c> as a process, on a small stored run.</summary>
public sealed class VerifyTests : IDisposable
{
    private static readonly Rank One = new(1);

    private readonly TemporaryFolder _folder = new();
    private readonly StoredRun _run;

    public VerifyTests() => _run = new StoredRun(ObjectStores.Open(Store), RunId.Parse("sft-demo"));

    private string Store => _folder.File("store");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Good_IsSaidInOneLine_AndExitsWithSuccess()
    {
        _ = await _run.SaveAsync(10);
        _ = await _run.SaveAsync(20);

        var result = await VerifyAsync("sft-demo", "--no-record");

        Assert.Equal(ExitCode.Success, result.ExitCode);
        var line = Assert.Single(result.Output.TrimEnd().Split('\n'));
        Assert.StartsWith("sft-demo 20.1: good (2 shards, ", line, StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }

    [Theory]
    [InlineData("10", "10.1")]
    [InlineData("20", "20.1 20.2")]
    [InlineData("20.1", "20.1")]
    [InlineData("latest", "15.3")]
    [InlineData("--all", "10.1 20.1 20.2 15.3")]
    public async Task Choice_IsVerifiedAndNothingElse(string choice, string verified)
    {
        _ = await _run.SaveAsync(10);
        _ = await _run.SaveAsync(20);
        _ = await _run.SaveAsync(20, attempt: 2);
        _ = await _run.SaveAsync(15, attempt: 3);

        var result = await VerifyAsync("sft-demo", choice, "--no-record", "--output", "json");

        Assert.Equal(ExitCode.Success, result.ExitCode);
        Assert.Equal(verified, string.Join(' ', Parse(result).Checkpoints.Select(checkpoint => checkpoint.Checkpoint)));
    }

    [Fact]
    public async Task Damage_IsNamedForPeople()
    {
        var key = await SaveAndHarmAsync();

        var result = await VerifyAsync("sft-demo", "--no-record");

        Assert.Equal(ExitCode.Failure, result.ExitCode);
        Assert.Contains("sft-demo 10.1: damaged", result.Output, StringComparison.Ordinal);
        Assert.Contains($"  corrupt: {Store}/{key} has 1 chunk that is not what was sealed", result.Output, StringComparison.Ordinal);
        Assert.Contains("; rank 1; tensors weights", result.Output, StringComparison.Ordinal);
        Assert.Contains(
            "Damaged: 10.1. Which others are intact was not looked at: checkpointer verify sft-demo --all. No service has recorded",
            result.Output.TrimEnd().Split('\n')[^1],
            StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', result.Output);
    }

    [Fact]
    public async Task Damage_IsNamedForScripts()
    {
        var key = await SaveAndHarmAsync();
        var missing = _run.PlaceOf(new Rank(0), 0).Key;
        await _run.Store.DeleteAsync(missing, Cancel);

        var result = await VerifyAsync("sft-demo", "--output", "json", "--no-record", "--parallelism", "1", "--rate", "1GiB");

        Assert.Equal(ExitCode.Failure, result.ExitCode);
        var parsed = Parse(result);
        Assert.Equal(("sft-demo", VerificationOutcome.Damaged), (parsed.Run.Value, parsed.Outcome));
        Assert.Contains(Store, parsed.Store, StringComparison.Ordinal);
        Assert.True(File.Exists(parsed.Place + key), "the key can be fetched as it is named");
        Assert.Null(parsed.NewestIntact);
        var verified = Assert.Single(parsed.Checkpoints);
        Assert.False(verified.Recorded);
        Assert.Equal(
            [(VerificationFindingKind.Missing, missing.Value), (VerificationFindingKind.Corrupt, key.Value)],
            verified.Verification.Findings.Select(finding => (finding.Kind, finding.Key)));
        Assert.Equal([One], verified.Verification.Findings[1].Ranks);
        Assert.Equal(["weights"], verified.Verification.Findings[1].Tensors);
    }

    [Fact]
    public async Task ServiceAway_IsAWarning()
    {
        _ = await _run.SaveAsync(10);

        var result = await VerifyAsync("sft-demo", "--service", "http://127.0.0.1:1");

        Assert.Equal(ExitCode.Success, result.ExitCode);
        Assert.Contains("warning: the service at http://127.0.0.1:1/ cannot be reached", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("recorded", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServiceThatDoesNotKnowTheRun_IsAWarning()
    {
        _ = await _run.SaveAsync(10);
        await using var service = await RunningService.StartAsync(_folder.File("data"), Store, _folder.File("service.log"));

        var result = await VerifyAsync("sft-demo", "--service", service.Address.ToString());

        Assert.Equal(ExitCode.Success, result.ExitCode);
        Assert.Contains("did not record the result for 10.1", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sft-demo", "30", "no committed checkpoint of step 30. It has 10.1, 20.1.")]
    [InlineData("sft-demo", "20.7", "no committed checkpoint 20.7. It has 10.1, 20.1.")]
    [InlineData("other", "latest", "There is no run other in the store")]
    [InlineData("other", "latest", "There is sft-demo.")]
    public async Task Unknown_SaysWhatThereIs(string run, string choice, string says)
    {
        _ = await _run.SaveAsync(10);
        _ = await _run.SaveAsync(20);

        var result = await VerifyAsync(run, choice, "--no-record");

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains(says, result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task NothingCommitted_IsSaid()
    {
        var checkpoint = await _run.SaveAsync(10);
        await _run.Store.DeleteAsync(RepositoryKeys.Manifest(_run.Run, checkpoint), Cancel);

        var result = await VerifyAsync("sft-demo", "--no-record");

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains("has no committed checkpoint yet", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StoreThatIsAway_IsIncomplete_AndIsNotMade()
    {
        var away = _folder.File("away");

        var result = await CheckpointerProgram.RunAsync("verify", "sft-demo", "--store", away, "--no-record", "--output", "json");

        Assert.Equal(ExitCode.Incomplete, result.ExitCode);
        Assert.Contains(away, result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
        Assert.False(Directory.Exists(away));
    }

    [Theory]
    [InlineData("'UPPER' is no run", "UPPER")]
    [InlineData("'soon' is no checkpoint", "sft-demo", "soon")]
    [InlineData("not both", "sft-demo", "40", "--all")]
    [InlineData("xml", "sft-demo", "--output", "xml")]
    [InlineData("--parallelism: '1000'", "sft-demo", "--parallelism", "1000")]
    [InlineData("--rate: '1KiB'", "sft-demo", "--rate", "1KiB")]
    public async Task Nonsense_IsRefusedWithTheReason(string reason, params string[] arguments)
    {
        _ = await _run.SaveAsync(40);

        var result = await VerifyAsync([.. arguments, "--no-record"]);

        Assert.Equal(ExitCode.Usage, result.ExitCode);
        Assert.Contains(reason, result.Error, StringComparison.Ordinal);
    }

    private Task<ChildResult> VerifyAsync(params string[] arguments) =>
        CheckpointerProgram.RunAsync(["verify", .. arguments, "--store", Store]);

    private async Task<ObjectKey> SaveAndHarmAsync()
    {
        _ = await _run.SaveAsync(10);
        var (key, offset) = _run.PlaceOf(One, _run.ChunkIn(One, "weights"));
        var bytes = await _run.Store.ReadAllAsync(key, 1 << 20, Cancel);
        bytes[offset] ^= 1;
        await _run.Store.PutAsync(key, new ObjectContent(bytes), Cancel);
        return key;
    }

    private static VerifyResult Parse(ChildResult result) =>
        JsonSerializer.Deserialize(result.Output, OutputJsonContext.Default.VerifyResult)!;
}
