using Checkpointer.Service.Journal;

namespace Checkpointer.Service.Coordination;

/// <summary>Opens the journal that the service runs on.</summary>
internal delegate Task<IJournal> JournalOpener(CancellationToken cancellationToken);
