namespace Checkpointer.S3.Tests.Campaign;

/// <summary>A clock that is off.</summary>
internal sealed class ShiftedTime(TimeSpan by) : TimeProvider
{
    /// <summary>How far it is off; mended by setting it to zero.</summary>
    public TimeSpan By { get; set; } = by;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + By;
}
