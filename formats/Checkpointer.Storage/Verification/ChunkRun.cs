namespace Checkpointer.Storage.Verification;

/// <summary>Neighbouring chunks of one pack, to be read at once: elements <paramref name="First"/> to <paramref name="End"/> (exclusive) of the plan's.</summary>
internal readonly record struct ChunkRun(PackPlan Plan, int First, int End)
{
    public ReadOnlySpan<ChunkPlace> Places => Plan.Places.AsSpan(First, End - First);

    public int OffsetBytes => Plan.Places[First].OffsetBytes;

    public int LengthBytes => (int)(Plan.Places[End - 1].End - OffsetBytes);
}
