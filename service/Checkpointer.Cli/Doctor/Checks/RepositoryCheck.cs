using Checkpointer.Formats.Errors;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether the store holds a repository, and the one that the service uses.</summary>
internal sealed class RepositoryCheck : ICheck
{
    public async Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        RepositoryIdentity? here;
        try
        {
            if (surroundings.Store is not { } store)
            {
                return [Finding.Skipped("no store is named")];
            }

            here = await RepositoryIdentity.FindAsync(store, cancellationToken).ConfigureAwait(false);
        }
        catch (CheckpointerException e)
        {
            return e.Message.Contains("repository.json", StringComparison.Ordinal) && e.Code == ErrorCode.StorageFailed
                ? [Finding.Failed(e.Message, "Point --store at the right bucket and prefix.")]
                : [Finding.Skipped("not known: the store could not be read")];
        }

        var (status, _, _) = await surroundings.Service.StoreAsync(cancellationToken).ConfigureAwait(false);
        return [(here, status) switch
        {
            (null, { Repository: not null }) => Finding.Failed(
                $"there is no repository here; the service's is {status.Repository} in {status.Description}",
                "Give this node and the service the same store."),
            (null, _) => Finding.Ok("none yet; the service makes it at its first start"),
            ({ Id: var id }, null or { Repository: null }) => Finding.Ok($"{id} (the service did not say which it uses)"),
            ({ Id: var id }, { Repository: var its }) when id == its => Finding.Ok($"{id}, the service's own"),
            ({ Id: var id }, _) => Finding.Failed(
                $"it is {id}; the service uses {status.Repository} in {status.Description}",
                "Give this node and the service the same store: agents of another repository are refused."),
        }];
    }
}
