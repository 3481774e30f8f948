namespace Checkpointer.Formats.NonFinite;

/// <summary>How many values of some bytes are not finite.</summary>
/// <param name="NanCount">Values that are not a number.</param>
/// <param name="InfCount">Values that are plus or minus infinity.</param>
public readonly record struct NonFiniteCount(long NanCount, long InfCount)
{
    /// <summary>Whether there is any.</summary>
    public bool Any => (NanCount | InfCount) != 0;

    /// <summary>The counts of both.</summary>
    public static NonFiniteCount operator +(NonFiniteCount left, NonFiniteCount right) =>
        new(left.NanCount + right.NanCount, left.InfCount + right.InfCount);

    /// <summary>The counts of both.</summary>
    public NonFiniteCount Add(NonFiniteCount other) => this + other;
}
