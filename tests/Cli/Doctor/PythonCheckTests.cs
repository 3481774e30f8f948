using Checkpointer.Cli.Doctor;
using Checkpointer.Cli.Doctor.Checks;
using Checkpointer.TestKit;

namespace Checkpointer.Cli.Tests.Doctor;

/// <summary>What doctor makes of Pythons, each a script that answers as one would.</summary>
public sealed class PythonCheckTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""{"python": "3.11.2", "hooks": "0.1.0", "path": "/x", "torch": "2.6.0"}""", "ok", "ok", "0.1.0, '/x'")]
    [InlineData("""{"python": "3.11.2", "hooks": "0.0.9", "path": "/x"}""", "warning", "skipped", "0.0.9, '/x', but this program is 0.1.0")]
    [InlineData("""{"python": "3.11.2", "error": "No module named 'zlib'"}""", "failed", "skipped", "No module named 'zlib'")]
    [InlineData("""{"python": "3.11.2", "torch": "2.6.0"}""", "warning", "ok", "has no package 'checkpointer'")]
    public async Task Hooks_AreOfThisVersion_OrItIsSaid(string answer, string hooks, string torch, string says)
    {
        var found = await RunAsync($"echo '{answer.Replace("'", "'\\''", StringComparison.Ordinal)}'");

        Assert.Equal("ok", Outcome(found, "python"));
        Assert.Equal(hooks, Outcome(found, "hooks"));
        Assert.Equal(torch, Outcome(found, "torch"));
        Assert.Contains(says, found.Single(finding => finding.Check == "hooks").Found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("echo hello", "did not answer")]
    [InlineData("echo out of order >&2; exit 3", "ended with status 3: out of order")]
    public async Task NamedOne_ThatIsNoPython_Fails(string script, string says)
    {
        var finding = Assert.Single(await RunAsync(script));

        Assert.Equal(FindingOutcome.Failed, finding.Outcome);
        Assert.Contains(says, finding.Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NamedOne_ThatIsNotThere_Fails()
    {
        var finding = Assert.Single(await CheckAsync("/nowhere/python"));

        Assert.Equal(FindingOutcome.Failed, finding.Outcome);
        Assert.Contains("there is none", finding.Found, StringComparison.Ordinal);
    }

    private async Task<IReadOnlyList<Finding>> RunAsync(string script)
    {
        var file = _folder.File("python");
        await File.WriteAllTextAsync(file, $"#!/bin/sh\n{script}\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return await CheckAsync(file);
    }

    private static Task<IReadOnlyList<Finding>> CheckAsync(string python) =>
        new PythonCheck(CheckSubject.Plain with { Python = python }).RunAsync(TestContext.Current.CancellationToken);

    private static string Outcome(IReadOnlyList<Finding> found, string check) =>
        found.Single(finding => finding.Check == check).Outcome.ToString().ToLowerInvariant();
}
