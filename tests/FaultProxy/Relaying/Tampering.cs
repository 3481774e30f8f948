namespace Checkpointer.FaultProxy.Relaying;

/// <summary>What is done to a body on its way.</summary>
/// <param name="CutAt">The bytes that pass; null is all.</param>
/// <param name="FlipAt">The byte of which one bit is turned.</param>
/// <param name="Drips">Whether it passes by in drips.</param>
internal readonly record struct Tampering(long? CutAt = null, long? FlipAt = null, bool Drips = false);
