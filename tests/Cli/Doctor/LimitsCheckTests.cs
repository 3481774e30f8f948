using Checkpointer.Cli.Doctor;
using Checkpointer.Cli.Doctor.Checks;
using Checkpointer.TestKit;

namespace Checkpointer.Cli.Tests.Doctor;

/// <summary>The limits of a process, from files of this test's making.</summary>
public sealed class LimitsCheckTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("unlimited", "nvidia0", "ok")]
    [InlineData("1073741824", "nvidia0", "ok")]
    [InlineData("1073741823", "nvidia0", "warning")]
    [InlineData("8388608", "davinci7", "warning")]
    [InlineData("8388608", "nvidia-caps", "ok")]
    [InlineData("8388608", "null", "ok")]
    public async Task LockedMemory_MattersBelowTheBudget_WhereThereIsAnAccelerator(string soft, string device, string outcome)
    {
        var found = await RunAsync(soft, files: "524288", device);

        Assert.Equal(outcome, found["locked memory"].Outcome.ToString().ToLowerInvariant());
    }

    [Theory]
    [InlineData("4095", "warning")]
    [InlineData("4096", "ok")]
    [InlineData("unlimited", "ok")]
    public async Task OpenFiles_FewerThanEnough_IsAWarning(string files, string outcome)
    {
        var found = await RunAsync("unlimited", files, "null");

        Assert.Equal(outcome, found["open files"].Outcome.ToString().ToLowerInvariant());
    }

    private async Task<Dictionary<string, Finding>> RunAsync(string locked, string files, string device)
    {
        var limits = _folder.File("limits");
        await File.WriteAllTextAsync(
            limits,
            $"""
            Limit                     Soft Limit           Hard Limit           Units
            Max processes             95890                95890                processes
            Max open files            1024                 {files}              files
            Max locked memory         {locked}             unlimited            bytes
            """,
            TestContext.Current.CancellationToken);
        var devices = Directory.CreateDirectory(_folder.File("dev")).FullName;
        await File.WriteAllTextAsync(Path.Combine(devices, device), "", TestContext.Current.CancellationToken);
        var findings = await new LimitsCheck(CheckSubject.Plain, limits, devices).RunAsync(TestContext.Current.CancellationToken);
        return findings.ToDictionary(finding => finding.Check);
    }
}
