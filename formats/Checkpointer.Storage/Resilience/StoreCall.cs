using Checkpointer.Formats.Errors;
using Polly;

namespace Checkpointer.Storage.Resilience;

/// <summary>One call of a caller, with all its attempts: what the strategies know of it. Used by one flow at a time.</summary>
internal sealed class StoreCall
{
    /// <summary>A call that moves fewer bytes is a small one.</summary>
    public const long SmallBytes = 1 << 20;

    /// <summary>Where the strategies find it.</summary>
    public static readonly ResiliencePropertyKey<StoreCall> Property = new("checkpointer.store.call");

    private StoreCall(string operation, string key, long bytes, Lane lane) =>
        (Operation, Key, Bytes, Lane) = (operation, key, bytes, lane);

    /// <summary>The operation's name, as in metrics.</summary>
    public string Operation { get; }

    /// <summary>The object's key, or the prefix of a listing.</summary>
    public string Key { get; }

    /// <summary>Bytes that it moves.</summary>
    public long Bytes { get; }

    /// <summary>Whose places it takes.</summary>
    public Lane Lane { get; }

    /// <summary>When it must have ended.</summary>
    public CallDeadline? Deadline { get; set; }

    /// <summary>Attempts that were begun.</summary>
    public int Attempts { get; set; }

    /// <summary>How the last failed attempt failed.</summary>
    public CheckpointerException? LastFailure { get; set; }

    /// <summary>For messages: what it does, to what.</summary>
    public string Description => Bytes > 0 ? $"{Operation} of '{Key}' ({Bytes} bytes)" : $"{Operation} of '{Key}'";

    public static StoreCall Put(ObjectKey key, ObjectContent content) => Writing("put", key, content);

    public static StoreCall PutIfAbsent(ObjectKey key, ObjectContent content) => Writing("put_if_absent", key, content);

    public static StoreCall Read(ObjectKey key, int bytes) =>
        new("read", key.Value, bytes, bytes < SmallBytes ? Lane.Small : Lane.Read);

    public static StoreCall Head(string key) => new("head", key, 0, Lane.Small);

    public static StoreCall List(string prefix) => new("list", prefix, 0, Lane.Small);

    public static StoreCall Delete(ObjectKey key) => new("delete", key.Value, 0, Lane.Small);

    public static StoreCall Of(ResilienceContext context) => context.Properties.GetValue(Property, null!);

    private static StoreCall Writing(string operation, ObjectKey key, ObjectContent content) =>
        new(operation, key.Value, content.LengthBytes, content.LengthBytes < SmallBytes ? Lane.Small : Lane.Write);
}
