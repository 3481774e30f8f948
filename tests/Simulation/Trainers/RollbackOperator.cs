using System.Net.Http.Headers;
using System.Text.Json;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Simulation.Trainers;

/// <summary>An operator who has the run go back.</summary>
internal sealed class RollbackOperator(World world)
{
    private static readonly string[] Targets = ["latest", "known_good"];

    public async Task DecideAsync(Random random)
    {
        var process = world.NewProcess("operator", "operator");
        using var http = world.Network.ClientOf(process, World.ServiceAddress);
        var committed = world.Model.Committed;
        var to = random.Next(3) is var choice && choice < Targets.Length || committed.Count == 0
            ? Targets[random.Next(Targets.Length)]
            : committed[random.Next(committed.Count)].ToString();
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(
            new RequestRollback { To = to, By = "simulation" }, ContractsJsonContext.Default.RequestRollback));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20), process.Time);
        try
        {
            using var response = await http.PostAsync(
                new Uri($"v1/runs/{World.Run}/rollbacks", UriKind.Relative), content, timeout.Token).ConfigureAwait(false);
            await ProblemReader.EnsureSuccessAsync(response, timeout.Token).ConfigureAwait(false);
            var rollback = JsonSerializer.Deserialize(
                await response.Content.ReadAsByteArrayAsync(timeout.Token).ConfigureAwait(false), ContractsJsonContext.Default.Rollback)!;
            world.Count("rollbacks accepted");
            world.Model.RolledBack(rollback);
        }
        catch (CheckpointerException e)
        {
            world.Count($"rollbacks refused: {e.Code}");
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            world.Count("rollbacks unanswered");
        }
    }
}
