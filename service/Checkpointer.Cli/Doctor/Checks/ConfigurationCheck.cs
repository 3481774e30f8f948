using Checkpointer.Cli.Configuration;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.S3;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Which settings count, and where S3's keys come from.</summary>
internal sealed class ConfigurationCheck(DoctorSubject subject) : IDoctorCheck
{
    public string Area => "configuration";

    public Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        List<Finding> found = [File()];
        if (subject.Store is { } store && store.Url.StartsWith("s3://", StringComparison.OrdinalIgnoreCase))
        {
            try
            {
                var facts = S3Facts.Of(store);
                found.Add(Finding.Ok(Area, "keys of S3", facts.Keys));
                found.Add(Transport(facts));
            }
            catch (CheckpointerException e)
            {
                found.Add(Finding.Failed(Area, "S3", e.Message, "See --store in 'checkpointer agent --help' and the README of the S3 store."));
            }
        }

        return Task.FromResult<IReadOnlyList<Finding>>(found);
    }

    private Finding File()
    {
        if (subject.ConfigurationPath is not { } path)
        {
            return Finding.Ok(Area, "file", "none; settings come from flags and the environment");
        }

        string? warning = null;
        _ = ConfigurationSetting.Load(path, text => warning = text);
        return warning is null
            ? Finding.Ok(Area, "file", path)
            : Finding.Warning(Area, "file", warning, $"chmod 600 '{path}'");
    }

    private Finding Transport(S3Facts facts) => facts.Endpoint.Scheme == Uri.UriSchemeHttps
        ? Finding.Ok(Area, "transport", $"TLS, authorities of {facts.CaFile ?? "the system"}")
        : facts.Endpoint.IsLoopback
            ? Finding.Ok(Area, "transport", "plain http on this machine")
            : Finding.Warning(
                Area, "transport", $"plain http to {facts.Endpoint.Host}: whoever is on the way can read and change checkpoints",
                "Use an https endpoint; name its authority with ca_file if it is private. On a network that you trust: checksum=md5.");
}
