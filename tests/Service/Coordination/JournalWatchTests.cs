using Checkpointer.Journal.Tests.Memory;
using Checkpointer.Service.Tests.Driving;
using Checkpointer.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Checkpointer.Service.Tests.Coordination;

public sealed class JournalWatchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task JournalFails_HostStopsByItself_ThoughNobodyCallsIt()
    {
        var journal = new MemoryJournal();
        // No run, so that no other loop has anything to do that would fail.
        await using var service = await RunningService.StartAsync(_folder.Path, journal: journal);
        var stopping = new TaskCompletionSource();
        _ = service.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(stopping.SetResult);

        journal.Break();

        await stopping.Task.WaitAsync(TimeSpan.FromSeconds(20), Cancel);
    }
}
