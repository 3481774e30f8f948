using System.CommandLine;
using Checkpointer.Cli.Configuration;
using Checkpointer.Service.Hosting;
using Checkpointer.Storage.Verification;

namespace Checkpointer.Cli.Commands;

/// <summary><c>checkpointer service</c>: the coordinator.</summary>
internal static class ServiceCommand
{
    private const long DefaultScrubRate = 64L << 20;

    private static readonly Option<string> Data = new("--data")
    {
        Description = "Folder of the journal; on a local disk, for one service only. CHECKPOINTER_DATA.",
        HelpName = "DIR",
        DefaultValueFactory = _ => Variables.Get("CHECKPOINTER_DATA") ?? "/var/lib/checkpointer",
    };

    private static readonly Option<Uri?> Listen = new("--listen")
    {
        Description = "Where agents and operators reach the service.",
        HelpName = "URL",
        CustomParser = Addresses.Parse,
        DefaultValueFactory = _ => ServiceSetting.Default,
    };

    private static readonly Option<Duration> Deadline = new("--checkpoint-deadline")
    {
        Description = "How long a checkpoint may take from its first shard to its last, such as 10m; then it is abandoned.",
        HelpName = "TIME",
        CustomParser = Duration.Between(TimeSpan.FromSeconds(1), TimeSpan.FromDays(7)),
        DefaultValueFactory = _ => new Duration(TimeSpan.FromMinutes(10)),
    };

    private static readonly Option<Duration> ScrubInterval = new("--scrub-interval")
    {
        Description = "How often one committed checkpoint is read again and checked against its hashes, such as 24h; 0 for never.",
        HelpName = "TIME",
        CustomParser = Duration.Between(TimeSpan.FromSeconds(1), TimeSpan.FromDays(366), orZero: true),
        DefaultValueFactory = _ => new Duration(TimeSpan.FromHours(24)),
    };

    private static readonly Option<long?> ScrubRate = new("--scrub-rate")
    {
        Description = "Most that this reads a second, such as 64MiB; 0 for no limit. Default: 64MiB.",
        HelpName = "SIZE",
        CustomParser = ByteSize.AtLeast(VerificationOptions.MinBytesPerSecond, orZero: true),
    };

    private static readonly Option<Duration> SweepInterval = new("--sweep-interval")
    {
        Description = "How often what aborted saves left in the store is looked for, such as 1h.",
        HelpName = "TIME",
        CustomParser = Duration.Between(TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(7)),
        DefaultValueFactory = _ => new Duration(TimeSpan.FromHours(1)),
    };

    private static readonly Option<Duration> SweepGrace = new("--sweep-grace")
    {
        Description = "How long that stays there by the store's clock, such as 1h; then it is deleted.",
        HelpName = "TIME",
        CustomParser = Duration.Between(TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(365)),
        DefaultValueFactory = _ => new Duration(TimeSpan.FromHours(1)),
    };

    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        var command = new Command(
            "service",
            "Runs the service: it grants attempts, decides which checkpoints are consistent, and plans recoveries.")
        {
            Data, StoreSetting.Option, Listen, Deadline, ScrubInterval, ScrubRate, SweepInterval, SweepGrace,
            WebhookSetting.Url, WebhookSetting.SecretFile,
        };
        command.SetAction((parsed, cancellationToken) => Daemon.RunAsync(
            () => ServiceHost.Build(
                new ServiceOptions
                {
                    DataPath = Path.GetFullPath(parsed.GetValue(Data)!),
                    Store = StoreSetting.Of(parsed, ErrorOutput.Warn),
                    Listen = parsed.GetValue(Listen)!,
                    CheckpointDeadline = parsed.GetValue(Deadline).Value,
                    ScrubInterval = parsed.GetValue(ScrubInterval).Value,
                    ScrubBytesPerSecond = parsed.GetValue(ScrubRate) ?? DefaultScrubRate,
                    SweepInterval = parsed.GetValue(SweepInterval).Value,
                    SweepGrace = parsed.GetValue(SweepGrace).Value,
                    Webhook = WebhookSetting.Of(parsed),
                },
                Daemon.Configure),
            cancellationToken));
        return command;
    }
}
