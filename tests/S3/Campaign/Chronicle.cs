using System.Collections.Concurrent;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;

namespace Checkpointer.S3.Tests.Campaign;

/// <summary>
/// What the campaign's writers meant to write, what was acknowledged to them, and what they were told when it was not.
/// Contents are told apart by number: <see cref="Contents"/> makes them again. Thread-safe.
/// </summary>
internal sealed class Chronicle
{
    private readonly ConcurrentDictionary<ObjectKey, ConcurrentBag<int>> _meant = new();
    private readonly ConcurrentDictionary<ObjectKey, int> _acknowledged = new();
    private readonly ConcurrentDictionary<ObjectKey, int> _creators = new();
    private readonly ConcurrentDictionary<(ErrorCode Code, bool IsTransient), int> _failures = new();
    private readonly ConcurrentQueue<string> _violations = new();

    /// <summary>Every broken promise found so far.</summary>
    public IReadOnlyCollection<string> Violations => _violations;

    /// <summary>How often callers were told what.</summary>
    public KeyValuePair<(ErrorCode Code, bool IsTransient), int>[] Failures => _failures.ToArray();

    /// <summary>What was acknowledged up to now, by the number of its content.</summary>
    public KeyValuePair<ObjectKey, int>[] Acknowledged => _acknowledged.ToArray();

    /// <summary>Before a put is tried.</summary>
    public void Means(ObjectKey key, int content) => _meant.GetOrAdd(key, _ => []).Add(content);

    /// <summary>Whether anyone meant to write that content there.</summary>
    public bool WasMeant(ObjectKey key, int content) => _meant.TryGetValue(key, out var contents) && contents.Contains(content);

    /// <summary>The contents that someone meant to write there.</summary>
    public IReadOnlyCollection<int> MeantAt(ObjectKey key) => _meant.TryGetValue(key, out var contents) ? [.. contents] : [];

    /// <summary>A writer was told, or found by comparing, that its content is what the key has now and for ever.</summary>
    public void Acknowledge(ObjectKey key, int content)
    {
        var first = _acknowledged.GetOrAdd(key, content);
        Require(first == content, $"'{key}' was acknowledged to two writers, with contents {first} and {content}");
    }

    /// <summary>A writer was told that its very call created the object.</summary>
    public void Created(ObjectKey key) => Require(
        _creators.AddOrUpdate(key, 1, (_, count) => count + 1) == 1, $"two calls were told that they created '{key}'");

    /// <summary>A failure, which must be an honest one.</summary>
    public void Failed(string what, CheckpointerException failure)
    {
        _failures.AddOrUpdate((failure.Code, failure.IsTransient), 1, (_, count) => count + 1);
        var isHonest = failure switch
        {
            { Code: ErrorCode.StorageUnavailable or ErrorCode.StorageThrottled } => failure.IsTransient,
            { Code: ErrorCode.StorageDenied } => !failure.IsTransient,
            _ => false,
        };
        Require(isHonest, $"{what} failed with {failure.Code} (transient: {failure.IsTransient}): {failure.Message}");
        Require(
            !failure.Message.Contains("Signature", StringComparison.OrdinalIgnoreCase),
            $"{what} failed with a message that holds a signature");
    }

    /// <summary>Everything that is visible, read by a way without faults, is what somebody wrote, whole.</summary>
    public async Task ReadBackAsync(IObjectStore store, CancellationToken cancellationToken)
    {
        var visible = new Dictionary<ObjectKey, int?>();
        await foreach (var info in store.ListAsync("", cancellationToken))
        {
            var bytes = new byte[info.SizeBytes];
            await store.ReadAsync(info.Key, 0, bytes, cancellationToken);
            var content = Contents.NumberOf(bytes);
            visible[info.Key] = content;
            Require(
                content is { } number && WasMeant(info.Key, number),
                $"'{info.Key}' has {info.SizeBytes} bytes that nobody wrote there");
        }

        foreach (var (key, content) in _acknowledged)
        {
            Require(visible.GetValueOrDefault(key) == content, $"'{key}' was acknowledged and is not there");
        }
    }

    public void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            _violations.Enqueue(otherwise);
        }
    }
}
