using Checkpointer.Journal.Tests.Conformance;
using Checkpointer.Service.Journal;
using Checkpointer.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Journal.Tests.FasterLog;

public sealed class FasterLogConformanceTests : JournalConformance
{
    private readonly TemporaryFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    private protected override async Task<IJournal> OpenAsync(IJournal? before) => await FasterLogJournal.OpenAsync(
        new FasterLogJournalOptions { Folder = _folder.Path }, NullLogger.Instance, Cancel);
}
