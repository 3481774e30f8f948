namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Which configuration file counts, and whether it can be used.</summary>
internal sealed class ConfigurationCheck : ICheck
{
    public Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        var options = surroundings.Options;
        Finding finding = options switch
        {
            { ConfigurationProblem: { } problem } => Finding.Failed(
                problem, "Mend the file; until then no verb starts with it. The other checks went on without it."),
            { ConfigurationWarning: { } warning } => Finding.Warning(
                warning, "Do that, or keep the secret in a credentials file that only its owner reads."),
            { ConfigurationPath: { } path } => Finding.Ok($"'{path}' is used"),
            _ => Finding.Ok("no file; options, environment variables and defaults count"),
        };
        return Task.FromResult<IReadOnlyList<Finding>>([finding]);
    }
}
