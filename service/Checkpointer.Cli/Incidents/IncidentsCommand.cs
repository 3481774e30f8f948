using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Checkpointer.Cli.Configuration;
using Checkpointer.Cli.Operating;
using Checkpointer.Contracts;
using Checkpointer.Contracts.Runs;

namespace Checkpointer.Cli.Incidents;

/// <summary><c>checkpointer incidents</c>.</summary>
internal static class IncidentsCommand
{
    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        var run = RunArgument.Create();
        var output = OutputOption.Create();
        var follow = new Option<bool>("--follow")
        {
            Description = "Go on with new ones as they come, until interrupted; a service that goes away is waited for.",
        };
        var command = new Command(
            "incidents", "Shows what an operator should know of a run, oldest first. With --output json: one object a line.")
        {
            run, follow, ServiceSetting.Option, output,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var client = new OperatorClient(ServiceSetting.Of(parsed));
            var json = parsed.GetValue(output) == OutputOption.Json;
            if (parsed.GetValue(follow))
            {
                await new IncidentFollower(client, parsed.GetValue(run), TimeProvider.System)
                    .FollowAsync(Show, cancellationToken).ConfigureAwait(false);
                return ExitCode.Success;
            }

            var any = false;
            await foreach (var incident in client.ListAsync(
                $"v1/runs/{parsed.GetValue(run)}/incidents", ContractsJsonContext.Default.PageIncident, cancellationToken).ConfigureAwait(false))
            {
                any = true;
                Show(incident);
            }

            if (!any && !json)
            {
                Console.WriteLine("no incidents");
            }

            return ExitCode.Success;

            void Show(Incident incident) =>
                Console.WriteLine(json ? JsonSerializer.Serialize(incident, ContractsJsonContext.Default.Incident) : Describe(incident));
        });
        return command;
    }

    private static string Describe(Incident incident) => string.Create(
        CultureInfo.InvariantCulture,
        $"{incident.Number,4}  {incident.At:yyyy-MM-dd HH:mm:ss}Z  {JsonNamingPolicy.SnakeCaseLower.ConvertName(incident.Kind.ToString())}: {incident.Message}");
}
