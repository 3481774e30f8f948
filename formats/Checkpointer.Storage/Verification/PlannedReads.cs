namespace Checkpointer.Storage.Verification;

/// <summary>What is to be read for one checkpoint.</summary>
/// <param name="Plans">The packs with chunks that nobody has settled yet, in the order of their keys.</param>
/// <param name="Packs">Packs that the checkpoint needs.</param>
/// <param name="Chunks">Chunks that it has in them.</param>
/// <param name="Bytes">Bytes of those.</param>
/// <param name="SettledBytes">Bytes of those that were settled before.</param>
internal sealed record PlannedReads(
    IReadOnlyList<PackPlan> Plans, int Packs, int Chunks, long Bytes, long SettledBytes);
