using Checkpointer.Formats.Identity;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Service.Sweeping;

/// <summary>The saves of one run that a store has objects of, by step, then attempt.</summary>
internal sealed class SaveListing(RunId run)
{
    private readonly SortedDictionary<CheckpointId, SaveFolder> _folders = [];

    /// <summary>The run.</summary>
    public RunId Run { get; } = run;

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<SaveFolder> Folders => _folders.Values;

    /// <summary>Lists a run. Indices and manifests come before packs: so no checkpoint is taken for one without manifest whose packs alone were seen.</summary>
    public static async Task<SaveListing> ReadAsync(IObjectStore store, RunId run, CancellationToken cancellationToken)
    {
        var listing = new SaveListing(run);
        foreach (var prefix in (string[])[RepositoryKeys.Checkpoints(run), RepositoryKeys.Packs(run)])
        {
            await foreach (var found in store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            {
                listing.Add(found);
            }
        }

        return listing;
    }

    /// <summary>Takes in an object, if it lies in a folder of a save. One whose name is not exactly ours is only seen.</summary>
    public void Add(ObjectInfo found)
    {
        if (SaveKeys.Parse(Run, found.Key) is not { } save)
        {
            return;
        }

        if (!_folders.TryGetValue(save.Checkpoint, out var folder))
        {
            _folders.Add(save.Checkpoint, folder = new SaveFolder(save.Checkpoint));
        }

        switch (save.Kind)
        {
            case SaveObjectKind.Manifest:
                folder.AddManifest(found);
                break;
            case SaveObjectKind.Index:
                folder.AddIndex(found);
                break;
            case SaveObjectKind.Pack:
                folder.AddPack(found);
                break;
            default:
                folder.See(found);
                break;
        }
    }
}
