using System.CommandLine;
using Checkpointer.Cli.Configuration;
using Checkpointer.Service.Hosting;

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

    private static readonly Option<TimeSpan> Deadline = new("--checkpoint-deadline")
    {
        Description = "How long a checkpoint may take from its first shard to its last, as hh:mm:ss; then it is abandoned.",
        HelpName = "TIME",
        DefaultValueFactory = _ => TimeSpan.FromMinutes(10),
    };

    private static readonly Option<TimeSpan> ScrubInterval = new("--scrub-interval")
    {
        Description = "How often one committed checkpoint is read again and checked against its hashes, as [d.]hh:mm:ss; 0 for never.",
        HelpName = "TIME",
        DefaultValueFactory = _ => TimeSpan.FromHours(24),
    };

    private static readonly Option<long?> ScrubRate = new("--scrub-rate")
    {
        Description = "Most that this reads a second, such as 64MiB; 0 for no limit. Default: 64MiB.",
        HelpName = "SIZE",
        CustomParser = ByteSize.ParseOrZero,
    };

    private static readonly Option<TimeSpan> SweepInterval = new("--sweep-interval")
    {
        Description = "How often what aborted saves left in the store is looked for, as hh:mm:ss.",
        HelpName = "TIME",
        DefaultValueFactory = _ => TimeSpan.FromHours(1),
    };

    private static readonly Option<TimeSpan> SweepGrace = new("--sweep-grace")
    {
        Description = "How long that stays there, as hh:mm:ss by the store's clock; then it is deleted.",
        HelpName = "TIME",
        DefaultValueFactory = _ => TimeSpan.FromHours(1),
    };

    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        var command = new Command(
            "service",
            "Runs the service: it grants attempts, decides which checkpoints are consistent, and plans recoveries.")
        {
            Data, StoreSetting.Option, Listen, Deadline, ScrubInterval, ScrubRate, SweepInterval, SweepGrace,
        };
        command.SetAction((parsed, cancellationToken) => Daemon.RunAsync(
            () => ServiceHost.Build(
                new ServiceOptions
                {
                    DataPath = Path.GetFullPath(parsed.GetValue(Data)!),
                    Store = StoreSetting.Of(parsed, ErrorOutput.Warn),
                    Listen = parsed.GetValue(Listen)!,
                    CheckpointDeadline = parsed.GetValue(Deadline),
                    ScrubInterval = parsed.GetValue(ScrubInterval),
                    ScrubBytesPerSecond = parsed.GetValue(ScrubRate) ?? DefaultScrubRate,
                    SweepInterval = parsed.GetValue(SweepInterval),
                    SweepGrace = parsed.GetValue(SweepGrace),
                },
                Daemon.Configure),
            cancellationToken));
        return command;
    }
}
