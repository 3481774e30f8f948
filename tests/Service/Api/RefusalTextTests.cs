using System.Net;
using System.Text;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.TestKit;

namespace Checkpointer.Service.Tests.Api;

/// <summary>What a caller is told of a request that does not parse names the place, and none of our types.</summary>
public sealed class RefusalTextTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("v1/runs/demo/reports", """{"attempt":"x","reports":[]}""", "$.attempt")]
    [InlineData("v1/runs/demo/reports", """{"reports":[]}""", "body")]
    [InlineData("v1/runs/demo/reports", "{", "line 1")]
    [InlineData("v1/runs/BAD_NAME/reports", """{"attempt":1,"reports":[]}""", "BAD_NAME")]
    [InlineData("v1/runs/demo/checkpoints/seven", null, "seven")]
    [InlineData("v1/runs?limit=many", null, "many")]
    public async Task RequestThatDoesNotParse_IsToldWhere_WithoutNamesOfTypes(string path, string? body, string says)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var service = await RunningService.StartAsync(_folder.Path);
        using var content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");

        using var response = body is null
            ? await service.Http.GetAsync(path, cancel)
            : await service.Http.PostAsync(path, content, cancel);

        var text = await response.Content.ReadAsStringAsync(cancel);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(says, text, StringComparison.Ordinal);
        Assert.DoesNotContain("Checkpointer.", text, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Nullable", text, StringComparison.Ordinal);
        Assert.DoesNotContain("RunId", text, StringComparison.Ordinal);
    }
}
