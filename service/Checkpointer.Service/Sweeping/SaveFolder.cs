using Checkpointer.Formats.Identity;
using Checkpointer.Storage;

namespace Checkpointer.Service.Sweeping;

/// <summary>What a listing has of one save: the objects of both its folders whose names are ours.</summary>
internal sealed class SaveFolder(CheckpointId checkpoint)
{
    private readonly List<ObjectInfo> _indices = [];
    private readonly List<ObjectInfo> _packs = [];

    /// <summary>Which.</summary>
    public CheckpointId Checkpoint { get; } = checkpoint;

    /// <summary>Whether it has a manifest: then it is a checkpoint, and nothing of it is kept here.</summary>
    public bool HasManifest { get; private set; }

    /// <summary>Its indices.</summary>
    public IReadOnlyList<ObjectInfo> Indices => _indices;

    /// <summary>Its packs.</summary>
    public IReadOnlyList<ObjectInfo> Packs => _packs;

    /// <summary>When the newest object in its folders was written, by the store's clock, whosever it is.</summary>
    public DateTimeOffset Newest { get; private set; }

    /// <summary>Takes an index in.</summary>
    public void AddIndex(ObjectInfo index)
    {
        See(index);
        Keep(_indices, index);
    }

    /// <summary>Takes a pack in.</summary>
    public void AddPack(ObjectInfo pack)
    {
        See(pack);
        Keep(_packs, pack);
    }

    /// <summary>Takes the manifest in: of a checkpoint no object need be remembered.</summary>
    public void AddManifest(ObjectInfo manifest)
    {
        See(manifest);
        HasManifest = true;
        _indices.Clear();
        _packs.Clear();
    }

    /// <summary>Takes in that there is an object that is none of ours: it is never touched, but its age counts.</summary>
    public void See(ObjectInfo other)
    {
        if (other.LastModified > Newest)
        {
            Newest = other.LastModified;
        }
    }

    private void Keep(List<ObjectInfo> objects, ObjectInfo added)
    {
        if (!HasManifest)
        {
            objects.Add(added);
        }
    }
}
