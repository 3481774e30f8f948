using Checkpointer.Agent.Telemetry;
using Checkpointer.Contracts.Problems;
using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Agent.Restoring;

/// <summary>What a restore met on its way: bytes by tier, and faults; counted if telemetry is given. Thread-safe.</summary>
internal sealed class RestoreJournal(AgentTelemetry? telemetry)
{
    /// <summary>Most faults that are written down; a last line says how many more there were.</summary>
    public const int MaxFaults = 63;

    /// <summary>Longest of them, in characters.</summary>
    public const int MaxFaultLength = 1024;

    private readonly Lock _gate = new();
    private readonly List<CopyFault> _faults = [];
    private readonly long[] _bytes = new long[Enum.GetValues<SourceKind>().Length];
    private int _moreFaults;
    private volatile bool _noSourceLeft;

    /// <summary>Whether no source was left of bytes that were needed: the plan can't be carried out, by no rank.</summary>
    public bool NoSourceLeft => _noSourceLeft;

    /// <summary>The faults so far.</summary>
    public IReadOnlyList<CopyFault> Faults
    {
        get
        {
            lock (_gate)
            {
                return _moreFaults == 0 ? [.. _faults] : [.. _faults, new CopyFault { Kind = CopyFaultKind.Other, Message = $"and {_moreFaults} more" }];
            }
        }
    }

    /// <summary>Verified bytes from that kind of source.</summary>
    public long BytesFrom(SourceKind kind) => Volatile.Read(ref _bytes[(int)kind]);

    /// <summary>Bytes that were read from a source and hash to what was sealed.</summary>
    public void Read(SourceKind kind, long bytes)
    {
        Interlocked.Add(ref _bytes[(int)kind], bytes);
        if (kind != SourceKind.Replicas)
        {
            telemetry?.RestoreRead(System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString()), bytes);
        }
    }

    /// <summary>No source is left of bytes that were needed.</summary>
    public void RunOut() => _noSourceLeft = true;

    /// <summary>A source failed or gave wrong bytes.</summary>
    public void Fault(Rank image, IImageSource source, CheckpointerException failure) =>
        Fault(image, source.Description, source.Kind, source.Node, failure);

    /// <summary>The same of a place that is none of the plan's sources; null for <paramref name="kind"/>: of none at all.</summary>
    public void Fault(Rank image, string source, SourceKind? kind, string? node, CheckpointerException failure)
    {
        telemetry?.RestoreFault(failure.Code);
        lock (_gate)
        {
            if (_faults.Count < MaxFaults)
            {
                var fault = $"Image of rank {image} from {source}: {CheckpointerProblem.NameOf(failure.Code)}: {failure.Message}";
                _faults.Add(new CopyFault
                {
                    Kind = CopyFault.KindOf(failure.Code),
                    Rank = image,
                    Tier = kind switch
                    {
                        SourceKind.LocalMemory or SourceKind.PeerMemory => Tier.Memory,
                        SourceKind.Storage => Tier.Storage,
                        _ => null,
                    },
                    Node = node,
                    Message = fault.Length <= MaxFaultLength ? fault : fault[..MaxFaultLength],
                });
            }
            else
            {
                _moreFaults++;
            }
        }
    }
}
