namespace Checkpointer.Agent.Draining;

/// <summary>A shard that is durable in storage.</summary>
/// <param name="IndexSha256">Lower-case hex SHA-256 of its index.</param>
/// <param name="IndexBytes">Length of the index.</param>
/// <param name="PackBytes">Bytes of the packs that were written for it.</param>
/// <param name="ReusedBytes">Bytes of chunks that older packs held already.</param>
internal readonly record struct StoredShard(string IndexSha256, long IndexBytes, long PackBytes, long ReusedBytes);
