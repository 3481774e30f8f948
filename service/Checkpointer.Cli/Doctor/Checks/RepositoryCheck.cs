using System.Net.Http.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Agents;
using Checkpointer.Contracts.Stores;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.Repository;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether the store here, the service's and this node's agent's are one repository.</summary>
internal sealed class RepositoryCheck(DoctorSubject subject, TimeProvider time) : IDoctorCheck
{
    private const string Remedy = "Give service and agents the same --store: the same bucket and prefix, or the same mounted folder.";

    public string Area => "repository";

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        var (here, why) = await FindHereAsync(cancellationToken).ConfigureAwait(false);
        var (service, agents) = await AskServiceAsync(cancellationToken).ConfigureAwait(false);
        List<Finding> found = [];
        if (subject.Store is not null)
        {
            found.Add(here is not null
                ? Finding.Ok(Area, "store", here)
                : Finding.Skipped(Area, "store", why ?? "not a repository yet: the service makes it one at its first start"));
        }

        if (here is null && why is null && subject.Store is not null && service?.Repository is { } elsewhere)
        {
            found[^1] = Finding.Failed(
                Area, "store", $"not the service's: this one is no repository, the service's ({service.Description}) is {elsewhere}", Remedy);
        }

        if (here is not null && service?.Repository is { } theirs)
        {
            found.Add(here == theirs
                ? Finding.Ok(Area, "service", "uses the same")
                : Finding.Failed(Area, "service", $"uses another: {theirs} in {service.Description}", Remedy));
        }

        if (agents.FirstOrDefault(agent => agent.Node == subject.Node) is { StoreMatches: { } matches } own)
        {
            found.Add(matches
                ? Finding.Ok(Area, "agent", "uses the service's")
                : Finding.Failed(Area, "agent", $"uses another than the service: {own.Store?.Description}", Remedy));
        }

        return found;
    }

    private async Task<(string? Id, string? Why)> FindHereAsync(CancellationToken cancellationToken)
    {
        if (subject.Store is null)
        {
            return default;
        }

        try
        {
            var store = ObjectStores.OpenResilient(StoreCheck.Impatient(subject.Store), time, new Random(0));
            return ((await RepositoryIdentity.FindAsync(store, cancellationToken).ConfigureAwait(false))?.Id, null);
        }
        catch (CheckpointerException e)
        {
            return (null, $"could not be read: {e.Message}");
        }
    }

    private async Task<(StoreStatus? Store, IReadOnlyList<AgentSummary> Agents)> AskServiceAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = subject.Service, Timeout = TimeSpan.FromSeconds(10) };
        try
        {
            var store = await http.GetFromJsonAsync("v1/store", ContractsJsonContext.Default.StoreStatus, cancellationToken).ConfigureAwait(false);
            var agents = await http
                .GetFromJsonAsync("v1/agents?limit=1000", ContractsJsonContext.Default.PageAgentSummary, cancellationToken).ConfigureAwait(false);
            return (store, agents?.Items ?? []);
        }
        catch (Exception e) when (HttpTrouble.Is(e, cancellationToken))
        {
            return (null, []); // whether it answers is ServiceCheck's to say
        }
    }
}
